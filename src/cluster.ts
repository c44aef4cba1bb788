/**
 * The drop-in client for Redis Cluster: an ioredis `Cluster` whose nodes are clients of this package. This file is the seam and
 * nothing more: it turns ioredis's public methods into calls of the router, the nodes and the client's life.
 */
import {
  Cluster as IOCluster,
  type Callback,
  type ClusterNode as StartNode,
  type Command,
  type NodeRole,
  type Redis as IORedis,
  type RedisKey,
} from "ioredis";
import { makesClients } from "./client/client-count.js";
import { constructWith, takeContext, type ConstructionContext } from "./client/construction-context.js";
import { isOff, letBePlain, offBy } from "./client/plain.js";
import { makeOptionsInspectable, makePrintable } from "./client/inspection.js";
import type { DuplicateOf, MappedCluster, Mapping } from "./client/redis-options.js";
import { viewOf } from "./client/view.js";
import { forCluster } from "./cluster/batches.js";
import { ClusterCore } from "./cluster/core.js";
import { ownerOf, saysMoved, type ClusterConnectionOptions } from "./cluster/leases.js";
import { clusterHealth, type ClusterHealth } from "./cluster/health.js";
import { plainCluster } from "./cluster/plain.js";
import {
  clusterLiveness,
  clusterReadiness,
  clusterStartup,
  type ClusterLiveness,
  type ClusterReadiness,
  type ClusterReadinessOptions,
} from "./cluster/probes.js";
import type { StartupOptions } from "./client/health.js";
import { Life } from "./cluster/life.js";
import { readClusterOptions, type ClusterOptions } from "./cluster/options.js";
import { SLOTS } from "./cluster/slot-ranges.js";
import { clusterStats, type ClusterStats } from "./cluster/stats.js";
import type { ScriptDefinition } from "./command/scripts.js";
import type { BatchStream, CallOptions } from "./engine/ports.js";
import { CLUSTER, clusterInternalsOf } from "./ioredis/cluster-internals.js";
import { overridden } from "./ioredis/explicit-options.js";
import { quickenBatches } from "./ioredis/quick-pipeline.js";
import { keepOrderOfScript } from "./ioredis/script-sends.js";
import type { EventListener } from "./observe/events.js";
import {
  clusterAddressFromEnvironment,
  clusterFromEnvironment,
  type ClusterFromEnvironmentOptions,
} from "./cluster/from-environment.js";
import type { Environment } from "./policy/environment/policy-variables.js";
import { normalPrefix } from "./policy/environment/target.js";
import { checkMethodOptions } from "./policy/input/call-options.js";
import type { Policy } from "./policy/shape.js";
import type { TransactionOptions, TransactionResult } from "./lease/transaction.js";
import { Redis, type CloseOptions, type TransactionScope } from "./redis.js";

export type {
  ClusterConnectionOptions,
  ClusterFromEnvironmentOptions,
  ClusterHealth,
  ClusterLiveness,
  ClusterOptions,
  ClusterReadiness,
  ClusterReadinessOptions,
  ClusterStats,
};

/** How long `close()` waits for what is under way, in milliseconds. */
const DRAIN = 5_000;
/** How often a transaction begins again because its slot has moved. */
const MOVES = 5;
/** The limits of a view made by `with`. */
const LIMITS = Symbol("ioredoubt.cluster.limits");

interface State {
  readonly core: ClusterCore;
  readonly life: Life;
  /** Where the policy comes from instead of `process.env`. */
  readonly environment: ConstructionContext["environment"];
  closing: Promise<void> | undefined;
}

export class Cluster extends IOCluster {
  /** @internal */
  declare readonly [CLUSTER]: State;
  /** @internal */
  declare readonly [LIMITS]?: CallOptions;

  /**
   * @param startNodes - one node is enough; each is a port, a URL, or an object with `host` and `port`.
   * @throws {ConfigError} before anything connects.
   */
  constructor(startNodes: StartNode[], options: ClusterOptions = {}) {
    const given = takeContext() ?? {};
    const isPlain = isOff([options]);
    const read = isPlain ? options : readClusterOptions(startNodes, options);
    const { shardedSubscribers = false, lazyConnect = false, scripts, ...rest } = read;
    // ioredis's own subscribers are plain clients; it must neither make them, nor scripts, nor connect before everything is in place.
    super(startNodes, (isPlain ? options : { ...rest, lazyConnect: true }) as never);
    if (isPlain) return;
    const internals = clusterInternalsOf(this);
    Object.assign(internals.options, { lazyConnect, shardedSubscribers, ...(scripts && { scripts }) });
    // Whoever waits for ioredis's table would wait for what is never filled.
    internals.slots = Array.from({ length: SLOTS }, () => []);
    makeOptionsInspectable(internals.options);
    const life: Life = new Life(this, () => this[CLUSTER].core);
    const core = new ClusterCore({
      cluster: this,
      startNodes,
      options: internals.options,
      create: (own) => new Redis(own),
      life,
      given,
    });
    const { environment } = given;
    Object.defineProperty(this, CLUSTER, { value: { core, life, environment, closing: undefined } satisfies State });
    for (const [name, definition] of Object.entries(scripts ?? {})) this.defineCommand(name, definition);
    if (!lazyConnect) this.connect().catch(ignore);
  }

  /** Another client of the cluster with these options, and a policy that is resolved anew. */
  override duplicate<Nodes extends Mapping>(
    startNodes: StartNode[] | undefined,
    override: ClusterOptions & { readonly redisOptions: Nodes },
  ): DuplicateOf<Nodes, MappedCluster, Cluster>;
  override duplicate(startNodes?: StartNode[], override?: ClusterOptions): Cluster;
  override duplicate(startNodes: StartNode[] = [], override: ClusterOptions = {}): Cluster | MappedCluster {
    const { options, startupNodes } = clusterInternalsOf(this);
    const redisOptions = overridden(options.redisOptions ?? {}, override.redisOptions);
    const nodes = startNodes.length > 0 ? startNodes : [...(startupNodes as StartNode[])];
    const environment = (this as { readonly [CLUSTER]?: State })[CLUSTER]?.environment;
    return constructWith({ environment }, () => new Cluster(nodes, { ...options, ...override, redisOptions }));
  }

  override sendCommand(command: Command, stream?: BatchStream, node?: unknown): unknown {
    // Asked here and not around it: this is called for every command.
    const state = (this as { readonly [CLUSTER]?: State })[CLUSTER];
    if (state === undefined) return super.sendCommand(command, stream as never, node);
    state.core.router.dispatch(command, stream, undefined);
    return command.promise;
  }

  override connect(): Promise<void> {
    this[CLUSTER].closing = undefined;
    return this[CLUSTER].life.connect();
  }

  /** Ends at once. With `reconnect`, each node's connection is made anew and the client goes on. */
  override disconnect(reconnect = false): void {
    const { core, life } = this[CLUSTER];
    if (!reconnect) life.disconnect();
    else for (const { client } of core.layout.all) client.disconnect(true);
  }

  /** Ends in good order, as `close()` does. */
  override quit(callback?: Callback<"OK">): Promise<"OK"> {
    const promise = this.close().then(() => "OK" as const);
    if (typeof callback === "function") void promise.then((result) => process.nextTick(callback, null, result));
    return promise;
  }

  /** The clients of the nodes that the table names: all of them, or those of one role. */
  override nodes(role?: NodeRole): Redis[] {
    return super.nodes(role) as unknown as Redis[];
  }

  override refreshSlotsCache(callback?: (error?: Error) => void): void {
    const { core } = this[CLUSTER];
    void core.membership.topology.refresh().then(() => {
      callback?.(core.isRoutable ? undefined : core.lobbyTransport.lastError());
    });
  }

  override defineCommand(
    name: string,
    definition: ScriptDefinition & { numberOfKeys?: number; readOnly?: boolean },
  ): void {
    this[CLUSTER].core.scripts.declare(definition);
    super.defineCommand(name, definition);
    keepOrderOfScript(this as unknown as IORedis, name, () => false);
  }

  /**
   * A view of this client whose commands carry other limits: `cluster.with({ deadline: 200 }).get("k")`. Same nodes, same order.
   *
   * @throws {ConfigError} when a limit is none that a timer can keep, or the signal is no `AbortSignal`.
   */
  with(options: CallOptions): this {
    checkMethodOptions("with", options);
    const { router } = this[CLUSTER].core;
    const limits = { ...this[LIMITS], ...options };
    const sendCommand = (command: Command, stream?: BatchStream): unknown => {
      router.dispatch(command, stream, limits);
      return command.promise;
    };
    return viewOf(this as unknown as IORedis, sendCommand, { [LIMITS]: limits }) as unknown as this;
  }

  /**
   * `with({ deadline })`: the total time in milliseconds for each command issued on the returned view.
   *
   * @throws {ConfigError} when it is no number of milliseconds from 0 to 2147483647 and not `false`.
   */
  withDeadline(deadline: number | false): this {
    return this.with({ deadline });
  }

  /**
   * Runs `fn` with a connection to the master of the key's slot that nobody else uses meanwhile, for WATCH, interactive MULTI and
   * the like. It is given back when the promise of `fn` settles. Await every command inside `fn`.
   *
   * @throws {PoolTimeoutError} when none became free within `pool.acquireTimeout`.
   * @throws {ConfigError} when an option is wrong, or no key says which node; nothing was sent.
   */
  async withConnection<T>(
    fn: (connection: Redis) => T | PromiseLike<T>,
    options: ClusterConnectionOptions,
  ): Promise<T> {
    checkMethodOptions("withConnection", options);
    const { core } = this[CLUSTER];
    const node = await ownerOf(core, "withConnection({ key })", [(options as Partial<ClusterConnectionOptions>).key]);
    return (node.client as unknown as Redis).withConnection(fn, options);
  }

  /**
   * Optimistic locking within one slot: watches `keys`, lets `fn` read on `conn` and queue writes on `multi`, and executes them
   * only if no watched key has changed; otherwise it starts again, as it does when the slot moves meanwhile.
   *
   * @throws {TransactionConflictError} when every attempt was overtaken; nothing was executed.
   * @throws {ConfigError} when an option is wrong, or the keys are in several slots; nothing was sent.
   */
  async transaction<T>(
    keys: readonly RedisKey[],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    options: TransactionOptions = {},
  ): Promise<TransactionResult<T>> {
    checkMethodOptions("transaction", options);
    if (!Array.isArray(keys)) throw new TypeError("transaction needs an array of the keys that it is to watch");
    const { core } = this[CLUSTER];
    for (let moves = 0; ; moves++) {
      const node = await ownerOf(core, "transaction(keys)", keys);
      try {
        return await (node.client as unknown as Redis).transaction(keys, fn, options);
      } catch (error) {
        // Refused before anything of it was executed: the slot has another owner by now.
        if (moves >= MOVES || !saysMoved(error)) throw error;
        await core.membership.topology.refresh();
      }
    }
  }

  /** The effective policy, frozen: that of each node. */
  get policy(): Policy {
    return this[CLUSTER].core.policy;
  }

  /** A plain snapshot: counters of all nodes together, redirections, the table, and each node. */
  stats(): ClusterStats {
    return clusterStats(this.status, this[CLUSTER].core);
  }

  /** Whether this client can serve now, for which share of the slots, and which masters cannot. No command is sent. */
  health(): ClusterHealth {
    return clusterHealth(this.status, this[CLUSTER].core);
  }

  /** For liveness probes: whether only a restart of the process would help. Never asks Redis: its outage is no reason. */
  liveness(): ClusterLiveness {
    const { core, life, closing } = this[CLUSTER];
    return clusterLiveness(this.status, core, !life.isEndedByOwner && closing === undefined);
  }

  /**
   * For readiness probes. A client is ready as long as it serves any slots at all, or as many as `slots` says: what one shard does
   * is no reason to keep the callers of all others away. Asks masters only when `maxAge` is given and their last sign of life is
   * older. A lazy client that nobody has used is ready. Never rejects.
   */
  readiness(options: ClusterReadinessOptions = {}): Promise<ClusterReadiness> {
    return clusterReadiness(() => this.status, this[CLUSTER].core, options);
  }

  /**
   * For startup: connects if nobody has yet, and resolves once a table is known and slots are served, after `within` milliseconds
   * (default 10 000), or at once when only a person can help (wrong password). Never rejects.
   */
  startup(options: StartupOptions = {}): Promise<ClusterReadiness> {
    return clusterStartup(() => this.status, this[CLUSTER].core, options);
  }

  /**
   * Calls `listener` for what happens at this cluster, whichever of its nodes it happens to. Returns a function that ends it.
   */
  onEvent(listener: EventListener): () => void {
    return this[CLUSTER].core.events.add(listener);
  }

  /**
   * Ends the client in good order: takes no more commands, waits for those under way (`drain` milliseconds at most), and ends
   * every node. A node that says nothing is not waited for. Idempotent; never rejects.
   *
   * @throws {ConfigError} at once, when `drain` is no number of milliseconds; the client goes on.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkMethodOptions("close", options);
    const state = this[CLUSTER];
    return (state.closing ??= state.life.close(options.drain ?? DRAIN));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * A client for Redis Cluster: `new Cluster(...)` for those who prefer a function.
 *
 * @param startNodes - one node is enough; each is a port, a URL, or an object with `host` and `port`.
 * @throws {ConfigError} before anything connects.
 */
export function createCluster(startNodes: StartNode[], options: ClusterOptions = {}): Cluster {
  return new Cluster(startNodes, options);
}

/**
 * A Cluster client whose start nodes (`REDIS_CLUSTER_NODES`), credentials, TLS and policy come from environment variables; all of
 * them in docs/policy.md. What `options` set takes precedence over the environment.
 *
 * @throws {ConfigError} before anything connects, with every problem and no value. While `IOREDOUBT_OFF` is on, only those of
 *   the address.
 */
createCluster.fromEnv = function fromEnv(
  env: Environment = process.env,
  options: ClusterFromEnvironmentOptions = {},
): Cluster {
  if (offBy([options], env) !== undefined) {
    const { startNodes, options: plain } = clusterAddressFromEnvironment(env, options);
    return new Cluster([...startNodes], { ...plain, resilience: false });
  }
  const { startNodes, options: given, resolved, warnings } = clusterFromEnvironment(env, options);
  const environment = { env, prefix: normalPrefix(options.prefix) };
  const { resilience } = options;
  return constructWith(
    { policy: resolved.policy, warnings, environment },
    () => new Cluster([...startNodes], { ...given, ...(resilience === undefined ? {} : { resilience }) }),
  );
};

// What the prototype itself looks like is asked, too.
makePrintable(Cluster.prototype, (cluster) => ({
  status: cluster.status,
  endpoint: Object.hasOwn(cluster, CLUSTER) ? cluster[CLUSTER].core.label : undefined,
}));
quickenBatches(Cluster.prototype as unknown as IORedis, (client) => CLUSTER in client);
for (const name of ["pipeline", "multi"] as const) {
  const create = Cluster.prototype[name] as (this: Cluster, ...args: unknown[]) => unknown;
  const value = function (this: Cluster, ...args: unknown[]): unknown {
    const created = create.apply(this, args);
    return CLUSTER in this ? forCluster(created) : created;
  };
  Object.defineProperty(Cluster.prototype, name, { value, configurable: true, writable: true });
}
letBePlain(Cluster.prototype, ["sendCommand", "duplicate", "pipeline", "multi"], plainCluster(IOCluster.prototype));
makesClients(createCluster.fromEnv, createCluster, Cluster);

function ignore(): void {
  // The outcome is told by events and by the commands that wait.
}
