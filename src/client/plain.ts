/**
 * The way out: a client whose `resilience` is `false`, or any client while `IOREDOUBT_OFF` is on, behaves as plain ioredis does. It has
 * the class of this package, so that no line of a program changes, and ioredis's own methods. What ioredis has not, such as
 * `withConnection` or `health()`, is there in its simplest form, so that whoever uses it goes on working.
 */
import type { Redis as IORedis } from "ioredis";
import { circuitStats } from "../endpoint/breaker.js";
import { endpointInfo, labelOf } from "../ioredis/endpoint-info.js";
import { base, internalsOf } from "../ioredis/internals.js";
import { defaultLogger } from "../observe/default-logger.js";
import { guardedLogger } from "../observe/guarded-logger.js";
import { parseSwitch } from "../policy/environment/parse.js";
import { OFF, type Environment } from "../policy/environment/policy-variables.js";
import { resolvePolicy } from "../policy/resolve.js";
import type { Policy } from "../policy/shape.js";
import type { Consuming } from "./consuming.js";
import { nothing } from "./parts.js";
import { plainHealth, plainMethods } from "./plain-methods.js";
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
  ...plainMethods<IORedis>({ healthOf: plainHealth, connectionOf: (client) => client.duplicate() }),
  stats(this: IORedis) {
    return statsOf(this);
  },
  isConsuming(this: IORedis): Consuming {
    return { consuming: this.status === "ready", waits: [] };
  },
};

const WAYS: PlainWays = { theirs: base, simple: SIMPLE as unknown as PlainWays["simple"], isPlain };

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
