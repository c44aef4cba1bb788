/**
 * What the caller wrote, apart from what ioredis filled in: only explicit options are translated into policy, and
 * `duplicate()` hands on what the caller meant. Knows ioredis's option objects, not their meaning.
 */
import { Redis as IORedis, type RedisOptions } from "ioredis";
import { BOOLEAN_OPTIONS, MAY_BE_TEXT, NUMBER_OPTIONS } from "../policy/input/option-kinds.js";
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
    const options = { ...scratch.options } as unknown as Record<string, unknown>;
    readTexts(options);
    return differing(options);
  }
  if (typeof arg !== "object" || arg === null) return {};
  const options = arg as Options;
  // Somebody passes on the `options` of another client, defaults and all: what equals a default was never written.
  return options["sentinelReconnectStrategy"] === defaults["sentinelReconnectStrategy"] ? differing(options) : options;
}

function differing(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([key, value]) => value !== defaults[key]));
}

/**
 * Gives numbers and switches from the query of a URL the type they have as options: ioredis leaves text, for which nothing
 * is a number and which the options of a duplicate may not hold. The query was checked before.
 */
export function readTexts(options: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(options)) {
    if (typeof value !== "string") continue;
    if (key in NUMBER_OPTIONS && !MAY_BE_TEXT.has(key)) options[key] = Number(value);
    else if (BOOLEAN_OPTIONS.includes(key)) options[key] = true;
  }
}

/** The option that hands out what another one holds. */
const PROVIDERS = [
  ["password", "credentials"],
  ["sentinelPassword", "sentinelCredentials"],
] as const;

/** Options with others in their place. A password that is written for a duplicate takes precedence over a provider that is handed on. */
export function overridden<T extends object>(options: T, override: Partial<T> = {}): T {
  const given = { ...override } as Options;
  const obsolete = PROVIDERS.filter(
    ([held, provider]) => (given[held] ?? undefined) !== undefined && !(provider in given),
  );
  return { ...options, ...Object.fromEntries(obsolete.map(([, provider]) => [provider, undefined])), ...override };
}

/**
 * Options for a duplicate: what differs from ioredis's defaults now, with those that this package took over, and without
 * what the policy brought: it brings it to the duplicate too.
 */
export function optionsForDuplicate(current: RedisOptions, explicit: Options, brought: Options): RedisOptions {
  const now = Object.entries(differing(current as unknown as Options)).filter(
    ([key, value]) => !OURS.has(key) && !(key in brought && brought[key] === value),
  );
  return { ...explicit, ...Object.fromEntries(now) };
}
