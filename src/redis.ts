/**
 * The drop-in client: an ioredis `Redis` whose commands travel through a flow. This file is the seam and nothing more:
 * it turns ioredis's public methods into calls of `Flow`, `Wire` and `Pool`; `client/hooks.ts` does so for its private ones.
 */
import { Redis as IORedis, type Callback, type Command, type RedisKey } from "ioredis";
import { closeClient, DRAIN } from "./client/close.js";
import { giving, type Given } from "./client/given.js";
import { sealGetter } from "./client/sealed-options.js";
import { installHooks } from "./client/hooks.js";
import { sendUnready } from "./client/own-commands.js";
import type { RedisOptions } from "./client/redis-options.js";
import { STATE, type State } from "./client/state.js";
import { viewOf } from "./client/view.js";
import type { CallOptions } from "./command/call.js";
import type { ScriptDefinition } from "./command/scripts.js";
import { optionsForDuplicate } from "./connection/explicit-options.js";
import { CLOSED_MESSAGE, internalsOf, type BatchStream } from "./connection/internals.js";
import { quickenBatches } from "./connection/quick-pipeline.js";
import { attachDiagnosis } from "./failure/attach.js";
import { classify } from "./failure/classify.js";
import { stateOf } from "./failure/state.js";
import { healthOf, snapshot, type Health, type Stats } from "./observe/stats.js";
import { checkRedisArguments } from "./options/arguments.js";
import type { Policy } from "./options/policy.js";
import { makesClients } from "./client/client-count.js";
import type { ConnectionOptions } from "./pool/leases.js";
import type { Pool } from "./pool/pool.js";
import type { TransactionOptions, TransactionResult, TransactionScope } from "./pool/transaction.js";

export type { RedisOptions };

/** The limits of a view made by `with`. */
const LIMITS = Symbol("ioredoubt.limits");

/** A client with a policy that was resolved elsewhere, from an environment for instance. */
export function redisWithPolicy(given: Given, args: readonly unknown[]): Redis {
  return giving(given, () => new (Redis as new (...args: unknown[]) => Redis)(...args));
}

export interface CloseOptions {
  /** Milliseconds to wait for commands in flight and waiting; default 5000. */
  readonly drain?: number | undefined;
}

export class Redis extends IORedis {
  /** @internal */
  declare readonly [STATE]: State;
  /** @internal */
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
      flow.lifetime.revived();
      pool?.revive();
    }
    const promise = super.connect().catch((error: unknown) => {
      const context = { ...wire.context(), written: false };
      throw attachDiagnosis(
        error,
        () => classify(wire.lastError() ?? error, context),
        () => stateOf(flow.endpoint.label, context),
      );
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
    const { flow, pool, isReconnecting } = this[STATE];
    const { status } = this;
    if (reconnect) {
      if (!isReconnecting) pool?.interrupt();
      super.disconnect(true);
      return;
    }
    // ioredis would remember to skip the reconnect of a connection that does not exist yet.
    if (status === "end") return;
    flow.lifetime.closing();
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
    return viewOf(this, sendCommand, { [LIMITS]: limits });
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
  async withConnection<T>(fn: (connection: Redis) => T | PromiseLike<T>, options: ConnectionOptions = {}): Promise<T> {
    return poolFor(this, fn, "withConnection").withConnection(fn, new Error("borrowed here"), options);
  }

  /**
   * Optimistic locking: watches `keys`, lets `fn` read on `conn` and queue writes on `multi`, and executes them only if no
   * watched key has changed; otherwise it starts again, `retries` times at most (default 10), after a jittered pause.
   *
   * @throws {TransactionConflictError} when every attempt was overtaken; nothing was executed.
   * @throws {PoolTimeoutError} when no connection became free within `pool.acquireTimeout`.
   */
  async transaction<T>(
    keys: readonly RedisKey[],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    options: TransactionOptions = {},
  ): Promise<TransactionResult<T>> {
    return poolFor(this, fn, "transaction").transaction(keys, fn, new Error("borrowed here"), options);
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
  const { explicit, brought, environment } = this[STATE];
  const options = optionsForDuplicate(this.options, explicit, brought);
  return giving({ environment }, () => new Redis({ ...options, ...override }));
} as Redis["duplicate"];

sealGetter(Redis.prototype, "policy");
quickenBatches(Redis.prototype);
installHooks(Redis.prototype, (options) => new Redis(options));
makesClients(Redis.createClient, Redis.prototype.duplicate, Redis);

function poolFor(client: Redis, fn: unknown, method: string): Pool {
  if (typeof fn !== "function") throw new TypeError(`${method} needs the function that is to have the connection`);
  const { pool } = client[STATE];
  if (pool === undefined) throw new TypeError("a connection that was lent has no pool of its own: use the client");
  return pool;
}
