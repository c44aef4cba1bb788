/**
 * What the caller wrote, apart from what ioredis filled in: only explicit options are translated into policy, and
 * `duplicate()` hands on what the caller meant. Knows ioredis's option objects, not their meaning.
 */
import { Redis as IORedis, type RedisOptions } from "ioredis";
import { base, type RedisInternals } from "./internals.js";

export type Options = Readonly<Record<string, unknown>>;

const defaults = (IORedis as unknown as { readonly defaultOptions: Options }).defaultOptions;

/** Options that are ours to apply. They are taken off the client's `options`, and given back to its duplicates. */
const OURS: ReadonlySet<string> = new Set(["commandTimeout", "blockingTimeout", "retryStrategy", "enableReadyCheck"]);

/** The options written in the arguments of `new Redis(...)`; the first mention of a name counts, as in ioredis. */
export function explicitOptions(args: readonly unknown[]): Options {
  const explicit: Record<string, unknown> = {};
  for (const arg of args) {
    for (const [key, value] of Object.entries(written(arg))) {
      if (value !== undefined && !(key in explicit)) explicit[key] = value;
    }
  }
  return explicit;
}

function written(arg: unknown): Options {
  if (typeof arg === "string") {
    const scratch = {} as RedisInternals;
    base.parseOptions.call(scratch, arg);
    return differing(scratch.options as unknown as Options);
  }
  if (typeof arg !== "object" || arg === null) return {};
  const options = arg as Options;
  // Somebody passes on the `options` of another client, defaults and all: what equals a default was never written.
  return options["sentinelReconnectStrategy"] === defaults["sentinelReconnectStrategy"] ? differing(options) : options;
}

function differing(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([key, value]) => value !== defaults[key]));
}

/** Options for a duplicate: what differs from ioredis's defaults now, with those that this package took over. */
export function optionsForDuplicate(current: RedisOptions, explicit: Options): RedisOptions {
  const now = Object.entries(differing(current as unknown as Options)).filter(([key]) => !OURS.has(key));
  return { ...explicit, ...Object.fromEntries(now) };
}
