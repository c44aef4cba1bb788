/**
 * The options that became the policy cannot be assigned on a client that is already made. They would change nothing, and
 * somebody would believe that they did.
 */
import { ConfigError } from "../failure/errors.js";
import { fieldAt } from "../policy/fields.js";
import type { ResilienceOptions } from "../policy/shape.js";
import type { ResilientOptions } from "./redis-options.js";

const SEALED = [
  "resilience",
  "commandTimeout",
  "blockingTimeout",
  "enableOfflineQueue",
  "maxRetriesPerRequest",
  "autoResendUnfulfilledCommands",
] as const;

/** Makes assignments of these options throw a `ConfigError`; reading and copying them stays as it was. */
export function sealOptions(options: ResilientOptions): void {
  for (const key of SEALED) {
    const value = key === "resilience" ? frozenCopy(options.resilience) : options[key];
    // One that is shown to ioredis as another stays so.
    const { get = () => value } = Object.getOwnPropertyDescriptor(options, key) ?? {};
    // What is not there must not appear in copies of the options.
    seal(options, key, get, Object.prototype.propertyIsEnumerable.call(options, key));
  }
}

/** The same for a getter of a prototype, which would swallow assignments outside strict mode. */
export function sealGetter(prototype: object, key: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  Object.defineProperty(prototype, key, { ...descriptor, set: () => refuse(key) });
}

function seal(target: object, key: string, get: () => unknown, enumerable: boolean): void {
  const set = (value: unknown): void => {
    // Assigning what is there changes nothing, as it should.
    if (!Object.is(value, get())) refuse(key);
  };
  Object.defineProperty(target, key, { get, set, enumerable, configurable: true });
}

function refuse(key: string): never {
  throw new ConfigError([
    {
      path: key,
      given: "was assigned on a client that is already made",
      allowed: "does not change a running client: make a new one, or use redis.with({ deadline }) for single calls",
    },
  ]);
}

function frozenCopy(resilience: ResilienceOptions | undefined): ResilienceOptions | undefined {
  if (resilience === undefined) return undefined;
  const copy = Object.entries(resilience as Record<string, unknown>).map(([key, value]) => [
    key,
    frozenPart(key, value),
  ]);
  return Object.freeze(Object.fromEntries(copy) as ResilienceOptions);
}

function frozenPart(path: string, value: unknown): unknown {
  if (fieldAt(path)?.kind !== "part" || typeof value !== "object" || value === null) return value;
  const copy = Object.entries(value).map(([key, inner]) => [key, frozenPart(`${path}.${key}`, inner)]);
  return Object.freeze(Object.fromEntries(copy));
}
