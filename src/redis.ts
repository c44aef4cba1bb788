/**
 * The drop-in client: an ioredis `Redis` whose commands travel through a flow. This file is the seam and nothing more:
 * it turns ioredis's hooks (sendCommand, status changes, queue flushes, error events) into calls of `Flow` and `Wire`.
 *
 * ioredis's constructor calls several overridden methods before this class's own fields exist, so all state hangs on
 * one symbol that `parseOptions`, the first of them, sets.
 */
import { Command, Redis as IORedis, type Callback, type RedisKey, type RedisOptions as IORedisOptions } from "ioredis";
import type { CallOptions } from "./command/call.js";
import {
  base,
  CLOSED_MESSAGE,
  HANDSHAKE_COMMANDS,
  internalsOf,
  overrideInternals,
  type BatchStream,
  type CommandItem,
  type FlushOptions,
} from "./connection/internals.js";
import { Resubscription } from "./connection/resubscription.js";
import { checkReady } from "./connection/ready-check.js";
import { Wire } from "./connection/wire.js";
import { countClient } from "./pool/client-count.js";
import type { Host } from "./pool/host.js";
import type { ConnectionOptions } from "./pool/leases.js";
import { whenAnswered } from "./pool/order.js";
import { Pool } from "./pool/pool.js";
import type { TransactionOptions, TransactionResult, TransactionScope } from "./pool/transaction.js";
import { attachDiagnosis } from "./failure/attach.js";
import { classify } from "./failure/classify.js";
import { Flow } from "./flow/flow.js";
import type { Examine } from "./flow/endpoint.js";
import type { BlockingLimit } from "./flow/transport.js";
import { ScriptEffects, type ScriptDefinition } from "./command/scripts.js";
import { defaultLogger } from "./observe/default-logger.js";
import { SILENT, type Logger } from "./observe/logger.js";
import { snapshot, type Health, type Stats, healthOf } from "./observe/stats.js";
import { checkRedisArguments } from "./options/arguments.js";
import { endpointInfo, labelOf } from "./connection/endpoint-info.js";
import { explicitOptions, optionsForDuplicate, type Options } from "./connection/explicit-options.js";
import type { Policy, ResilienceOptions } from "./options/policy.js";
import { resolvePolicy } from "./options/resolve.js";

/** ioredis's options and one more. */
export type RedisOptions = IORedisOptions & { readonly resilience?: ResilienceOptions | undefined };

const STATE = Symbol("ioredoubt.state");
/** The limits of a view made by `with`. */
const LIMITS = Symbol("ioredoubt.limits");

interface State {
  readonly flow: Flow;
  readonly wire: Wire;
  readonly policy: Policy;
  /** What the caller wrote, for `duplicate()`. */
  readonly explicit: Options;
  readonly scripts: ScriptEffects;
  /** ioredis is sending on its own behalf. */
  internal: boolean;
  /** `enableReadyCheck: false`. ioredis 5 guards against a lost handshake only on the way through the check, so it always goes there. */
  readonly skipsReadyCheck: boolean;
  /** The handshake's SELECT failed: serving would mean writing to database 0. */
  selectError: Error | undefined;
  closing: Promise<void> | undefined;
  /** Its connections are made when they are needed. A client that is in a pool has none of its own. */
  pool: Pool | undefined;
  readonly resubscription: Resubscription;
  /** Takes it off the count of the process's clients. */
  ended: (() => void) | undefined;
}

/** Set while a client for a pool is constructed: it shares what its owner has resolved and declared. */
let owner: Pick<State, "policy" | "scripts"> | undefined;

/** Set while a client is constructed whose policy is already known. */
let prepared: Policy | undefined;

/** A client with a policy that was resolved elsewhere, from an environment for instance. */
export function redisWithPolicy(policy: Policy, args: readonly unknown[]): Redis {
  prepared = policy;
  try {
    return new (Redis as new (...args: unknown[]) => Redis)(...args);
  } finally {
    prepared = undefined;
  }
}

/** "monitoring" is a status of ioredis that its types do not know. */
const SERVING: ReadonlySet<string> = new Set(["ready", "monitoring"]);

/** Statuses with a live connection. */
const CONNECTED: ReadonlySet<string> = new Set(["connect", "ready", "monitoring"]);

/** ioredis 6's default, given to ioredis 5 too: an idle half-open socket is noticed by the kernel. */
const KEEP_ALIVE = 30_000;

/** How long `close()` waits for what is under way, in milliseconds. */
const DRAIN = 5_000;

export interface CloseOptions {
  /** Milliseconds to wait for commands in flight and waiting; default 5000. */
  readonly drain?: number | undefined;
}

export class Redis extends IORedis {
  declare readonly [STATE]: State;
  declare readonly [LIMITS]?: CallOptions;
  declare options: RedisOptions;
  /** A new client of this class with the options the caller gave this one; it shares the endpoint's circuits and budget. */
  declare duplicate: ((override?: Partial<RedisOptions>) => Redis) & IORedis["duplicate"];

  constructor(port: number, host: string, options: RedisOptions);
  constructor(path: string, options: RedisOptions);
  constructor(port: number, options: RedisOptions);
  constructor(port: number, host: string);
  constructor(options: RedisOptions);
  constructor(port: number);
  constructor(path: string);
  constructor();
  constructor(...args: unknown[]) {
    // As in ioredis, a missing argument is localhost:6379; `createRedis` is stricter.
    checkRedisArguments(args.filter((arg) => arg !== undefined && arg !== null));
    // Any of ioredis's argument forms: this one is in every version's list.
    super(...(args as [number]));
  }

  static override createClient(...args: ConstructorParameters<typeof IORedis>): Redis {
    return new (Redis as new (...args: unknown[]) => Redis)(...args);
  }

  override sendCommand(command: Command, stream?: BatchStream): unknown {
    const state = this[STATE];
    if (state.flow.isOpen) state.flow.dispatch(command, stream, undefined);
    else sendUnready(this, state, command, stream);
    return command.promise;
  }

  override connect(callback?: Callback<void>): Promise<void> {
    const state = this[STATE];
    const { flow, wire, pool } = state;
    wire.adoptConnector();
    if (this.status === "end" || this.status === "close") {
      state.closing = undefined;
      flow.revived();
      pool?.revive();
    }
    const promise = super.connect().catch((error: unknown) => {
      throw attachDiagnosis(error, () => classify(wire.lastError() ?? error, { ...wire.context(), written: false }));
    });
    if (callback !== undefined) {
      promise.then(
        () => process.nextTick(callback, null),
        (error: unknown) => process.nextTick(callback, error),
      );
    }
    return promise;
  }

  override disconnect(reconnect = false): void {
    const { flow, pool } = this[STATE];
    const { status } = this;
    if (reconnect) {
      pool?.interrupt();
      super.disconnect(true);
      return;
    }
    // ioredis would remember to skip the reconnect of a connection that does not exist yet.
    if (status === "end") return;
    flow.closing();
    pool?.end();
    const internals = internalsOf(this);
    if (status === "reconnecting") {
      // No socket to close, and the connector's own disconnect would keep the process for the one that closed before.
      if (internals.reconnectTimeout !== null) clearTimeout(internals.reconnectTimeout);
      internals.reconnectTimeout = null;
    } else super.disconnect();
    if (
      status === "reconnecting" ||
      (status === "connecting" && internals.stream === undefined && internals.options.sentinels)
    ) {
      // No socket will close, so nothing else would ever say that this is the end.
      internals.manuallyClosing = false;
      internals.setStatus("end");
      internals.flushQueue(new Error(CLOSED_MESSAGE));
    } else if (status === "connecting" || status === "connect") {
      internals.stream?.destroy();
    }
  }

  override defineCommand(
    name: string,
    definition: ScriptDefinition & { numberOfKeys?: number; readOnly?: boolean },
  ): void {
    this[STATE].scripts.declare(definition);
    super.defineCommand(name, definition);
  }

  override silentEmit(event: string, arg?: unknown): boolean {
    if (event === "error" && arg instanceof Error) {
      // Nothing goes to the console: the log has it.
      if (!this[STATE].wire.noteError(arg) || this.listenerCount("error") === 0) return false;
    }
    return super.silentEmit(event, arg);
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === "error" && this.listenerCount("error") === 0) {
      const [error] = args;
      if (error instanceof Error) this[STATE].wire.noteError(error);
      return false;
    }
    return super.emit(event, ...args);
  }

  /**
   * A view of this client whose commands carry other limits: `redis.with({ deadline: 200, signal }).get("k")`. Same
   * connection, same order.
   */
  with(options: CallOptions): this {
    const { flow, pool } = this[STATE];
    const limits = { ...this[LIMITS], ...options };
    const sendCommand = (command: Command, stream?: BatchStream): unknown => {
      if (pool?.lanes === undefined) flow.dispatch(command, stream, limits);
      else pool.lanes.send(command, stream, limits);
      return command.promise;
    };
    return Object.create(this, {
      sendCommand: { value: sendCommand },
      [LIMITS]: { value: limits },
      // Commands of one automatic pipeline share one limit; these have their own.
      options: { value: Object.create(this.options, { enableAutoPipelining: { value: false } }) as RedisOptions },
    }) as this;
  }

  /** `with({ deadline })`: the total time in milliseconds for each command issued on the returned view. */
  withDeadline(deadline: number | false): this {
    return this.with({ deadline });
  }

  /**
   * Runs `fn` with a connection that nobody else uses meanwhile, for WATCH, interactive MULTI, SELECT, CLIENT and the
   * like. It is given back when the promise of `fn` settles: cleaned, or destroyed if that cannot be proven. Await every
   * command inside `fn`.
   *
   * @throws {PoolTimeoutError} when none became free within `pool.acquireTimeout`.
   */
  withConnection<T>(fn: (connection: Redis) => T | PromiseLike<T>, options: ConnectionOptions = {}): Promise<T> {
    return poolOf(this).withConnection(fn, new Error("borrowed here"), options);
  }

  /**
   * Optimistic locking: watches `keys`, lets `fn` read on `conn` and queue writes on `multi`, and executes them only if no
   * watched key has changed; otherwise it starts again, `retries` times at most (default 10), after a jittered pause.
   *
   * @throws {TransactionConflictError} when every attempt was overtaken; nothing was executed.
   * @throws {PoolTimeoutError} when no connection became free within `pool.acquireTimeout`.
   */
  transaction<T>(
    keys: readonly RedisKey[],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    options: TransactionOptions = {},
  ): Promise<TransactionResult<T>> {
    return poolOf(this).transaction(keys, fn, new Error("borrowed here"), options);
  }

  /** The effective policy, frozen. */
  get policy(): Policy {
    return this[STATE].policy;
  }

  /** A plain snapshot: connection, gate, in flight, retries, budget, circuits, writes. */
  stats(): Stats {
    const { flow, wire, pool } = this[STATE];
    return { ...snapshot(this.status, flow, wire), ...(pool === undefined ? {} : { pool: pool.stats() }) };
  }

  /** Whether this client can serve now, and if not, since when and why. Costs nothing: no command is sent. */
  health(): Health {
    const { flow, wire } = this[STATE];
    return healthOf(this.status, flow, wire);
  }

  /**
   * Ends the client in good order: takes no more commands, waits for those under way (`drain` milliseconds at most),
   * quits and closes the socket. Idempotent; never rejects.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const state = this[STATE];
    return (state.closing ??= closeClient(this, state, options.drain ?? DRAIN));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

Redis.prototype.duplicate = function duplicate(this: Redis, override?: Partial<RedisOptions>): Redis {
  return new Redis({ ...optionsForDuplicate(this.options, this[STATE].explicit), ...override });
} as Redis["duplicate"];

overrideInternals(Redis.prototype, {
  parseOptions(this: Redis, ...args) {
    base.parseOptions.apply(internalsOf(this), args);
    adopt(this, args);
  },

  resetOfflineQueue(this: Redis) {
    const { flow } = this[STATE];
    // ioredis queues what it finds not writable; here that means the flow takes it back.
    internalsOf(this).offlineQueue = {
      length: 0,
      push: (item: CommandItem) => {
        flow.returned(item.command);
        return 0;
      },
      shift: () => undefined,
      peekAt: () => undefined,
      remove: () => undefined,
    };
  },

  setStatus(this: Redis, status, arg) {
    const state = this[STATE];
    const internals = internalsOf(this);
    if (status === "end" && this.status === "end") return;
    if (status === "connect") {
      state.selectError = undefined;
      internalTurn(state);
    }
    state.wire.statusChanged(status);
    if (status === "close" && internals.condition?.subscriber && !internals.condition.subscriber.isEmpty()) {
      const now = performance.now();
      state.resubscription.lost(now - state.wire.silentFor(now));
    }
    if (status === "end") {
      state.resubscription.end();
      state.pool?.end();
      state.ended?.();
    }
    if (status === "ready" && state.selectError === undefined) {
      // ioredis selects the database and subscribes again in this turn, before anything that waits may go.
      internalTurn(state);
      process.nextTick(() => {
        if (!SERVING.has(this.status)) return;
        state.wire.forgetErrors();
        state.resubscription.ready();
        state.flow.opened();
      });
    }
    base.setStatus.call(internals, status, arg);
  },

  flushQueue(this: Redis, error, options?: FlushOptions) {
    const internals = internalsOf(this);
    // Borrowed for an object that was not made by this class.
    if (!(STATE in this)) {
      base.flushQueue.call(internals, error, options);
      return;
    }
    const { flow, wire, policy, explicit } = this[STATE];
    if (error.name === "MaxRetriesPerRequestError") {
      // ioredis's default of twenty attempts is not a limit that anybody asked for.
      if (policy.queue !== false && policy.queue.wait === "forever" && !("maxRetriesPerRequest" in explicit)) return;
      flow.failWaitingWith(withCause(error, wire.lastError()));
      return;
    }
    if (options?.commandQueue !== false && internals.commandQueue.length > 0) {
      flow.connectionLost(internals.commandQueue.toArray(), error, true);
    }
    if (options?.offlineQueue !== false && this.status !== "end") flow.failWaitingWith(error);
    base.flushQueue.call(internals, error, options);
  },

  recoverFromFatalError(this: Redis, commandError, error, options?: FlushOptions) {
    // ioredis 5 reports a handshake command that was lost with its connection as fatal; the next connection is not to blame.
    if (!CONNECTED.has(this.status)) return;
    base.recoverFromFatalError.call(internalsOf(this), commandError, error, options);
  },

  _readyCheck(this: Redis, callback) {
    const state = this[STATE];
    if (this.status !== "connect") return;
    if (state.selectError !== undefined) {
      // A server busy with a script refuses SELECT for a while only: what waits goes on waiting.
      if (state.selectError.message.startsWith("BUSY ")) state.wire.destroy(state.selectError);
      else callback(state.selectError);
      return;
    }
    if (state.skipsReadyCheck) {
      callback(null, {});
      return;
    }
    checkReady(this, callback, {
      info: (callback) => {
        state.internal = true;
        this.info(callback).catch(ignore);
        state.internal = false;
      },
      loading: () => state.wire.stillLoading(),
    });
  },
});

/** Sets up everything that hangs on the client, before ioredis's constructor goes on. */
function adopt(client: Redis, args: readonly unknown[]): void {
  const explicit = explicitOptions(args);
  const { resilience } = client.options;
  const policy = owner?.policy ?? prepared ?? resolvePolicy(resilience, explicit);
  const info = endpointInfo(client.options);
  const wire = new Wire(client, policy, info, explicit["retryStrategy"] as never);
  const scripts = owner?.scripts ?? new ScriptEffects();
  const logger = resilience?.logger === false ? SILENT : (resilience?.logger ?? defaultLogger());
  const flow = new Flow({
    policy,
    transport: wire,
    label: labelOf(info),
    logger,
    fallback: resilience?.fallback,
    examine: examiner(client.options, policy),
    blockingLimit: blockingLimit(client.options),
    scriptEffect: (command) => scripts.of(command),
  });
  wire.flow = flow;
  wire.onInternal = (command) => sendInternal(client, state, command);
  applyDefaults(client.options, policy, explicit);
  // Both belong to the flow now; ioredis would arm a timer a command, and resolve what was not answered.
  delete client.options.commandTimeout;
  delete client.options.blockingTimeout;
  client.options.retryStrategy = wire.reconnect.strategy as NonNullable<IORedisOptions["retryStrategy"]>;
  const skipsReadyCheck = client.options.enableReadyCheck === false;
  client.options.enableReadyCheck = true;
  const state: State = {
    flow,
    wire,
    policy,
    explicit,
    scripts,
    skipsReadyCheck,
    internal: false,
    selectError: undefined,
    closing: undefined,
    pool: undefined,
    ended: undefined,
    resubscription: new Resubscription({
      backoff: { ...policy.reconnect, factor: 2 },
      write: (command) => wire.write(command, undefined),
      isServing: () => SERVING.has(client.status),
      restored: (event) => void client.emit("resubscribed", event),
      refused: (error) => void client.silentEmit("error", error),
    }),
  };
  if (owner === undefined) {
    state.ended = countClient(labelOf(info), logger);
    state.pool = new Pool(hostOf(client, state, logger), client);
    const { lanes } = state.pool;
    if (lanes !== undefined) {
      // On the instance, so that the usual single connection pays nothing for it.
      const sendCommand = (command: Command, stream?: BatchStream): unknown => {
        if (flow.isOpen) lanes.send(command, stream, undefined);
        else sendUnready(client, state, command, stream);
        return command.promise;
      };
      Object.defineProperty(client, "sendCommand", { value: sendCommand, configurable: true, writable: true });
    }
  }
  Object.defineProperty(client, STATE, { value: state });
}

/** The client as its pool sees it. */
function hostOf(client: Redis, state: State, logger: Logger): Host {
  const internals = internalsOf(client);
  return {
    policy: state.policy,
    logger,
    flow: state.flow,
    create: (purpose) => createPooled(client, state, purpose === "lease"),
    flowOf: (pooled) => pooled[STATE].flow,
    epoch: () => internals.connectionEpoch,
    whenAnswered: () => state.pool?.lanes?.whenSettled() ?? whenAnswered(client),
    isDedicated: () =>
      client.status !== "ready" || (Boolean(internals.condition?.subscriber) && internals.condition?.protocol !== 3),
  };
}

/** A client with the same options for the pool's own use; it connects when it is first used. */
function createPooled(client: Redis, state: State, isLent: boolean): Redis {
  const options = optionsForDuplicate(client.options, state.explicit) as RedisOptions;
  // What a fallback answers inside an exclusive unit of work would be taken for the server's word.
  const fallback = isLent ? undefined : options.resilience?.fallback;
  const { policy, scripts } = state;
  const pool = { ...policy.pool, size: 1, min: 0, max: 0, blocking: 0 };
  owner = { policy: { ...policy, pool }, scripts };
  try {
    const pooled = new Redis({ ...options, lazyConnect: true, resilience: { ...options.resilience, fallback } });
    for (const [name, { lua, numberOfKeys, readOnly }] of Object.entries(internalsOf(client).scriptsSet)) {
      const keys = numberOfKeys === null ? {} : { numberOfKeys };
      if (!(name in pooled)) IORedis.prototype.defineCommand.call(pooled, name, { lua, readOnly, ...keys });
    }
    return pooled;
  } finally {
    owner = undefined;
  }
}

function poolOf(client: Redis): Pool {
  const { pool } = client[STATE];
  if (pool === undefined) throw new TypeError("a connection that was lent has no pool of its own: use the client");
  return pool;
}

/** The doctor's look from outside. It is loaded when an incident opens. */
function examiner(options: RedisOptions, policy: Policy): Examine | undefined {
  const { host, port, path, tls, sentinels, resilience } = options;
  const wanted = resilience?.doctor ?? policy.profile !== "test";
  if (!wanted || sentinels) return undefined;
  const target = { ...(path ? { path } : { host: host ?? "localhost", port: port ?? 6379 }), ...(tls ? { tls } : {}) };
  return async () => {
    const [{ passiveVerdict }, { inBackground }] = await Promise.all([
      import("./doctor/passive.js"),
      import("./doctor/background.js"),
    ]);
    return inBackground(() => passiveVerdict(target));
  };
}

function blockingLimit(options: RedisOptions): BlockingLimit | undefined {
  const { blockingTimeout, blockingTimeoutGrace = 100 } = options;
  return typeof blockingTimeout === "number" && blockingTimeout > 0
    ? { cap: blockingTimeout, grace: blockingTimeoutGrace }
    : undefined;
}

/** ioredis options that the policy brings, where the caller gave none. */
function applyDefaults(options: RedisOptions, policy: Policy, explicit: Options): void {
  const { lazyConnect, keepAlive = KEEP_ALIVE, tls } = policy.connection ?? {};
  if (!("lazyConnect" in explicit) && lazyConnect !== undefined) options.lazyConnect = lazyConnect;
  if (!("keepAlive" in explicit)) options.keepAlive = keepAlive;
  if (!("tls" in explicit) && tls !== undefined) options.tls = {};
}

/** Marks the rest of this turn as ioredis's own: what it sends now is handshake or restoration. */
function internalTurn(state: State): void {
  state.internal = true;
  process.nextTick(() => (state.internal = false));
}

/** The client is not open: tells ioredis's own commands from the caller's. */
function sendUnready(client: Redis, state: State, command: Command, stream: BatchStream | undefined): void {
  if (state.internal && stream === undefined) {
    sendInternal(client, state, command);
  } else if (stream === undefined && client.status === "connect" && HANDSHAKE_COMMANDS.has(command.name)) {
    // Late parts of the handshake, after ioredis awaited something.
    sendInternal(client, state, command);
  } else if (state.pool?.lanes === undefined) state.flow.dispatch(command, stream, undefined);
  else state.pool.lanes.send(command, stream, undefined);
}

function sendInternal(client: Redis, state: State, command: Command): void {
  const restoring = client.status === "ready";
  state.wire.write(command, undefined);
  if (restoring && Resubscription.concerns(command)) {
    state.resubscription.sent(command);
    return;
  }
  command.promise.then(
    () => {
      if (command.name === "select") state.selectError = undefined;
    },
    (error: unknown) => {
      if (!(error instanceof Error)) return;
      if (command.name === "select") {
        state.selectError = error;
        // During the handshake the ready check decides: a RESP2 fallback selects once more.
        if (restoring) internalsOf(client).recoverFromFatalError(error, error);
      } else if (restoring) {
        // ioredis leaves its promise to the process.
        client.silentEmit("error", error);
      }
    },
  );
}

function withCause(error: Error, cause: Error | undefined): Error {
  if (cause !== undefined) Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
  return error;
}

async function closeClient(client: Redis, state: State, drain: number): Promise<void> {
  if (client.status === "end") return;
  const startedAt = performance.now();
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  const { flow, pool } = state;
  const lent = pool?.drain();
  // A block without end has nothing to drain; if others wait behind it, it is about to make room for them.
  if (!flow.isHeld || !flow.gate.isEmpty) await Promise.all([flow.drain(drain), pool?.lanes?.drain(drain)]);
  if (lent !== undefined) await within(lent, Math.max(0, drain - (performance.now() - startedAt)));
  if ((client.status as string) === "end") return;
  if (client.status === "ready" && !flow.isHeld) await quit(client, state, Math.max(250, Math.min(drain, 1_000)));
  client.disconnect();
  internalsOf(client).stream?.destroy();
  if ((client.status as string) !== "end") await ended;
}

async function quit(client: Redis, state: State, limit: number): Promise<void> {
  const command = new Command("quit");
  internalsOf(client).manuallyClosing = true;
  state.wire.write(command, undefined);
  await within(command.promise.then(ignore, ignore), limit);
}

/** Waits for a promise, but no longer than `limit` milliseconds. */
async function within(promise: Promise<unknown>, limit: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

function ignore(): void {
  // Closing: the outcome changes nothing.
}
