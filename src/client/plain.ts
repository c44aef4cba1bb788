/**
 * The way out: a client whose `resilience` is `false`, or any client while `IOREDOUBT_OFF` is on, behaves as plain ioredis does. It has
 * the class of this package, so that no line of a program changes, and ioredis's own methods. What ioredis has not, such as
 * `withConnection` or `health()`, is there in its simplest form, so that whoever uses it goes on working.
 */
import type { Redis as IORedis, RedisKey } from "ioredis";
import { clock, sleep, within } from "../clock.js";
import { circuitStats } from "../endpoint/breaker.js";
import { endpointInfo, labelOf } from "../ioredis/endpoint-info.js";
import { base, internalsOf } from "../ioredis/internals.js";
import { TransactionConflictError } from "../lease/conflict.js";
import type { TransactionOptions, TransactionResult, TransactionScope } from "../lease/transaction.js";
import { defaultLogger } from "../observe/default-logger.js";
import { guardedLogger } from "../observe/guarded-logger.js";
import { parseSwitch } from "../policy/environment/parse.js";
import { OFF, type Environment } from "../policy/environment/policy-variables.js";
import { resolvePolicy } from "../policy/resolve.js";
import type { Policy } from "../policy/shape.js";
import type { Consuming } from "./consuming.js";
import type { Health, HealthStatus, Liveness, Readiness, StartupOptions } from "./health.js";
import { nothing } from "./parts.js";
import { STATE } from "./state.js";
import type { Stats } from "./stats.js";

/** Read once: the clients of one process are of one kind. */
const ENVIRONMENT: Environment = { [OFF]: process.env[OFF] };

/** What switched this package off for a client with these arguments; `undefined` when nothing did. */
export function offBy(args: readonly unknown[], env: Environment = ENVIRONMENT): string | undefined {
  const text = env[OFF] ?? "";
  if (parseSwitch(text) === true) return `${OFF}=${text.trim()}`;
  for (const arg of args) {
    if (typeof arg !== "object" || arg === null || !("resilience" in arg) || arg.resilience === undefined) continue;
    return arg.resilience === false ? "resilience: false" : undefined;
  }
  return undefined;
}

const told = new Set<string>();

/** Whether a client with these arguments is plain; says so once a process. */
export function isOff(args: readonly unknown[]): boolean {
  const by = offBy(args);
  if (by !== undefined) tellOff(by);
  return by !== undefined;
}

function tellOff(by: string): void {
  if (told.has(by)) return;
  told.add(by);
  const message =
    `ioredoubt is off (${by}): clients are plain ioredis, without deadlines, circuits, bounds and incident log, ` +
    "and writes whose reply was lost are sent again.";
  guardedLogger(defaultLogger()).warn({ event: "client.off", by }, message);
}

/**
 * Makes the methods of a class ask first whether a client is plain: then those of ioredis answer, or the simple forms here.
 * `except` names those that ask by themselves, because they are called for every command.
 */
export function letBePlain(prototype: object, except: readonly PropertyKey[], ways: PlainWays = WAYS): void {
  const { isPlain } = ways;
  const theirs = ways.theirs as Readonly<Record<PropertyKey, Method>>;
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const ours = descriptor.value as Method | undefined;
    const simple = Object.hasOwn(ways.simple, name) ? ways.simple[name] : undefined;
    if (name === "constructor" || except.includes(name)) continue;
    if (name === "policy") {
      const { get } = descriptor;
      const both = function (this: IORedis): unknown {
        return isPlain(this) ? plainPolicy() : get?.call(this);
      };
      Object.defineProperty(prototype, name, { ...descriptor, get: both });
    } else if (typeof ours === "function" && (simple !== undefined || name in theirs)) {
      const value = function (this: IORedis, ...args: unknown[]): unknown {
        // ioredis's own is looked up late: an agent may have wrapped it.
        return (isPlain(this) ? (simple ?? theirs[name] ?? ours) : ours).apply(this, args);
      };
      Object.defineProperty(prototype, name, { ...descriptor, value });
    }
  }
}

/** Set up by ioredis alone. */
export function isPlain(client: object): boolean {
  return !(STATE in client);
}

type Method = (this: IORedis, ...args: unknown[]) => unknown;

/** What the clients of a class do that are plain. */
export interface PlainWays {
  /** ioredis's own methods. */
  readonly theirs: object;
  /** What ioredis has not. */
  readonly simple: Readonly<Record<string, Method>>;
  isPlain(client: object): boolean;
}

const SIMPLE = {
  with() {
    return this;
  },
  withDeadline() {
    return this;
  },
  async withConnection(fn) {
    const connection = this.duplicate();
    try {
      return await (fn as (connection: IORedis) => unknown)(connection);
    } finally {
      connection.disconnect();
    }
  },
  async transaction(keys, fn, options) {
    const connection = this.duplicate();
    try {
      return await transact(connection, keys as readonly RedisKey[], fn as never, options as TransactionOptions);
    } finally {
      connection.disconnect();
    }
  },
  stats() {
    return statsOf(this);
  },
  health() {
    return healthOf(this);
  },
  liveness(): Liveness {
    const health = healthOf(this);
    return { alive: health.status !== "closed", health };
  },
  readiness(options) {
    const { required = true } = (options ?? {}) as { readonly required?: boolean };
    const health = healthOf(this);
    const ready = required ? health.status === "ready" || health.status === "idle" : health.status !== "closed";
    return Promise.resolve<Readiness>({ ready, health });
  },
  async startup(options): Promise<Readiness> {
    const { within: limit = STARTUP } = (options ?? {}) as StartupOptions;
    const until = clock.now() + limit;
    if (this.status === "wait") this.connect().catch(ignore);
    while (this.status !== "ready" && this.status !== "end" && clock.now() < until) await sleep(LOOK);
    return { ready: this.status === "ready", health: healthOf(this) };
  },
  isConsuming(): Consuming {
    return { consuming: this.status === "ready", waits: [] };
  },
  onEvent() {
    return ignore;
  },
  async close(options) {
    const { drain = DRAIN } = (options ?? {}) as { readonly drain?: number };
    if (this.status === "end") return;
    await within(this.quit().then(ignore, ignore), drain, ignore);
    this.disconnect();
  },
} as const satisfies Readonly<Record<string, Method>> as Readonly<Record<string, Method>>;

const WAYS: PlainWays = { theirs: base, simple: SIMPLE, isPlain };

const STARTUP = 10_000;
/** Between two looks whether the client is connected, in milliseconds. */
const LOOK = 10;
const DRAIN = 5_000;
const RETRIES = 10;

/** Optimistic locking on a connection of one's own. */
export async function transact<T>(
  conn: IORedis,
  keys: readonly RedisKey[],
  fn: (scope: TransactionScope) => T | PromiseLike<T>,
  { retries = RETRIES }: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  for (let conflicts = 0; ; conflicts++) {
    if (keys.length > 0) await conn.watch(...(keys as string[]));
    const multi = conn.multi();
    const value = await fn({ conn: conn as unknown as TransactionScope["conn"], multi });
    if (multi.length === 0) {
      await conn.unwatch();
      return { value, results: [], conflicts };
    }
    const outcome = await multi.exec();
    if (outcome !== null) {
      const failed = outcome.find(([error]) => error !== null)?.[0];
      if (failed) throw failed;
      return { value, results: outcome.map(([, result]) => result), conflicts };
    }
    if (conflicts >= retries) {
      const text = `the watched keys were changed by others in each of ${String(conflicts + 1)} attempts; nothing was executed`;
      throw new TransactionConflictError(text, conflicts + 1, { applied: "no" });
    }
  }
}

function plainPolicy(): Policy {
  const off = { deadline: false, retry: false, breaker: false, heartbeat: false, silenceHold: false } as const;
  return Object.freeze({ ...resolvePolicy(undefined, {}, {}), ...off, profile: "off" });
}

/** What ioredis knows; it counts nothing. */
function statsOf(client: IORedis): Stats {
  const { commandQueue, offlineQueue, retryAttempts, options } = internalsOf(client);
  const { counters, outcomes, latency } = nothing();
  const circuit = circuitStats(undefined);
  return {
    status: client.status,
    endpoint: labelOf(endpointInfo(options), undefined),
    inFlight: commandQueue.length,
    waiting: { commands: offlineQueue.length, bytes: 0 },
    ...counters,
    codes: outcomes.codes(),
    families: outcomes.families(),
    latency: latency.percentiles(),
    breaker: { readWrite: circuit, write: circuit },
    writes: { asked: 0, made: 0 },
    reconnects: { attempts: retryAttempts, nextIn: 0 },
  };
}

const STATUSES: Readonly<Record<string, HealthStatus>> = {
  wait: "idle",
  connecting: "connecting",
  connect: "connecting",
  ready: "ready",
  monitoring: "ready",
  end: "closed",
};

/** What ioredis's status says. */
export function healthOf({ status }: { readonly status: string }): Health {
  const since = Math.round(clock.wallTime());
  const health = STATUSES[status] ?? "down";
  if (health === "closed") return { status: health, since, code: "CLIENT_CLOSED", reason: "The client has ended." };
  if (health === "down") return { status: health, since, code: "CONNECTION_LOST", reason: `ioredis says: ${status}.` };
  return { status: health, since };
}

function ignore(): void {
  // Plain ioredis has nobody who would be told.
}
