/**
 * What the fault tests of the core share: clients that end with their test, outcomes that are looked at instead of
 * thrown, and what the server itself has counted.
 */
import { Redis as PlainRedis, type RedisOptions as PlainOptions } from "ioredis";
import { afterEach, expect } from "vitest";
import type { Applied } from "../../src/failure/diagnosis.js";
import { IoredoubtError } from "../../src/failure/errors.js";
import type { ResilienceOptions } from "../../src/options/policy.js";
import { Redis, type RedisOptions } from "../../src/redis.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { createLogSink, type LogSink } from "../helpers/log-sink.js";
import type { RedisServer } from "../helpers/redis-server.js";

/** What a timing may exceed its bound by: the machine is shared, the logic is not. In milliseconds. */
export const SLACK = 600;

const endings: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Runs at the end of the test, the last one first. */
export function atEnd(end: () => Promise<unknown> | void): void {
  endings.push(end);
}

export type TestOptions = RedisOptions & { readonly resilience?: ResilienceOptions };

/** A client with the production policy, a short deadline and fast reconnects; its log is kept in `log`. */
export function client(port: number, options: TestOptions = {}): Redis & { readonly log: LogSink } {
  const log = createLogSink();
  const { resilience, ...rest } = options;
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    ...rest,
    resilience: {
      profile: "production",
      deadline: 2000,
      reconnect: { minTimeout: 5, maxTimeout: 50 },
      logger: log,
      ...resilience,
    },
  });
  redis.on("error", ignore);
  atEnd(() => redis.disconnect());
  return Object.assign(redis, { log });
}

/** The same, connected. */
export async function ready(port: number, options: TestOptions = {}): Promise<Redis & { readonly log: LogSink }> {
  const redis = client(port, options);
  await redis.ping();
  return redis;
}

/** Plain ioredis, for the other half of a comparison. */
export async function plain(port: number, options: PlainOptions = {}): Promise<PlainRedis> {
  const redis = new PlainRedis({ host: "127.0.0.1", port, retryStrategy: () => 20, ...options });
  redis.on("error", ignore);
  atEnd(() => redis.disconnect());
  await redis.ping();
  return redis;
}

/** A fault proxy in front of the server, for this test only. */
export async function proxyTo(server: RedisServer | { readonly port: number }): Promise<FaultProxy> {
  const proxy = await startProxy({ target: { port: server.port } });
  atEnd(() => proxy.stop());
  return proxy;
}

export interface Outcome {
  readonly value: unknown;
  readonly error: Error | undefined;
  /** Milliseconds from this look to the settlement. */
  readonly after: number;
}

/** How a promise settles. Never rejects. */
export async function outcomeOf(promise: Promise<unknown>): Promise<Outcome> {
  const start = performance.now();
  try {
    const value = await promise;
    return { value, error: undefined, after: performance.now() - start };
  } catch (error) {
    if (!(error instanceof Error)) throw new Error("rejected with something that is no Error", { cause: error });
    return { value: undefined, error, after: performance.now() - start };
  }
}

export function outcomesOf(promises: readonly Promise<unknown>[]): Promise<Outcome[]> {
  return Promise.all(promises.map((promise) => outcomeOf(promise)));
}

/** `"name applied"` of one of our errors, the message of a foreign one, `"ok"` of a success. */
export function gist(outcome: Outcome | Error | null | undefined): string {
  const error = outcome instanceof Error || outcome === null || outcome === undefined ? outcome : outcome.error;
  if (error === null || error === undefined) return "ok";
  return IoredoubtError.is(error) ? `${error.name} ${error.applied}` : error.message;
}

/** Checks one of our errors; returns it. */
export function expectError(outcome: Outcome, name: string, applied: Applied): IoredoubtError {
  expect(gist(outcome)).toBe(`${name} ${applied}`);
  if (!IoredoubtError.is(outcome.error)) throw new Error("not one of ours", { cause: outcome.error });
  return outcome.error;
}

/** How often the server executed each command since it started or since CONFIG RESETSTAT. */
export async function callsOf(server: RedisServer): Promise<Readonly<Record<string, number>>> {
  const text = await server.cli("INFO", "commandstats");
  const calls: Record<string, number> = {};
  for (const [, name, count] of text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
    if (name !== undefined) calls[name] = Number(count);
  }
  return calls;
}

/** Calls that the server refused or that failed while they ran. */
export async function rejectedOf(server: RedisServer, name: string): Promise<number> {
  const text = await server.cli("INFO", "commandstats");
  const match = new RegExp(`cmdstat_${name}:.*rejected_calls=(\\d+)`).exec(text);
  return Number(match?.[1] ?? 0);
}

/** An empty server with fresh counters. */
export async function clean(server: RedisServer): Promise<void> {
  await server.call("FLUSHALL");
  await server.call("CONFIG", "RESETSTAT");
}

export function ignore(): void {
  // Each test looks at what it cares for.
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
