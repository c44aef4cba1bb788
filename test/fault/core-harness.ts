/**
 * What the fault tests of the core share: clients that end with their test, outcomes that are looked at instead of
 * thrown, and what the server itself has counted.
 */
import { createServer } from "node:net";
import { Redis as PlainRedis, type RedisOptions as PlainOptions } from "ioredis";
import { afterEach, expect } from "vitest";
import type { Applied } from "../../src/failure/diagnosis.js";
import { IoredoubtError } from "../../src/failure/errors.js";
import type { ResilienceOptions } from "../../src/policy/shape.js";
import { Redis, type RedisOptions } from "../../src/redis.js";
import { connected } from "../helpers/connected.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { createLogSink, type LogSink } from "../helpers/log-sink.js";
import type { RedisServer } from "../helpers/redis-server.js";

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Runs at the end of the test, the last one first. */
export function atEnd(end: () => unknown): void {
  endings.push(end);
}

export type TestOptions = RedisOptions & { readonly resilience?: ResilienceOptions };

/**
 * A client with the production policy and fast reconnects; its log is kept in `log`. Nothing is late or unreachable for it
 * on a slow machine: tests about that say when.
 */
export function client(port: number, options: TestOptions = {}): Redis & { readonly log: LogSink } {
  const log = createLogSink();
  const { resilience, ...rest } = options;
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    ...rest,
    resilience: {
      profile: "production",
      deadline: 10_000,
      breaker: { downAfter: 10_000 },
      reconnect: { minTimeout: 20, maxTimeout: 300 },
      // It looks at the endpoint on sockets of its own, which would upset counts of connections.
      doctor: false,
      logger: log,
      ...resilience,
    },
  });
  redis.on("error", ignore);
  atEnd(() => redis.disconnect());
  return Object.assign(redis, { log });
}

/** The same, connected; with all its lanes, if it has several. */
export async function ready(port: number, options: TestOptions = {}): Promise<Redis & { readonly log: LogSink }> {
  const redis = await connected(client(port, options));
  if (redis.policy.pool.size > 1) await lanesOpen(redis);
  return redis;
}

/** Waits until all lanes of the client are connected, and each key has its own. */
export async function lanesOpen(redis: Redis): Promise<void> {
  const { size } = redis.policy.pool;
  await eventually(async () => {
    await redis.ping();
    expect(redis.stats().pool?.lanes?.map(({ status }) => status)).toEqual(Array(size).fill("ready"));
  });
  await redis.ping();
}

/** Plain ioredis, for the other half of a comparison. */
export async function plain(
  port: number,
  options: Pick<PlainOptions, "commandTimeout" | "blockingTimeout" | "maxRetriesPerRequest"> = {},
): Promise<PlainRedis> {
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
  /**
   * Milliseconds from this look to the settlement. For upper bounds only: the look comes after the call, on a busy machine
   * much later. Our errors' `elapsed` is counted from the call.
   */
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

/** An empty server with fresh counters. */
export async function clean(server: RedisServer): Promise<void> {
  await server.call("FLUSHALL");
  await server.call("CONFIG", "RESETSTAT");
}

/** The next error that nobody catches. The test runner does not hear of it. */
export function nextUncaught(): Promise<unknown> {
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  atEnd(() => others.forEach((listener) => process.on("uncaughtException", listener)));
  return new Promise((resolve) => process.once("uncaughtException", resolve));
}

export function ignore(): void {
  // Each test looks at what it cares for.
}

/** Lets time pass that is part of the scene: how long an outage lasts, how long something must not happen. Never to wait for a state. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A server that says what a test tells it to; `seen` holds the name of every command but those of the handshake. */
export interface ScriptedServer {
  readonly port: number;
  readonly seen: readonly string[];
  /** When each of them came, on the clock of `performance.now()`. */
  readonly at: readonly number[];
}

/** `answer` returns raw RESP for a command's lower-case name; `nth` counts the commands seen so far. */
export async function scriptedServer(answer: (name: string, nth: number) => string): Promise<ScriptedServer> {
  const seen: string[] = [];
  const at: number[] = [];
  const server = createServer((socket) => {
    let rest = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      rest += chunk.toString("latin1");
      for (let command = takeCommand(rest); command !== undefined; command = takeCommand(rest)) {
        rest = command.rest;
        const { name } = command;
        if (name === "info") socket.write("$11\r\nloading:0\r\n\r\n");
        else if (name === "client") socket.write("+OK\r\n");
        else if (name === "hello") socket.write("-ERR unknown command 'HELLO'\r\n");
        else {
          seen.push(name);
          at.push(performance.now());
          socket.write(answer(name, seen.length));
        }
      }
    });
    atEnd(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, seen, at };
}

function takeCommand(text: string): { name: string; rest: string } | undefined {
  const parts = /^\*(\d+)\r\n/.exec(text);
  if (parts === null) return undefined;
  let at = parts[0].length;
  let name = "";
  for (let i = 0; i < Number(parts[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (size === null) return undefined;
    const start = at + size[0].length;
    at = start + Number(size[1]) + 2;
    if (at > text.length) return undefined;
    if (i === 0) name = text.slice(start, at - 2).toLowerCase();
  }
  return { name, rest: text.slice(at) };
}

/** Resolves when what the server refuses was sent again at least so often, and waits for the next time. */
export async function waitsAgain(redis: Redis, sent = 0): Promise<void> {
  await eventually(() => {
    const { retried, waiting } = redis.stats();
    expect([retried >= sent, waiting.commands > 0]).toEqual([true, true]);
  });
}
