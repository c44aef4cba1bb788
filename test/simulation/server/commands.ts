/**
 * What each data command does, as a table: pure functions of the keyspace. Connections, transactions, blocking and
 * publishing are the session's business.
 */
import type { Keyspace } from "./keyspace.js";
import { Fault, OK, Pairs, type Reply } from "./resp.js";

/** Where a command acts. */
export interface Scope {
  readonly keyspace: Keyspace;
  readonly database: number;
  readonly now: number;
}

export interface CommandSpec {
  /** The server refuses it on a replica. */
  readonly writes: boolean;
  /** Which arguments are keys. */
  readonly keys: (args: readonly string[]) => readonly string[];
  readonly run: (scope: Scope, args: readonly string[]) => Reply;
}

const first = (args: readonly string[]): readonly string[] => args.slice(0, 1);
const all = (args: readonly string[]): readonly string[] => args;
const alternate = (args: readonly string[]): readonly string[] => args.filter((_, i) => i % 2 === 0);
const two = (args: readonly string[]): readonly string[] => args.slice(0, 2);

const NOT_A_NUMBER = new Fault("ERR value is not an integer or out of range");
const SYNTAX = new Fault("ERR syntax error");

function read(keys: CommandSpec["keys"], run: CommandSpec["run"]): CommandSpec {
  return { writes: false, keys, run };
}

function write(keys: CommandSpec["keys"], run: CommandSpec["run"]): CommandSpec {
  return { writes: true, keys, run };
}

const at = (args: readonly string[], index: number): string => args[index] ?? "";

function text({ keyspace, database }: Scope, key: string): string | undefined {
  return keyspace.typed(database, key, "string")?.text;
}

function store({ keyspace, database }: Scope, key: string, value: string, expiresAt?: number): void {
  keyspace.put(database, key, { type: "string", text: value }, expiresAt);
}

function add(scope: Scope, key: string, by: string): Reply {
  const before = Number(text(scope, key) ?? "0");
  const after = before + Number(by);
  if (!Number.isSafeInteger(after)) return NOT_A_NUMBER;
  store(scope, key, String(after));
  return after;
}

function set(scope: Scope, args: readonly string[]): Reply {
  const [key = "", value = "", ...options] = args;
  let expiresAt: number | undefined = Infinity;
  let wantsOld = false;
  let condition = "";
  for (let i = 0; i < options.length; i++) {
    const word = at(options, i).toUpperCase();
    if (word === "NX" || word === "XX") condition = word;
    else if (word === "GET") wantsOld = true;
    else if (word === "KEEPTTL") expiresAt = undefined;
    else if (word === "EX") expiresAt = scope.now + Number(at(options, ++i)) * 1000;
    else if (word === "PX") expiresAt = scope.now + Number(at(options, ++i));
    else return SYNTAX;
  }
  const old = wantsOld ? text(scope, key) : undefined;
  const exists = scope.keyspace.get(scope.database, key) !== undefined;
  const allowed = condition === "" || (condition === "XX") === exists;
  if (allowed) store(scope, key, value, expiresAt);
  if (wantsOld) return old ?? null;
  return allowed ? OK : null;
}

function list({ keyspace, database }: Scope, key: string): string[] {
  return keyspace.typed(database, key, "list")?.items ?? [];
}

function putList({ keyspace, database }: Scope, key: string, items: string[]): void {
  keyspace.put(database, key, { type: "list", items });
}

function push(side: "left" | "right"): CommandSpec["run"] {
  return (scope, [key = "", ...values]) => {
    const items = list(scope, key);
    for (const value of values) {
      if (side === "left") items.unshift(value);
      else items.push(value);
    }
    putList(scope, key, items);
    return items.length;
  };
}

export function popOne(scope: Scope, key: string, side: "left" | "right"): string | null {
  const items = list(scope, key);
  const value = side === "left" ? items.shift() : items.pop();
  if (value === undefined) return null;
  putList(scope, key, items);
  return value;
}

export function pushOne(scope: Scope, key: string, side: "left" | "right", value: string): void {
  push(side)(scope, [key, value]);
}

function fields({ keyspace, database }: Scope, key: string): Map<string, string> {
  return keyspace.typed(database, key, "hash")?.fields ?? new Map<string, string>();
}

function members({ keyspace, database }: Scope, key: string): Set<string> {
  return keyspace.typed(database, key, "set")?.members ?? new Set<string>();
}

function remove({ keyspace, database }: Scope, keys: readonly string[]): number {
  return keys.filter((key) => keyspace.delete(database, key)).length;
}

function expire(scope: Scope, key: string, ms: number): number {
  const { keyspace, database, now } = scope;
  const value = keyspace.get(database, key);
  if (value === undefined) return 0;
  keyspace.put(database, key, value, now + ms);
  return 1;
}

function range<T>(items: readonly T[], from: number, to: number): readonly T[] {
  const begin = from < 0 ? Math.max(0, items.length + from) : from;
  const end = to < 0 ? items.length + to : to;
  return items.slice(begin, end + 1);
}

const NOW_NOTHING = read(
  () => [],
  () => OK,
);

export const COMMANDS: ReadonlyMap<string, CommandSpec> = new Map(
  Object.entries<CommandSpec>({
    get: read(first, (scope, [key = ""]) => text(scope, key) ?? null),
    mget: read(all, (scope, keys) =>
      keys.map((key) => {
        const value = scope.keyspace.get(scope.database, key);
        return value?.type === "string" ? value.text : null;
      }),
    ),
    strlen: read(first, (scope, [key = ""]) => (text(scope, key) ?? "").length),
    getrange: read(first, (scope, [key = "", from = "0", to = "-1"]) =>
      range(Array.from(text(scope, key) ?? ""), Number(from), Number(to)).join(""),
    ),
    exists: read(all, ({ keyspace, database }, keys) => keys.filter((key) => keyspace.get(database, key)).length),
    touch: read(all, ({ keyspace, database }, keys) => keys.filter((key) => keyspace.get(database, key)).length),
    type: read(first, ({ keyspace, database }, [key = ""]) => keyspace.get(database, key)?.type ?? "none"),
    ttl: read(first, ({ keyspace, database, now }, [key = ""]) => {
      const expiresAt = keyspace.expiry(database, key);
      if (expiresAt === undefined) return -2;
      return expiresAt === Infinity ? -1 : Math.ceil((expiresAt - now) / 1000);
    }),
    dbsize: read(
      () => [],
      ({ keyspace, database }) => keyspace.keys(database).length,
    ),
    set: write(first, set),
    setnx: write(first, (scope, [key = "", value = ""]) => (set(scope, [key, value, "NX"]) === null ? 0 : 1)),
    setex: write(first, (scope, [key = "", seconds = "1", value = ""]) => set(scope, [key, value, "EX", seconds])),
    psetex: write(first, (scope, [key = "", ms = "1", value = ""]) => set(scope, [key, value, "PX", ms])),
    getset: write(first, (scope, [key = "", value = ""]) => set(scope, [key, value, "GET"])),
    getdel: write(first, (scope, [key = ""]) => {
      const value = text(scope, key) ?? null;
      remove(scope, [key]);
      return value;
    }),
    mset: write(alternate, (scope, args) => {
      for (let i = 0; i < args.length; i += 2) store(scope, at(args, i), at(args, i + 1), Infinity);
      return OK;
    }),
    append: write(first, (scope, [key = "", value = ""]) => {
      const after = (text(scope, key) ?? "") + value;
      store(scope, key, after);
      return after.length;
    }),
    setrange: write(first, (scope, [key = "", offset = "0", value = ""]) => {
      const before = text(scope, key) ?? "";
      if (value === "") return before.length;
      const after = before.padEnd(Number(offset), "\0").slice(0, Number(offset)) + value;
      store(scope, key, after + before.slice(after.length));
      return Math.max(before.length, after.length);
    }),
    incr: write(first, (scope, [key = ""]) => add(scope, key, "1")),
    decr: write(first, (scope, [key = ""]) => add(scope, key, "-1")),
    incrby: write(first, (scope, [key = "", by = ""]) => add(scope, key, by)),
    decrby: write(first, (scope, [key = "", by = ""]) => add(scope, key, `-${by}`)),
    del: write(all, remove),
    unlink: write(all, remove),
    expire: write(first, (scope, [key = "", seconds = "0"]) => expire(scope, key, Number(seconds) * 1000)),
    pexpire: write(first, (scope, [key = "", ms = "0"]) => expire(scope, key, Number(ms))),
    persist: write(first, (scope, [key = ""]) => expire(scope, key, Infinity)),
    lpush: write(first, push("left")),
    rpush: write(first, push("right")),
    lpop: write(first, (scope, [key = ""]) => popOne(scope, key, "left")),
    rpop: write(first, (scope, [key = ""]) => popOne(scope, key, "right")),
    llen: read(first, (scope, [key = ""]) => list(scope, key).length),
    lrange: read(first, (scope, [key = "", from = "0", to = "-1"]) => [
      ...range(list(scope, key), Number(from), Number(to)),
    ]),
    rpoplpush: write(two, (scope, [from = "", to = ""]) => {
      const value = popOne(scope, from, "right");
      if (value !== null) pushOne(scope, to, "left", value);
      return value;
    }),
    hset: write(first, (scope, [key = "", ...pairs]) => {
      const hash = fields(scope, key);
      const before = hash.size;
      for (let i = 0; i < pairs.length; i += 2) hash.set(at(pairs, i), at(pairs, i + 1));
      scope.keyspace.put(scope.database, key, { type: "hash", fields: hash });
      return hash.size - before;
    }),
    hget: read(first, (scope, [key = "", field = ""]) => fields(scope, key).get(field) ?? null),
    hdel: write(first, (scope, [key = "", ...names]) => {
      const hash = fields(scope, key);
      const gone = names.filter((name) => hash.delete(name)).length;
      if (gone > 0) scope.keyspace.put(scope.database, key, { type: "hash", fields: hash });
      return gone;
    }),
    hlen: read(first, (scope, [key = ""]) => fields(scope, key).size),
    hgetall: read(first, (scope, [key = ""]) => new Pairs([...fields(scope, key)].flat())),
    hincrby: write(first, (scope, [key = "", field = "", by = ""]) => {
      const hash = fields(scope, key);
      const after = Number(hash.get(field) ?? "0") + Number(by);
      hash.set(field, String(after));
      scope.keyspace.put(scope.database, key, { type: "hash", fields: hash });
      return after;
    }),
    sadd: write(first, (scope, [key = "", ...values]) => {
      const set = members(scope, key);
      const before = set.size;
      for (const value of values) set.add(value);
      scope.keyspace.put(scope.database, key, { type: "set", members: set });
      return set.size - before;
    }),
    srem: write(first, (scope, [key = "", ...values]) => {
      const set = members(scope, key);
      const gone = values.filter((value) => set.delete(value)).length;
      if (gone > 0) scope.keyspace.put(scope.database, key, { type: "set", members: set });
      return gone;
    }),
    scard: read(first, (scope, [key = ""]) => members(scope, key).size),
    smembers: read(first, (scope, [key = ""]) => [...members(scope, key)]),
    flushall: write(
      () => [],
      ({ keyspace }) => {
        keyspace.flush();
        return OK;
      },
    ),
    flushdb: write(
      () => [],
      ({ keyspace, database }) => {
        keyspace.flush(database);
        return OK;
      },
    ),
    echo: read(
      () => [],
      (_, [message = ""]) => message,
    ),
    time: read(
      () => [],
      ({ now }) => [String(Math.floor(now / 1000)), String(Math.floor((now % 1000) * 1000))],
    ),
    wait: read(
      () => [],
      () => 1,
    ),
    readonly: NOW_NOTHING,
  }),
);
