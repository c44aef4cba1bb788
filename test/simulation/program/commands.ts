/** Random commands that carry their number, so that each execution can be told from every other. */
import type { Random } from "../random.js";
import type { CommandData } from "./scenario.js";

/** Added to the number where an amount or a time to live must tell the command. */
export const AMOUNT = 1_000_000;

/** Groups of keys that do not mix types. */
const REGISTERS = ["r0", "r1", "r2"];
const COUNTERS = ["c0", "c1"];
const LISTS = ["l0", "l1"];
const HASHES = ["h0"];
const SETS = ["s0"];

export type Family = "register" | "counter" | "list" | "hash" | "set" | "server";

type Draft = Omit<CommandData, "id">;

const write = (name: string, keys: readonly string[], args: readonly string[], isSafe = false): Draft => ({
  name,
  keys,
  args,
  writes: true,
  isSafe,
  hasIdentity: true,
});

const read = (name: string, keys: readonly string[], args: readonly string[], hasIdentity = true): Draft => ({
  name,
  keys,
  args,
  writes: false,
  isSafe: true,
  hasIdentity,
});

type Maker = (random: Random, value: string, tag: string, amount: string) => Draft;

const MAKERS: Readonly<Record<Family, readonly Maker[]>> = {
  register: [
    (random, value) => on(random, REGISTERS, (key) => write("set", [key], [key, value], true)),
    (random, value) => on(random, REGISTERS, (key) => write("set", [key], [key, value], true)),
    (random, value) => on(random, REGISTERS, (key) => write("set", [key], [key, value], true)),
    (random, _, tag) => on(random, REGISTERS, (key) => read("mget", [key], [key, tag])),
    (random, _, tag) => on(random, REGISTERS, (key) => read("mget", [key], [key, tag])),
    (random) => on(random, REGISTERS, (key) => read("get", [key], [key], false)),
    (random, value) => on(random, REGISTERS, (key) => write("setex", [key], [key, "1000", value], true)),
    (random, value) => on(random, REGISTERS, (key) => write("getset", [key], [key, value])),
    (random, value) => on(random, REGISTERS, (key) => write("set", [key], [key, value, "NX"])),
    (random, _, tag) => on(random, REGISTERS, (key) => write("del", [key], [key, tag])),
    (random, value) => on(random, REGISTERS, (key) => write("mset", [key, "r9"], [key, value, "r9", value], true)),
    (random, _, tag) => on(random, REGISTERS, (key) => read("mget", [key, "r9"], [key, "r9", tag])),
  ],
  counter: [
    (random, _, __, amount) => on(random, COUNTERS, (key) => write("incrby", [key], [key, amount])),
    (random, _, __, amount) => on(random, COUNTERS, (key) => write("incrby", [key], [key, amount])),
    (random, _, __, amount) => on(random, COUNTERS, (key) => write("decrby", [key], [key, amount])),
    (random, _, tag) => on(random, COUNTERS, (key) => read("mget", [key], [key, tag])),
  ],
  list: [
    (random, value) => on(random, LISTS, (key) => write("rpush", [key], [key, value])),
    (random, value) => on(random, LISTS, (key) => write("lpush", [key], [key, value])),
    (random) => on(random, LISTS, (key) => read("lrange", [key], [key, "0", "-1"], false)),
  ],
  hash: [
    (random, value) => on(random, HASHES, (key) => write("hset", [key], [key, `f${String(random.int(0, 2))}`, value])),
    (random, _, __, amount) => on(random, HASHES, (key) => write("hincrby", [key], [key, "n", amount])),
    (random) => on(random, HASHES, (key) => read("hget", [key], [key, "f1"], false)),
  ],
  set: [
    (random, value) => on(random, SETS, (key) => write("sadd", [key], [key, value])),
    (random) => on(random, SETS, (key) => read("scard", [key], [key], false)),
  ],
  server: [
    (_, value) => read("echo", [], [value]),
    (_, value) => read("echo", [], [value]),
    () => read("ping", [], [], false),
  ],
};

export function randomCommand(random: Random, family: Family, id: number): CommandData {
  const make = random.pick(MAKERS[family]);
  return { id, ...make(random, `val:${String(id)}`, `tag:${String(id)}`, String(AMOUNT + id)) };
}

/** Commands that carry their number in an amount, their last argument. */
const COUNTED: ReadonlySet<string> = new Set(["incrby", "decrby", "hincrby", "eval", "evalsha"]);

/** The number of the call that an execution belongs to, as its arguments tell. */
export function identityOf(name: string, args: readonly string[]): number | undefined {
  for (let i = args.length - 1; i >= 0; i--) {
    const found = /(?:val|tag):(\d+)/.exec(args[i] ?? "");
    if (found !== null) return Number(found[1]);
  }
  if (COUNTED.has(name)) {
    const amount = Number(args.at(-1)) - AMOUNT;
    if (amount >= 0) return amount;
  }
  return undefined;
}

function on(random: Random, keys: readonly string[], draft: (key: string) => Draft): Draft {
  return draft(random.pick(keys));
}
