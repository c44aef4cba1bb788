/**
 * The drop-in client: an ioredis `Redis` whose commands are driven by an engine. This file is the seam and nothing more: it
 * turns ioredis's public methods into calls of the engine, the transport and the pool; `ioredis/hooks.ts` does so for its
 * private ones.
 */
import { Redis as IORedis, type Callback, type Command, type RedisKey } from "ioredis";
import { assemble } from "./client/assemble.js";
import { makesClients } from "./client/client-count.js";
import { constructWith, type ConstructionContext } from "./client/construction-context.js";
import type { Client } from "./client/host.js";
import { makeInspectable } from "./client/inspection.js";
import { closeClient, DRAIN } from "./client/lifecycle.js";
import { isOff, isPlain, letBePlain, offBy } from "./client/plain.js";
import { startMonitor } from "./client/monitor.js";
import type { DuplicateOf, MappedRedis, Mapping, RedisOptions, ResilientOptions } from "./client/redis-options.js";
import { sealGetter } from "./client/sealed-options.js";
import { consumingOf, type Consuming } from "./client/consuming.js";
import {
  healthOf,
  livenessOf,
  readinessOf,
  startupOf,
  type Health,
  type Liveness,
  type Readiness,
  type ReadinessOptions,
  type StartupOptions,
} from "./client/health.js";
import { snapshot, type Stats } from "./client/stats.js";
import { STATE, type State } from "./client/state.js";
import { viewOf } from "./client/view.js";
import { clock } from "./clock.js";
import type { ScriptDefinition } from "./command/scripts.js";
import { CLOSED_MESSAGE } from "./engine/client-errors.js";
import type { OwnedClient } from "./engine/connections.js";
import type { BatchStream, CallOptions } from "./engine/ports.js";
import { tracing } from "./engine/tracer.js";
import { attachDiagnosis } from "./failure/attach.js";
import { classify } from "./failure/classify.js";
import { stateOf } from "./failure/state.js";
import { ADAPTER, type Adapter } from "./ioredis/adapter.js";
import { optionsForDuplicate, overridden } from "./ioredis/explicit-options.js";
import { installHooks } from "./ioredis/hooks.js";
import { internalsOf } from "./ioredis/internals.js";
import { Member } from "./ioredis/member.js";
import { sendIfOwn } from "./ioredis/own-commands.js";
import { quickenBatches } from "./ioredis/quick-pipeline.js";
import { listenerThrew } from "./ioredis/reply-guard.js";
import { keepOrderOfScript } from "./ioredis/script-sends.js";
import { subscriptionsOf } from "./ioredis/subscriptions.js";
import type { ConnectionPool } from "./lease/pool.js";
import type { TransactionOptions, TransactionResult, TransactionScope as Scope } from "./lease/transaction.js";
import type { ConnectionOptions } from "./lease/with-connection.js";
import type { EventListener } from "./observe/events.js";
import { checkRedisArguments } from "./policy/input/arguments.js";
import { checkMethodOptions } from "./policy/input/call-options.js";
import type { Policy } from "./policy/shape.js";

export type { RedisOptions };

/** What the function of a transaction works with. */
export type TransactionScope = Scope<Redis>;

/** Events with which ioredis delivers messages. */
const MESSAGES: ReadonlySet<string | symbol> = new Set([
  "message",
  "messageBuffer",
  "pmessage",
  "pmessageBuffer",
  "smessage",
  "smessageBuffer",
]);

/** Statuses in which `connect()` finds its work done or under way. */
const CONNECTING: ReadonlySet<string> = new Set(["connecting", "connect", "ready"]);

/** The limits of a view made by `with`. */
const LIMITS = Symbol("ioredoubt.limits");

/** A client with a policy that was resolved elsewhere, from an environment for instance. */
export function redisWithPolicy(given: ConstructionContext, args: readonly unknown[]): Redis {
  return constructWith(given, () => new (Redis as new (...args: unknown[]) => Redis)(...args));
}

export interface CloseOptions {
  /** Milliseconds to wait for commands in flight and waiting; default 5000. */
  readonly drain?: number | undefined;
}

export class Redis extends IORedis {
  /** @internal */
  declare readonly [STATE]: State;
  /** @internal */
  declare readonly [ADAPTER]: Adapter;
  /** @internal */
  declare readonly [LIMITS]?: CallOptions;
  declare options: ResilientOptions;

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
    if (offBy(args) === undefined) checkRedisArguments(args.filter((arg) => arg !== undefined && arg !== null));
    // Any of ioredis's argument forms: this one is in every version's list.
    super(...(args as [number]));
  }

  static override createClient(...args: ConstructorParameters<typeof IORedis>): Redis {
    return new (Redis as new (...args: unknown[]) => Redis)(...args);
  }

  /** A new client of this class with the options the caller gave this one; it shares the endpoint's circuits and budget. */
  override duplicate<Override extends Partial<RedisOptions> & Mapping>(
    override: Override,
  ): DuplicateOf<Override, MappedRedis, Redis>;
  override duplicate(override?: Partial<RedisOptions>): Redis;
  override duplicate(override?: Partial<RedisOptions>): Redis | MappedRedis {
    if (isPlain(this)) return new Redis({ ...this.options, ...override });
    const { explicit, brought, environment } = this[STATE];
    const options = optionsForDuplicate(this.options, explicit, brought);
    return constructWith({ environment }, () => new Redis(overridden(options, override)));
  }

  override sendCommand(command: Command, stream?: BatchStream): unknown {
    // Asked here and not around it: this is called for every command.
    const state = (this as { readonly [STATE]?: State })[STATE];
    if (state === undefined) return super.sendCommand(command, stream as never);
    const { engine, dispatcher, adapter, pool } = state;
    if (engine.isOpen || !sendIfOwn(this, command, stream)) {
      // What goes directly to a connection of a pool is this package's own.
      if (tracing.tracer !== undefined && pool !== undefined)
        tracing.tracer.started(command, stream, adapter.transport);
      dispatcher.dispatch(command, stream, undefined);
    }
    // The members of our own batches have no promise until somebody asks for it.
    return (command as object) instanceof Member ? undefined : command.promise;
  }

  override connect(callback?: Callback<void>): Promise<void> {
    const state = this[STATE];
    const { engine, adapter, pool, lanes } = state;
    const { transport } = adapter;
    // ioredis says so itself, and nothing has failed.
    if (CONNECTING.has(this.status)) return super.connect(callback);
    transport.adoptConnector();
    if (this.status === "end" || this.status === "close") {
      // ioredis remembers the end of a connection that was ended before it existed, and would not replace the next one.
      if (this.status === "end") internalsOf(this).manuallyClosing = false;
      state.closing = undefined;
      state.isEndedByOwner = false;
      engine.revive();
      state.events.begin();
      state.enrol();
      pool?.revive();
      lanes?.revive();
    }
    const ending = this.status === "end" ? transport.ending : undefined;
    const begun = ending === undefined ? super.connect() : ending.then(() => super.connect());
    const promise = begun.catch((error: unknown) => {
      const context = { ...transport.context(), written: false };
      throw attachDiagnosis(
        error,
        () => classify(transport.lastError() ?? error, context),
        () => stateOf(engine.endpoint.label, context),
      );
    });
    if (typeof callback === "function") {
      promise.then(
        () => process.nextTick(callback, null),
        (error: unknown) => process.nextTick(callback, error),
      );
    }
    return promise;
  }

  override disconnect(reconnect = false): void {
    const { engine, adapter, pool, lanes } = this[STATE];
    const { status } = this;
    if (reconnect) {
      if (!adapter.isReconnecting) pool?.interrupt();
      super.disconnect(true);
      return;
    }
    this[STATE].isEndedByOwner = true;
    // ioredis would remember to skip the reconnect of a connection that does not exist yet.
    if (status === "end") return;
    engine.close();
    pool?.end();
    lanes?.end();
    const internals = internalsOf(this);
    if (status === "reconnecting") {
      // No socket to close, and the connector's own disconnect would keep the process for the one that closed before.
      if (internals.reconnectTimeout !== null) clock.clearTimeout(internals.reconnectTimeout);
      internals.reconnectTimeout = null;
    } else super.disconnect();
    const isSearching = internals.options.sentinels && !adapter.transport.hasDialled;
    if (status === "reconnecting" || (status === "connecting" && isSearching)) {
      // No socket will close, so nothing else would ever say that this is the end.
      internals.manuallyClosing = false;
      internals.setStatus("end");
      internals.flushQueue(new Error(CLOSED_MESSAGE));
    } else if (status === "connecting" || status === "connect") {
      internals.stream?.destroy();
    }
  }

  /**
   * A connection of its own that reports what the server executes. Ends with an error when the server has not agreed within
   * the client's deadline.
   *
   * @throws {DeadlineError} when MONITOR was not answered in time.
   */
  override monitor(callback?: Callback<Redis>): Promise<Redis> {
    const override = { monitor: true, lazyConnect: false, himportFieldsets: undefined };
    const instance = this.duplicate(override as Partial<RedisOptions>);
    const { engine } = instance[STATE];
    const promise = startMonitor({
      instance,
      label: engine.endpoint.label,
      limit: engine.limits.inAll(undefined),
      details: () => engine.errorDetails(),
    });
    if (typeof callback === "function") {
      promise.then(
        (monitor) => process.nextTick(callback, null, monitor),
        (error: unknown) => process.nextTick(callback, error),
      );
    }
    return promise;
  }

  override defineCommand(
    name: string,
    definition: ScriptDefinition & { numberOfKeys?: number; readOnly?: boolean },
  ): void {
    this[STATE].scripts.declare(definition);
    super.defineCommand(name, definition);
    keepOrderOfScript(this, name, () => this[STATE].engine.session.isInMulti);
  }

  override silentEmit(event: string, arg?: unknown): boolean {
    if (event === "error" && arg instanceof Error) {
      // Nothing goes to the console: the log has it.
      if (!this[ADAPTER].transport.noteError(arg) || this.listenerCount("error") === 0) return false;
    }
    return super.silentEmit(event, arg);
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (isPlain(this)) return super.emit(event, ...args);
    if (event === "error" && this.listenerCount("error") === 0) {
      const [error] = args;
      if (error instanceof Error) this[ADAPTER].transport.noteError(error);
      return false;
    }
    if (MESSAGES.has(event)) this[STATE].messageAt = clock.now();
    try {
      return super.emit(event, ...args);
    } catch (thrown) {
      listenerThrew(thrown);
      throw thrown;
    }
  }

  /**
   * A view of this client whose commands carry other limits: `redis.with({ deadline: 200, signal }).get("k")`. Same
   * connection, same order.
   *
   * @throws {ConfigError} when a limit is none that a timer can keep, or the signal is no `AbortSignal`.
   */
  with(options: CallOptions): this {
    checkMethodOptions("with", options);
    const { dispatcher, adapter, pool } = this[STATE];
    const limits = { ...this[LIMITS], ...options };
    const sendCommand = (command: Command, stream?: BatchStream): unknown => {
      if (pool !== undefined) tracing.tracer?.started(command, stream, adapter.transport);
      dispatcher.dispatch(command, stream, limits);
      return command.promise;
    };
    return viewOf(this, sendCommand, { [LIMITS]: limits });
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
   * Runs `fn` with a connection that nobody else uses meanwhile, for WATCH, interactive MULTI, SELECT, CLIENT and the
   * like. It is given back when the promise of `fn` settles: cleaned, or destroyed if that cannot be proven. Await every
   * command inside `fn`.
   *
   * @throws {PoolTimeoutError} when none became free within `pool.acquireTimeout`.
   * @throws {ConfigError} when an option is wrong; nothing was sent.
   */
  async withConnection<T>(fn: (connection: Redis) => T | PromiseLike<T>, options: ConnectionOptions = {}): Promise<T> {
    checkMethodOptions("withConnection", options);
    const run = fn as unknown as (connection: OwnedClient) => T | PromiseLike<T>;
    return poolFor(this, fn, "withConnection").withConnection(run, calledAt(this.withConnection), options);
  }

  /**
   * Optimistic locking: watches `keys`, lets `fn` read on `conn` and queue writes on `multi`, and executes them only if no
   * watched key has changed; otherwise it starts again, `retries` times at most (default 10), after a jittered pause.
   *
   * @throws {TransactionConflictError} when every attempt was overtaken; nothing was executed.
   * @throws {PoolTimeoutError} when no connection became free within `pool.acquireTimeout`.
   * @throws {ConfigError} when an option is wrong; nothing was sent.
   */
  async transaction<T>(
    keys: readonly RedisKey[],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    options: TransactionOptions = {},
  ): Promise<TransactionResult<T>> {
    checkMethodOptions("transaction", options);
    // A single text would be watched letter by letter.
    if (!Array.isArray(keys)) throw new TypeError("transaction needs an array of the keys that it is to watch");
    const run = fn as unknown as (scope: Scope) => T | PromiseLike<T>;
    return poolFor(this, fn, "transaction").transaction(keys, run, calledAt(this.transaction), options);
  }

  /** The effective policy, frozen. */
  get policy(): Policy {
    return this[STATE].policy;
  }

  /** A plain snapshot: connection, queue, in flight, retries, budget, circuits, writes. */
  stats(): Stats {
    return snapshot(this.status, this[STATE]);
  }

  /** Whether this client can serve now, and if not, since when, why and when it tries next. No command is sent. */
  health(): Health {
    return healthOf(this.status, this[STATE]);
  }

  /** For liveness probes: whether only a restart of the process would help. Never asks Redis: its outage is no reason. */
  liveness(): Liveness {
    return livenessOf(this.status, this[STATE]);
  }

  /**
   * For readiness probes. Asks Redis only when `maxAge` is given and the last sign of life is older. A lazy client that nobody
   * has used is ready. Never rejects.
   */
  readiness(options: ReadinessOptions = {}): Promise<Readiness> {
    return readinessOf(() => this.status, this[STATE], options);
  }

  /**
   * For startup: connects if nobody has yet, and resolves once connected, after `within` milliseconds (default 10 000), or at
   * once when only a person can help (wrong password). Never rejects.
   */
  startup(options: StartupOptions = {}): Promise<Readiness> {
    return startupOf(() => this.status, this[STATE], options);
  }

  /** What this worker or subscriber waits for, on which connection, and when it last heard of it. No command is sent. */
  isConsuming(): Consuming {
    const { parts, messageAt } = this[STATE];
    return consumingOf(parts.all(), subscriptionsOf(internalsOf(this)), messageAt);
  }

  /**
   * Calls `listener` for what happens at this client's endpoint, whichever of its clients it happens to: incidents,
   * circuits, refused commands, unknown outcomes, reconnects. Returns a function that ends it.
   */
  onEvent(listener: EventListener): () => void {
    return this[STATE].events.add(listener);
  }

  /**
   * Ends the client in good order: takes no more commands, waits for those under way (`drain` milliseconds at most),
   * quits and closes the socket. Idempotent; never rejects.
   *
   * @throws {ConfigError} at once, when `drain` is no number of milliseconds; the client goes on.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkMethodOptions("close", options);
    const state = this[STATE];
    return (state.closing ??= closeClient(this, state, options.drain ?? DRAIN));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

sealGetter(Redis.prototype, "policy");
makeInspectable(Redis.prototype);
quickenBatches(Redis.prototype, (client) => ADAPTER in client);
const create = (options: RedisOptions): Client => new Redis(options);
installHooks(
  Redis.prototype,
  (client, args, warnings) => {
    assemble(client, { args, warnings }, create);
  },
  isOff,
);
letBePlain(Redis.prototype, ["sendCommand", "emit", "duplicate", "parseOptions", "pipeline", "multi"]);
makesClients(Redis.createClient, Redis.prototype.duplicate, Redis);

/** Where a method was called: the stack from its caller on. */
function calledAt(method: (...args: never[]) => unknown): Error {
  const here = new Error("borrowed here");
  Error.captureStackTrace(here, method);
  return here;
}

function poolFor(client: Redis, fn: unknown, method: string): ConnectionPool {
  if (typeof fn !== "function") throw new TypeError(`${method} needs the function that is to have the connection`);
  const { pool } = client[STATE];
  if (pool === undefined) throw new TypeError("a connection that was lent has no pool of its own: use the client");
  return pool;
}
