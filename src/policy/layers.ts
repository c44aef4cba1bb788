/**
 * Laying sources of policy values over each other. Each layer is flat (`retry.minTimeout` → 50), so that every value can
 * be traced to the layer it came from. A part switched off by one layer comes back when a higher layer sets anything in it.
 */
import type { BreakerPolicy, ConnectionDefaults, HeartbeatPolicy, Policy, QueuePolicy, RetryPolicy } from "./shape.js";
import { FIELDS } from "./fields.js";

/** One source of values. `origin` is what `config` prints, e.g. `IOREDOUBT_DEADLINE` or `profile cache`. */
export interface Layer {
  /** Origin of every value, or of each path where the sources differ (environment variables). */
  readonly origin: string | ((path: string) => string);
  /** Path to value; a part (`retry`) maps to `false` when it is switched off and to `true` when it is switched on. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Written by the user for this client, not by a built-in profile or preset. */
  readonly explicit: boolean;
}

/** The value that counts, and the layer it came from. */
export interface Effective {
  readonly value: unknown;
  readonly origin: string;
  readonly explicit: boolean;
}

const PARTS = FIELDS.filter((f) => f.kind === "part").map((f) => f.path);

/** Flattens nested values. `undefined` is absence; parts are recorded as `true` or `false`. */
export function flatten(values: object, prefix: string = ""): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [key, value] of Object.entries(values) as [string, unknown][]) {
    if (value === undefined) continue;
    const path = prefix + key;
    if (PARTS.includes(path) && typeof value === "object" && value !== null) {
      flat.set(path, true);
      for (const [inner, leaf] of flatten(value, `${path}.`)) flat.set(inner, leaf);
    } else flat.set(path, value);
  }
  return flat;
}

/** The effective value of every field, parts included; `layers` go from the base up. */
export function overlay(layers: readonly Layer[]): ReadonlyMap<string, Effective> {
  const effective = new Map<string, Effective>();
  for (const layer of layers) {
    for (const [path, value] of layer.values) {
      const origin = typeof layer.origin === "string" ? layer.origin : layer.origin(path);
      const entry = { value, origin, explicit: layer.explicit };
      effective.set(path, entry);
      for (const part of PARTS) {
        if (path.startsWith(`${part}.`) && effective.get(part)?.value === false)
          effective.set(part, { ...entry, value: true });
      }
    }
  }
  return effective;
}

/** Builds the frozen policy from effective values. The base layer has every field, so none can be missing. */
export function build(profile: string, values: ReadonlyMap<string, Effective>, connection: ConnectionDefaults): Policy {
  const number = (path: string): number => {
    const value = values.get(path)?.value;
    if (typeof value !== "number") throw new TypeError(`policy value ${path} is missing`);
    return value;
  };
  const isOn = (path: string): boolean => values.get(path)?.value !== false;
  const retry: RetryPolicy = {
    retries: number("retry.retries"),
    minTimeout: number("retry.minTimeout"),
    maxTimeout: number("retry.maxTimeout"),
    factor: number("retry.factor"),
    ambiguous: values.get("retry.ambiguous")?.value as RetryPolicy["ambiguous"],
    budget:
      isOn("retry.budget") &&
      Object.freeze({ tokens: number("retry.budget.tokens"), refill: number("retry.budget.refill") }),
  };
  const breaker: BreakerPolicy = {
    downAfter: number("breaker.downAfter"),
    errorThresholdPercentage: number("breaker.errorThresholdPercentage"),
    volumeThreshold: number("breaker.volumeThreshold"),
    rollingCountTimeout: number("breaker.rollingCountTimeout"),
    resetTimeout: number("breaker.resetTimeout"),
    maxResetTimeout: number("breaker.maxResetTimeout"),
    probeTimeout: number("breaker.probeTimeout"),
  };
  const queue: QueuePolicy = {
    maxCommands: number("queue.maxCommands"),
    maxBytes: number("queue.maxBytes"),
    wait: values.get("queue.wait")?.value as QueuePolicy["wait"],
  };
  const heartbeat: HeartbeatPolicy = { interval: number("heartbeat.interval"), timeout: number("heartbeat.timeout") };
  return Object.freeze({
    profile,
    deadline: isOn("deadline") && number("deadline"),
    retry: isOn("retry") && Object.freeze(retry),
    breaker: isOn("breaker") && Object.freeze(breaker),
    queue: isOn("queue") && Object.freeze(queue),
    inFlight: Object.freeze({ maxCommands: number("inFlight.maxCommands"), maxBytes: number("inFlight.maxBytes") }),
    silenceHold: isOn("silenceHold") && number("silenceHold"),
    maxReplyBytes: number("maxReplyBytes"),
    reconnect: Object.freeze({
      minTimeout: number("reconnect.minTimeout"),
      maxTimeout: number("reconnect.maxTimeout"),
      stableAfter: number("reconnect.stableAfter"),
      handshakeTimeout: number("reconnect.handshakeTimeout"),
    }),
    sentinel: Object.freeze({
      connectTimeout: number("sentinel.connectTimeout"),
      answerTimeout: number("sentinel.answerTimeout"),
      hedgeAfter: number("sentinel.hedgeAfter"),
    }),
    heartbeat: isOn("heartbeat") && Object.freeze(heartbeat),
    pool: Object.freeze({
      size: number("pool.size"),
      min: number("pool.min"),
      max: number("pool.max"),
      blocking: number("pool.blocking"),
      acquireTimeout: number("pool.acquireTimeout"),
      idleTimeout: number("pool.idleTimeout"),
      maxLifetime: number("pool.maxLifetime"),
      leakAfter: number("pool.leakAfter"),
    }),
    summaryInterval: number("summaryInterval"),
    connection: Object.freeze({ ...connection }),
  });
}
