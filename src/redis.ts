/**
 * The drop-in client: an ioredis `Redis` whose commands travel through a flow. This file is the seam and nothing more:
 * it turns ioredis's hooks (sendCommand, status changes, queue flushes, error events) into calls of `Flow` and `Wire`.
 *
 * ioredis's constructor calls several overridden methods before this class's own fields exist, so all state hangs on
 * one symbol that `parseOptions`, the first of them, sets.
 */
import { Command, Redis as IORedis, type Callback, type RedisOptions as IORedisOptions } from "ioredis";
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
import { checkReady } from "./connection/ready-check.js";
import { Wire } from "./connection/wire.js";
import { attachDiagnosis } from "./failure/attach.js";
import { classify } from "./failure/classify.js";
import { Flow } from "./flow/flow.js";
import type { BlockingLimit } from "./flow/transport.js";
import { ScriptEffects, type ScriptDefinition } from "./command/scripts.js";
import { defaultLogger } from "./observe/default-logger.js";
import { SILENT } from "./observe/logger.js";
import { snapshot, type Health, type Stats, healthOf } from "./observe/stats.js";
import { checkRedisArguments } from "./options/arguments.js";
import { endpointInfo, labelOf } from "./connection/endpoint-info.js";
import { explicitOptions, optionsForDuplicate, type Options } from "./connection/explicit-options.js";
import type { Policy, ResilienceOptions } from "./options/policy.js";
import { resolvePolicy } from "./options/resolve.js";

/** ioredis's options and one more. */
export type RedisOptions = IORedisOptions & { readonly resilience?: ResilienceOptions | undefined };

const STATE = Symbol("ioredoubt.state");

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
    const { flow, wire } = this[STATE];
    wire.adoptConnector();
    if (this.status === "end" || this.status === "close") flow.revived();
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
    const { flow } = this[STATE];
    const { status } = this;
    if (reconnect) {
      super.disconnect(true);
      return;
    }
    // ioredis would remember to skip the reconnect of a connection that does not exist yet.
    if (status === "end") return;
    flow.closing();
    super.disconnect();
    const internals = internalsOf(this);
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
    const { flow } = this[STATE];
    const sendCommand = (command: Command, stream?: BatchStream): unknown => {
      flow.dispatch(command, stream, options);
      return command.promise;
    };
    return Object.create(this, {
      sendCommand: { value: sendCommand },
      // Commands of one automatic pipeline share one limit; these have their own.
      options: { value: Object.create(this.options, { enableAutoPipelining: { value: false } }) as RedisOptions },
    }) as this;
  }

  /** `with({ deadline })`: the total time in milliseconds for each command issued on the returned view. */
  withDeadline(deadline: number | false): this {
    return this.with({ deadline });
  }

  /** The effective policy, frozen. */
  get policy(): Policy {
    return this[STATE].policy;
  }

  /** A plain snapshot: connection, gate, in flight, retries, budget, circuits, writes. */
  stats(): Stats {
    const { flow, wire } = this[STATE];
    return snapshot(this.status, flow, wire);
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
    if (status === "ready" && state.selectError === undefined) {
      // ioredis selects the database and subscribes again in this turn, before anything that waits may go.
      internalTurn(state);
      process.nextTick(() => {
        if (!SERVING.has(this.status)) return;
        state.wire.forgetErrors();
        state.flow.opened();
      });
    }
    base.setStatus.call(internals, status, arg);
  },

  flushQueue(this: Redis, error, options?: FlushOptions) {
    const { flow, wire } = this[STATE];
    const internals = internalsOf(this);
    if (error.name === "MaxRetriesPerRequestError") {
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
      callback(state.selectError);
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
  const policy = resolvePolicy(resilience, explicit);
  const info = endpointInfo(client.options);
  const wire = new Wire(client, policy, info, explicit["retryStrategy"] as never);
  const scripts = new ScriptEffects();
  const logger = resilience?.logger === false ? SILENT : (resilience?.logger ?? defaultLogger());
  const flow = new Flow({
    policy,
    transport: wire,
    label: labelOf(info),
    logger,
    fallback: resilience?.fallback,
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
  };
  Object.defineProperty(client, STATE, { value: state });
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
  } else state.flow.dispatch(command, stream, undefined);
}

function sendInternal(client: Redis, state: State, command: Command): void {
  const restoring = client.status === "ready";
  state.wire.write(command, undefined);
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
        // A resubscription that the server refused: ioredis leaves its promise to the process.
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
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  await state.flow.drain(drain);
  if ((client.status as string) === "end") return;
  if (client.status === "ready") await quit(client, state, Math.max(250, Math.min(drain, 1_000)));
  client.disconnect();
  internalsOf(client).stream?.destroy();
  if ((client.status as string) !== "end") await ended;
}

async function quit(client: Redis, state: State, limit: number): Promise<void> {
  const command = new Command("quit");
  internalsOf(client).manuallyClosing = true;
  state.wire.write(command, undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  await Promise.race([command.promise.then(ignore, ignore), late]);
  clearTimeout(timer);
}

function ignore(): void {
  // Closing: the outcome changes nothing.
}
