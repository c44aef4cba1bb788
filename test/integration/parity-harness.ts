/**
 * Two servers and two clients, plain ioredis and this package, that are told the same and must answer the same. A test
 * describes what to do; what is compared is everything a caller can see: replies, error names and texts, event order.
 */
import { Redis as Plain, ReplyError, type RedisOptions } from "ioredis";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { IoredoubtError, Redis as Ours } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

export { eventually, Ours, Plain };

/** What both classes are to a test. */
export type Client = Plain;

/** ioredis 6 is under test, not 5: RESP3 and reply mappings exist. */
export const IS_V6 = "protocol" in (Plain as unknown as { readonly defaultOptions: object }).defaultOptions;

/** A method and its arguments; as a string, separated by blanks. */
export type Step = string | readonly [string, ...unknown[]];

let servers: readonly [RedisServer, RedisServer] | undefined;
const clients: Client[] = [];

/** Call once in a test file: both servers live as long as the file, clients as long as their test, data as well. */
export function useServers(): void {
  beforeAll(async () => {
    servers = [await startRedis(), await startRedis()];
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    const wiped = (servers ?? []).flatMap((server) => [server.call("FLUSHALL"), server.call("SCRIPT", "FLUSH")]);
    await Promise.all(wiped);
  });
  afterAll(async () => {
    for (const server of servers ?? []) await server.stop();
  });
}

/** Options of either class: ioredis 5 knows fewer. */
export type Options = Omit<RedisOptions, "replyMapping" | "resilience"> & { readonly replyMapping?: string };

/** One side of the comparison. */
export interface Side {
  readonly server: RedisServer;
  readonly isOurs: boolean;
  /** A new client, disconnected at the end of the test. */
  open(options?: Options): Client;
  /** Takes a client made in another way under the same care. */
  keep<T extends Client>(client: T): T;
  /** The class itself, for its static members. */
  readonly Class: typeof Plain;
}

function side(server: RedisServer, isOurs: boolean): Side {
  const Class: typeof Plain = isOurs ? Ours : Plain;
  const keep = <T extends Client>(client: T): T => {
    clients.push(client);
    client.on("error", ignore);
    return client;
  };
  return {
    server,
    isOurs,
    Class,
    keep,
    open: (options = {}) =>
      keep(
        new Class({
          host: "127.0.0.1",
          port: server.port,
          ...(options as Omit<RedisOptions, "replyMapping">),
          // Plain ioredis waits without limit; how long this package does is no question here.
          ...(isOurs ? { resilience: { logger: false, deadline: 25_000 } } : {}),
        }),
      ),
  };
}

function ignore(): void {
  // Tests that care listen themselves.
}

/** Does the same on both sides and expects the same to be seen; returns what plain ioredis showed. */
export async function expectParity(act: (side: Side) => unknown): Promise<unknown> {
  if (servers === undefined) throw new Error("useServers() was not called");
  const [theirServer, ourServer] = servers;
  const theirs = visible(await act(side(theirServer, false)));
  const ours = visible(await act(side(ourServer, true)));
  expect(ours).toEqual(theirs);
  return theirs;
}

/** Calls a method by its name, as a table of steps needs it. */
export function invoke(client: object, step: Step): unknown {
  const [method, ...args] = typeof step === "string" ? (step.split(" ") as [string, ...string[]]) : step;
  const called = (client as Record<string, unknown>)[method];
  if (typeof called !== "function") throw new TypeError(`no method ${method}`);
  return (called as (...args: unknown[]) => unknown).apply(client, args);
}

/** Runs steps one after the other. */
export async function inTurn(client: Client, steps: readonly Step[]): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  for (const step of steps) outcomes.push(await outcomeOf(() => invoke(client, step)));
  return outcomes;
}

/** Runs steps all in one tick; what they did arrives in the order of the steps. */
export async function atOnce(client: Client, steps: readonly Step[]): Promise<unknown[]> {
  return Promise.all(steps.map((step) => outcomeOf(() => invoke(client, step))));
}

/** What a call did: its value, its rejection, or what it threw before it returned. */
export async function outcomeOf(call: () => unknown): Promise<unknown> {
  let pending: unknown;
  try {
    pending = call();
  } catch (error) {
    return { threw: visible(error) };
  }
  try {
    return { value: visible(await pending) };
  } catch (error) {
    return { rejected: visible(error) };
  }
}

/** What a caller sees of a value: errors by class, name, message and command name, also inside of results. */
export function visible(value: unknown): unknown {
  // Where ioredis refuses with a plain Error, this package has a class of its own with the same text.
  if (IoredoubtError.is(value)) return { error: "Error", message: value.message, command: undefined, isReply: false };
  if (value instanceof Error) {
    const { name, message, command } = value as Error & { readonly command?: { readonly name: string } };
    return { error: name, message: unquoted(message), command: command?.name, isReply: value instanceof ReplyError };
  }
  if (Array.isArray(value)) return value.map(visible);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, visible(item)]));
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value) || value instanceof Set) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visible(item)]));
}

/** The one wanted difference in a server's words: arguments that it quotes back are left out. */
function unquoted(message: string): string {
  return message.replace(/, with args beginning with: .*$/s, "");
}

/** Records events as they come, with the status that a listener sees at that moment. */
export function record(client: Client, events: readonly string[]): unknown[] {
  const seen: unknown[] = [];
  for (const event of events) {
    client.on(event, (...args: unknown[]) => seen.push([event, client.status, ...args.map(visible)]));
  }
  return seen;
}

/** Resolves with the arguments of the next such event. */
export function next(client: Client, event: string): Promise<unknown[]> {
  return new Promise((resolve) => client.once(event, (...args: unknown[]) => resolve(args)));
}
