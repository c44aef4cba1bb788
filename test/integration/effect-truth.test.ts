/**
 * Tries the effect table on a real server: every example is executed twice, and the reply and the whole state (keys,
 * functions, configuration, users) are compared after each. A flag that says "the same" must be true; a command
 * called unsafe must really differ, lest the table be stricter than it need be.
 */
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { effectOf, isReplaySafe } from "../../src/command/effect.js";
import type { Effect } from "../../src/command/effect.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { NOT_TRIED, SAFE_OTHERS, SAFE_READS, SAFE_WRITES, UNSAFE } from "./effect-examples.js";

const SCRIPT = "return redis.call('GET', 'nothing')";
const INCR_SCRIPT = "return redis.call('INCR', KEYS[1])";
const LIBRARY = `#!lua name=demo
redis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}}
redis.register_function('w', function(keys) return redis.call('INCR', keys[1]) end)`;

interface Example {
  readonly setUp: readonly string[];
  readonly command: string;
}

const SAFE = [...SAFE_WRITES, ...SAFE_READS, ...SAFE_OTHERS];

function parse(row: string): Example {
  const [before = "", command = ""] = row.split("=>");
  const setUp = before.split(";").map((step) => step.trim());
  return { setUp: setUp.filter((step) => step !== ""), command: command.trim() };
}

function declared(command: string): Effect {
  const [name = "", ...args] = command.split(" ");
  return effectOf(name, args);
}

let server: RedisServer;
let admin: Redis;
/** FUNCTION DUMP of the library, taken once while it was loaded. */
let functions: Buffer;

/** What the server replied, as text: comparable, errors included. */
async function reply(redis: Redis, words: readonly (string | Buffer)[]): Promise<string> {
  const [name = "", ...args] = words;
  try {
    const value = await redis.call(String(name), ...args);
    return inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null });
  } catch (error) {
    return `error: ${String(error)}`;
  }
}

/** The words of a row, with what `{…}` stands for. */
async function wordsOf(row: string): Promise<(string | Buffer)[]> {
  return Promise.all(row.split(" ").map(fill));
}

async function fill(word: string): Promise<string | Buffer> {
  if (word === "{script}") return SCRIPT;
  if (word === "{sha}") return createHash("sha1").update(SCRIPT).digest("hex");
  if (word === "{incr}") return INCR_SCRIPT;
  if (word === "{incr-sha}") return createHash("sha1").update(INCR_SCRIPT).digest("hex");
  if (word === "{lib}") return LIBRARY;
  if (word === "{functions}") return functions;
  if (word.startsWith("{dump:")) return serialized("DUMP", word.slice(6, -1));
  return word;
}

async function serialized(name: string, ...args: string[]): Promise<Buffer> {
  const reply = await admin.callBuffer(name, ...args);
  if (!Buffer.isBuffer(reply)) throw new Error(`${name} did not reply with bytes`);
  return reply;
}

/** Everything that a command may have changed. DEBUG DIGEST covers every database, DUMP the groups of streams too. */
async function state(): Promise<string> {
  const keys = (await admin.keys("*")).sort();
  const values = await Promise.all(keys.map(async (key) => (await serialized("DUMP", key)).toString("hex")));
  const others = ["DEBUG DIGEST", "FUNCTION DUMP", "CONFIG GET *", "ACL LIST"].map((row) =>
    reply(admin, row.split(" ")),
  );
  return JSON.stringify([keys, values, await Promise.all(others)]);
}

interface Outcome {
  readonly sameReply: boolean;
  readonly sameState: boolean;
  /** The first execution left the state as it found it. */
  readonly untouched: boolean;
}

async function executeTwice(example: Example): Promise<Outcome> {
  const subject = connect();
  try {
    for (const row of example.setUp) expect(await reply(subject, await wordsOf(row)), row).not.toMatch(/^error/);
    // Filled once: the second execution must carry the same bytes.
    const words = await wordsOf(example.command);
    const stateBefore = await state();
    const firstReply = await reply(subject, words);
    const firstState = await state();
    const secondReply = await reply(subject, words);
    const secondState = await state();
    return {
      sameReply: firstReply === secondReply,
      sameState: firstState === secondState,
      untouched: stateBefore === firstState,
    };
  } finally {
    subject.disconnect();
  }
}

function connect(): Redis {
  return new Redis({ host: server.host, port: server.port, enableReadyCheck: false });
}

beforeAll(async () => {
  server = await startRedis({ config: ["slowlog-log-slower-than -1"] });
  admin = connect();
  // A key that has expired counts in DEBUG DIGEST until the server comes round to delete it, which may be at any moment.
  await admin.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await admin.call("FUNCTION", "LOAD", LIBRARY);
  functions = await serialized("FUNCTION", "DUMP");
});

afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await admin.flushall();
  await admin.call("FUNCTION", "FLUSH");
  await admin.call("SCRIPT", "FLUSH");
});

describe("a command declared safe", () => {
  it.each(SAFE)("answers and leaves the same twice, and a read changes nothing: %s", async (row) => {
    const example = parse(row);
    const effect = declared(example.command);
    expect(isReplaySafe(effect)).toBe(true);
    const outcome = await executeTwice(example);
    expect(outcome).toMatchObject({ sameReply: true, sameState: true });
    if (effect.kind === "read") expect(outcome.untouched).toBe(true);
  });
});

describe("a command declared unsafe", () => {
  it.each(UNSAFE)("differs the second time, as its flags say: %s", async (row) => {
    const example = parse(row);
    const effect = declared(example.command);
    expect(isReplaySafe(effect)).toBe(false);
    const outcome = await executeTwice(example);
    expect(outcome.sameReply && outcome.sameState).toBe(false);
    if (effect.replySafe) expect(outcome.sameReply).toBe(true);
    if (effect.stateSafe) expect(outcome.sameState).toBe(true);
  });
});

describe("the table", () => {
  it("has an example here for every command of the server, or a reason why not", async () => {
    const tried = [...SAFE, ...UNSAFE].map((row) => parse(row).command.toLowerCase());
    const excused = new Set(Object.values(NOT_TRIED).flat());
    const missing = (await serverCommands()).filter(({ name }) => {
      const words = name.replace("|", " ");
      return !excused.has(name) && !tried.some((command) => `${command} `.startsWith(`${words} `));
    });
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it("calls a write what the server calls a write, and a read what the server calls readonly", async () => {
    for (const { name, flags } of await serverCommands()) {
      const { kind } = declared(name.replace("|", " "));
      if (flags.includes("write")) expect(kind, name).toBe("write");
      else expect(kind, name).not.toBe("write");
      if (flags.includes("readonly")) expect(kind, name).toBe("read");
    }
  });
});

interface ServerCommand {
  readonly name: string;
  readonly flags: readonly string[];
}

/** The commands of the running server; of a container, its subcommands instead, as `config|get`. */
async function serverCommands(): Promise<ServerCommand[]> {
  return list(await admin.call("COMMAND")).flatMap((entry) => {
    const container = toCommand(entry);
    const children = list(list(entry)[9]);
    return children.length === 0 || container.name === "cluster" || container.name === "command"
      ? [container]
      : children.map(toCommand);
  });
}

function toCommand(entry: unknown): ServerCommand {
  const [name, , flags] = list(entry);
  return { name: String(name), flags: list(flags).map(String) };
}

function list(value: unknown): readonly unknown[] {
  return value instanceof Set || Array.isArray(value) ? [...value] : [];
}
