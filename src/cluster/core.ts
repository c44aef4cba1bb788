/**
 * What hangs on a cluster client, put together once: the lobby in which commands wait for a table, the nodes, the router, what
 * is listened to, and the one topology that all clients of the cluster share.
 */
import type { Cluster as IOCluster, RedisOptions } from "ioredis";
import { withinAwake } from "../awake-timeout.js";
import { clock } from "../clock.js";
import { countClient } from "../client/client-count.js";
import { ClientEvents } from "../client/client-events.js";
import { constructWith, type ConstructionContext } from "../client/construction-context.js";
import type { Client } from "../client/host.js";
import { hubOf, observerFor } from "../client/observers-of.js";
import type { RedisOptions as OwnOptions } from "../client/redis-options.js";
import { STATE } from "../client/state.js";
import { tellWarnings } from "../client/warnings.js";
import { ScriptEffects } from "../command/scripts.js";
import { providerName } from "../credentials/client-credentials.js";
import { CLOSED_MESSAGE } from "../engine/client-errors.js";
import { Engine } from "../engine/engine.js";
import { addCounters, zeroCounters } from "../engine/counters.js";
import type { Elsewhere } from "../engine/elsewhere.js";
import { ClosedError, UnavailableError } from "../failure/errors.js";
import { askSeed } from "../ioredis/ask-seed.js";
import { clusterInternalsOf, type ClusterInternals } from "../ioredis/cluster-internals.js";
import { idOf } from "../identity.js";
import { WriteTicks } from "../ioredis/coalesce.js";
import { reportBug, tellListeners } from "../ioredis/report-bug.js";
import { defaultLogger } from "../observe/default-logger.js";
import { guardedLogger, SILENT } from "../observe/guarded-logger.js";
import { lintPolicy, type PolicyWarning } from "../policy/lint.js";
import { resolveSources, type PolicySources } from "../policy/resolve.js";
import type { Logger, Policy } from "../policy/shape.js";
import { ClusterCircuit } from "./circuit.js";
import { Layout } from "./layout.js";
import { LobbyTransport } from "./lobby.js";
import { ClusterNode } from "./node.js";
import { NodePool } from "./node-pool.js";
import { ProbeKey } from "./probe-key.js";
import { storyOf, wholeObserver } from "./observer.js";
import {
  addressesOf,
  clusterEndpoint,
  clusterLabel,
  credentialsIn,
  intervalOf,
  type ResilientClusterOptions,
} from "./options.js";
import { ReadPreference, type ScaleReads } from "./read-preference.js";
import { Router } from "./router.js";
import { SeedLogins, type SeedOptions } from "./seed-logins.js";
import { SlotHolds } from "./slot-holds.js";
import { keyOf, readSlots, type NodeAddress, type SlotRange } from "./slot-ranges.js";
import { Subscriptions } from "./subscriptions.js";
import { TopologyMembership } from "./topologies.js";
import type { Source, TopologyMember } from "./topology.js";

/** How long a silent listener is borne with: nothing but a question of its own tells it from a quiet channel. Milliseconds. */
const LISTENER_HEARTBEAT = { interval: 1_000, timeout: 1_500 };

/** What may wait for a listener to be connected. */
const LISTENER_QUEUE = { maxCommands: 10_000, maxBytes: 16 * 1024 * 1024, wait: "deadline" } as const;

export interface ClusterCoreOptions {
  readonly cluster: IOCluster;
  readonly startNodes: readonly unknown[];
  readonly options: ResilientClusterOptions;
  /** Makes a client of one server. */
  readonly create: (options: OwnOptions) => Client;
  /** What happens to the client as a whole. */
  readonly life: ClusterLife;
  /** A policy that was resolved elsewhere, from an environment for instance. */
  readonly given: ConstructionContext;
}

/** How the client's life goes on when its table changes. */
export interface ClusterLife {
  /** It serves, or is about to. */
  takesTable(): boolean;
  /** A table was applied. */
  applied(): void;
  /** Nobody told one, or could be asked. */
  failed(error: Error, wasLookup: boolean): void;
  /** A command waits, and nobody has connected yet. */
  wanted(): void;
  /** QUIT, or a fault that ends the client. */
  end(): void;
  /** When the next attempt begins, on the monotonic clock. */
  retryAt(): number;
}

export class ClusterCore {
  readonly label: string;
  readonly policy: Policy;
  readonly logger: Logger;
  readonly scripts = new ScriptEffects();
  readonly lobby: Engine;
  readonly lobbyTransport: LobbyTransport;
  readonly layout: Layout;
  readonly router: Router;
  readonly holds = new SlotHolds();
  readonly subscriptions: Subscriptions;
  readonly membership: TopologyMembership;
  readonly circuit: ClusterCircuit;
  /** The client, as the topology sees it. */
  readonly member: TopologyMember;
  readonly events: ClientEvents;
  readonly options: ResilientClusterOptions;
  /** What was counted at nodes that have left. */
  readonly past = zeroCounters();
  /** A table is known, and the cluster serves. */
  isRoutable = false;
  readonly #cluster: IOCluster;
  readonly #internals: ClusterInternals;
  readonly #redisOptions: RedisOptions;
  readonly #create: (options: OwnOptions) => Client;
  readonly #life: ClusterLife;
  readonly #scope: string;
  readonly #seedLogins: SeedLogins;
  readonly #ticks = new WriteTicks();
  /** What was written for single start nodes, by address. */
  readonly #specified = new Map<string, object>();
  #uncount: (() => void) | undefined = undefined;

  constructor({ cluster, startNodes, options, create, life, given }: ClusterCoreOptions) {
    this.#cluster = cluster;
    this.#internals = clusterInternalsOf(cluster);
    this.#create = create;
    this.#life = life;
    this.options = options;
    const redisOptions = (this.#redisOptions =
      (options as { readonly redisOptions?: RedisOptions }).redisOptions ?? {});
    const { resilience, enableOfflineQueue } = options;
    // As in ioredis, whether commands may wait is an option of the Cluster.
    const redis = { ...redisOptions, enableOfflineQueue: enableOfflineQueue === false ? false : undefined };
    const { policy, warnings } = policyFrom(given, { resilience, redis });
    this.policy = policy;
    const logger = (this.logger =
      resilience?.logger === false ? SILENT : guardedLogger(resilience?.logger ?? defaultLogger()));
    const addresses = addressesOf(startNodes);
    const label = (this.label = clusterLabel(addresses, resilience?.name));
    const credentials = credentialsIn(redisOptions);
    this.#seedLogins = new SeedLogins(credentials, label);
    const endpoint = clusterEndpoint(addresses, redisOptions, credentials && providerName(credentials));
    const logId = idOf(logger);
    const login = credentials === undefined ? endpoint.username : idOf(credentials);
    this.#scope = JSON.stringify([[...addresses].sort(), login, endpoint.tls, resilience?.name, logId]);
    const transport = (this.lobbyTransport = new LobbyTransport(endpoint, {
      write: (command) => this.router.fromLobby(command),
      wake: () => life.wanted(),
      end: () => life.end(),
      isRoutable: () => this.isRoutable,
      isTold: () => this.layout.masters.length > 0,
      serves: async () => (await this.#serves()) === true,
      retryAt: () => life.retryAt(),
    }));
    const answer = resilience?.fallback;
    const lobby = (this.lobby = new Engine({
      policy,
      transport,
      endpoint: { label, policy, logId, scope: this.#scope, observe: wholeObserver(observerFor(logger, undefined)) },
      fallback: answer && { answer, limit: policy.deadline || Infinity },
      blockingLimit: undefined,
      scriptEffect: (command) => this.scripts.of(command),
      isForBlocking: true,
      report: reportBug,
    }));
    this.events = new ClientEvents(() => hubOf(lobby.endpoint.observer));
    tellWarnings(label, logger, warnings);
    const layout = (this.layout = new Layout({
      create: (address, isReplica) => this.#createNode(address, isReplica),
      mapped: (address) => this.#mapped(address),
    }));
    const refresh = (): void => this.refresh();
    this.subscriptions = new Subscriptions({
      layout,
      open: (node) => this.#createListener(node),
      deliver: (event, args) => void cluster.emit(event, ...(args as [])),
      refresh,
    });
    this.router = new Router({
      lobby,
      layout,
      holds: this.holds,
      reads: new ReadPreference(layout, (options.scaleReads ?? "master") as ScaleReads),
      policy,
      maxRedirections: options.maxRedirections ?? 16,
      refresh,
      down: (error) => this.circuit.refused(error),
      confirmed: () => this.membership.topology.refreshAnew(),
      ownersToldBy: async (node) => {
        const ranges = readSlots(await node.transport.ask("cluster", ["SLOTS"]), node.host);
        return new Set(ranges.map(({ master }) => keyOf(this.#mapped(master))));
      },
      subscriptions: this.subscriptions,
      tookOver: (from, to) => storyOf(lobby.endpoint.observer).tookOver(from.key, to.key),
      gone: (node) => this.#emit("-node", node.client),
    });
    this.circuit = new ClusterCircuit({
      breaker: () => lobby.endpoint.readWrite,
      downAfter: policy.breaker === false ? Infinity : policy.breaker.downAfter,
      serves: () => this.#serves(),
      context: () => transport.context(),
    });
    const timeout = options.slotsRefreshTimeout ?? 1_000;
    const interval = intervalOf(options);
    const key = JSON.stringify([this.#scope, timeout, interval]);
    this.member = this.#memberOf(timeout);
    this.membership = new TopologyMembership(key, { timeout, interval }, this.member);
    this.#internals.connectionPool = new NodePool(layout);
  }

  /** The table may be old: it is asked for soon. */
  refresh(): void {
    if (this.isRoutable) this.membership.topology.wanted();
  }

  /** Somebody wants to be served: connects a client that nobody has connected yet. */
  wake(): void {
    if (!this.isRoutable) this.#life.wanted();
  }

  /** What whoever needs a node is told that waited for one in vain. */
  unserved(slot: number): Error {
    const details = this.lobby.errorDetails();
    if (this.lobby.isClosed) return new ClosedError("CLIENT_CLOSED", CLOSED_MESSAGE, details);
    const message = `No node of ${this.label} is known to serve slot ${String(slot)}. Nothing was sent.`;
    return new UnavailableError("UNAVAILABLE", message, details);
  }

  /** The client begins, or begins again. */
  begin(): void {
    if (this.lobby.isClosed) {
      this.lobby.revive();
      this.events.begin();
    }
    this.#uncount ??= countClient(this.label, this.logger);
    this.#seedLogins.begin();
    this.lobby.events.connecting();
    this.membership.join();
  }

  /** The client serves from here on. */
  serve(): void {
    this.isRoutable = true;
    this.lobbyTransport.noteError(undefined);
    this.lobby.events.ready();
  }

  /** Ends everything; what waits is told so. Returns the nodes, which are to be ended. */
  end(): readonly ClusterNode[] {
    this.isRoutable = false;
    this.#seedLogins.end();
    this.lobby.close();
    this.router.end();
    this.circuit.end();
    this.subscriptions.end();
    this.membership.leave();
    const nodes = this.layout.clear();
    this.mirror();
    this.lobby.events.ended();
    this.events.end();
    this.#uncount?.();
    this.#uncount = undefined;
    return nodes;
  }

  /** Whether a master says that the cluster serves; `undefined` when none says anything. */
  async #serves(): Promise<boolean | undefined> {
    const { slotsRefreshTimeout = 1_000 } = this.options;
    const asked = this.layout.masters.filter(({ isWell }) => isWell);
    const told = await Promise.all(
      asked.map(({ transport }) => {
        const said = transport.ask("cluster", ["INFO"]).then((info) => /^cluster_state:ok/m.test(String(info)));
        return withinAwake(said, slotsRefreshTimeout, () => undefined).catch(() => undefined);
      }),
    );
    return told.includes(true) ? true : told.includes(false) ? false : undefined;
  }

  /** ioredis's own picture of the table, for code that looks at it. */
  mirror(): void {
    const { slots } = this.#internals;
    const { layout } = this;
    const known = new Map<ClusterNode, Map<readonly ClusterNode[], string[]>>();
    layout.owners.forEach((owner, slot) => {
      if (owner === undefined) {
        slots[slot] = NOBODY;
        return;
      }
      const replicas = layout.replicasOf(slot);
      let ofOwner = known.get(owner);
      if (ofOwner === undefined) known.set(owner, (ofOwner = new Map<readonly ClusterNode[], string[]>()));
      let keys = ofOwner.get(replicas);
      if (keys === undefined) ofOwner.set(replicas, (keys = [owner, ...replicas].map((node) => node.key)));
      slots[slot] = keys;
    });
  }

  // ---- the topology

  #memberOf(timeout: number): TopologyMember {
    return {
      sources: () => shuffled(this.layout.all.filter((node) => node.isWell)).map(sourceOf),
      silent: () => this.layout.all.filter(({ isDoubted }) => isDoubted).map(({ key }) => key),
      seeds: () => this.#seeds(timeout),
      apply: (ranges) => this.#apply(ranges),
      failed: (error, wasLookup) => this.#life.failed(error, wasLookup),
      isWaiting: () => this.#isWaiting(),
    };
  }

  #apply(ranges: readonly SlotRange[]): void {
    if (!this.#life.takesTable()) return;
    this.router.apply(ranges);
    this.subscriptions.changed();
    this.mirror();
    this.#life.applied();
  }

  #isWaiting(): boolean {
    if (!this.isRoutable) return false;
    if (!this.holds.isEmpty && this.holds.all().some(({ isUnserved }) => isUnserved)) return true;
    return this.layout.masters.some((node) => !node.isWell && !node.isIdle);
  }

  async #seeds(timeout: number): Promise<readonly Source[]> {
    const nodes = await this.#internals.resolveStartupNodeHostnames();
    const seeds = shuffled(nodes).map((node): SeedOptions => {
      this.#specified.set(keyOf(node), node);
      return { ...this.#redisOptions, ...node };
    });
    const logins = this.#seedLogins;
    await logins.prepare(seeds[0]);
    return seeds.map((options) => {
      const { host, port } = options;
      return { host, port, slots: () => logins.ask(options, (whole) => askSeed(whole, timeout)) };
    });
  }

  // ---- nodes

  /** How an address that the cluster announces is reached from here. What is the caller's own must not take the client along. */
  #mapped(address: NodeAddress): NodeAddress {
    let did = "threw an error";
    try {
      const { host, port } = this.#internals.natMapper({ ...address });
      // Plain JavaScript may give anything, and a port from the environment is a text.
      if (typeof host === "string" && host !== "" && Number(port) > 0) return { host, port: Number(port) };
      did = "gave no host and port";
    } catch {
      // Told below, without its words: they may hold anything.
    }
    tellWarnings(this.label, this.logger, [
      { path: "natMap", says: `${did} for ${keyOf(address)}, which is dialled as it is` },
    ]);
    return address;
  }

  /** A listener that throws leaves no table half applied. */
  #emit(event: string, ...args: readonly unknown[]): void {
    tellListeners(() => this.#cluster.emit(event, ...args));
  }

  #createNode(address: NodeAddress, isReplica: boolean): ClusterNode {
    const key = keyOf(address);
    const made: { node?: ClusterNode } = {};
    const elsewhere = this.router.elsewhereOf(() => made.node);
    const probeKey = new ProbeKey(this.options.keyPrefix ?? "", () =>
      made.node ? this.layout.slotsOf(made.node) : NO_SLOTS,
    );
    const client = this.#client(address, { readOnly: isReplica }, this.policy, elsewhere, () => probeKey.find());
    const node = (made.node = new ClusterNode(key, client));
    client.on("error", (error: unknown) => this.#emit("node error", error, key));
    client.on("close", () => {
      this.refresh();
      if (node.isReplica) node.engine.afterLosses(() => this.router.evacuate(node));
    });
    client.on("end", () => {
      this.#remember(node);
      if (this.layout.node(key) !== node) return;
      this.layout.drop(node);
      this.#emit("-node", client);
      this.refresh();
    });
    this.#emit("+node", client);
    return node;
  }

  #remember(node: ClusterNode): void {
    const { counters } = node.client[STATE].parts.totals();
    addCounters(this.past, counters);
  }

  #createListener(node: ClusterNode): Client {
    const { policy } = this;
    const heartbeat = policy.heartbeat === false ? false : { ...policy.heartbeat, ...LISTENER_HEARTBEAT };
    const address = { host: node.host, port: node.port };
    const own = { keyPrefix: "", readOnly: false };
    // Also where nothing else may: what was granted must be asked for again, on a connection that is only being made.
    const queue = policy.queue === false ? LISTENER_QUEUE : policy.queue;
    return this.#client(address, own, { ...policy, heartbeat, queue });
  }

  #client(
    address: NodeAddress,
    own: RedisOptions,
    policy: Policy,
    elsewhere?: Elsewhere,
    probeKey?: () => string,
  ): Client {
    const { host, port } = address;
    const { clusterNodeRetryStrategy: retryStrategy, resilience } = this.options;
    // How often a node is dialled is no reason to fail what another one can serve.
    const redisOptions = { ...this.#redisOptions };
    delete redisOptions.maxRetriesPerRequest;
    const options = {
      ...redisOptions,
      ...this.#specified.get(keyOf(address)),
      ...(typeof retryStrategy === "function" ? { retryStrategy } : {}),
      ...own,
      host,
      port,
      lazyConnect: true,
      resilience: { logger: resilience?.logger, fallback: resilience?.fallback },
    };
    const node = {
      scripts: this.scripts,
      elsewhere,
      scope: this.#scope,
      probeKey,
      ticks: this.#ticks,
      observe: (facts: Parameters<ReturnType<typeof observerFor>>[0]) =>
        storyOf(this.lobby.endpoint.observer).partOf(facts),
    };
    // The commands of a slot go in order: over one connection a node.
    const nodePolicy = { ...policy, pool: { ...policy.pool, size: 1 } };
    return constructWith({ policy: nodePolicy, node }, () => this.#create(options as OwnOptions));
  }
}

function policyFrom(
  { policy, warnings = [], environment }: ConstructionContext,
  { resilience, redis = {} }: PolicySources,
): { readonly policy: Policy; readonly warnings: readonly PolicyWarning[] } {
  if (policy !== undefined) return { policy, warnings };
  const resolved = resolveSources({ resilience, redis, isCluster: true, ...environment });
  return { policy: resolved.policy, warnings: lintPolicy(resolved, redis) };
}

const NOBODY: string[] = [];
const NO_SLOTS: ReadonlySet<number> = new Set();

function sourceOf(node: ClusterNode): Source {
  return { host: node.host, port: node.port, slots: () => node.transport.ask("cluster", ["SLOTS"]) };
}

function shuffled<T>(list: readonly T[]): readonly T[] {
  return list
    .map((item) => ({ item, at: clock.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
