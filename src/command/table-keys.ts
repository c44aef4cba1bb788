/** Rows of the commands on keys, strings, bits and HyperLogLogs. See `table.ts`. */
import { wordOf, maybeSameKey } from "./arguments.js";
import type { Effect } from "./effect-rules.js";
import {
  CONDITION,
  EXPIRE_CONDITIONS,
  LIVES,
  READ,
  WRITE_BOTH,
  WRITE_REPLY,
  WRITE_SAME,
  counted,
  ifWord,
  options,
  storesInto,
  subcommands,
  worst,
} from "./effect-rules.js";
import type { Rows } from "./row.js";

/** BY and GET patterns may read the key that STORE has just written. */
function sortedInto(destination: unknown, args: readonly unknown[]): Effect {
  const reads = args.slice(1).some((argument) => ["by", "get"].includes(wordOf(argument)));
  return reads || maybeSameKey(destination, args[0]) ? WRITE_BOTH : WRITE_SAME;
}

export const KEY_COMMANDS: Rows = {
  // keys
  copy: worst(
    options(2, { db: [1, WRITE_SAME], replace: [0, WRITE_SAME] }),
    ifWord(2, ["replace"], WRITE_SAME, WRITE_REPLY), // without REPLACE: 1, then 0
  ),
  del: WRITE_REPLY, // counts what it deleted
  delex: WRITE_REPLY, // counts what it deleted
  digest: READ,
  dump: READ,
  exists: READ,
  expire: worst(LIVES, options(2, EXPIRE_CONDITIONS)),
  expireat: WRITE_REPLY, // a past time deletes: 1, then 0
  expiretime: READ,
  keys: READ,
  migrate: WRITE_BOTH, // writes to another server
  move: WRITE_REPLY, // 1, then 0
  object: subcommands("read", { encoding: READ, freq: READ, help: READ, idletime: READ, refcount: READ }),
  persist: WRITE_REPLY, // 1, then 0
  pexpire: worst(LIVES, options(2, EXPIRE_CONDITIONS)),
  pexpireat: WRITE_REPLY, // a past time deletes: 1, then 0
  pexpiretime: READ,
  pttl: READ,
  randomkey: READ, // random by nature
  rename: WRITE_REPLY, // OK, then no such key
  renamenx: WRITE_REPLY, // 1, then no such key
  restore: worst(
    options(3, {
      replace: [0, WRITE_SAME],
      absttl: [0, WRITE_SAME],
      idletime: [1, WRITE_SAME],
      freq: [1, WRITE_SAME],
    }),
    ifWord(3, ["replace"], WRITE_SAME, WRITE_REPLY), // without REPLACE: OK, then BUSYKEY
  ),
  "restore-asking": WRITE_BOTH, // valid only right after ASKING
  scan: READ,
  sort: options(1, {
    by: [1, WRITE_SAME],
    limit: [2, WRITE_SAME],
    get: [1, WRITE_SAME],
    asc: [0, WRITE_SAME],
    desc: [0, WRITE_SAME],
    alpha: [0, WRITE_SAME],
    store: [1, sortedInto],
  }),
  sort_ro: READ,
  touch: READ,
  trimslots: WRITE_BOTH, // cluster internal
  ttl: READ,
  type: READ,
  unlink: WRITE_REPLY, // counts what it deleted

  // strings
  append: WRITE_BOTH, // appends twice
  decr: WRITE_BOTH, // counts twice
  decrby: WRITE_BOTH, // counts twice
  get: READ,
  getdel: WRITE_REPLY, // the value, then nil
  getex: options(1, {
    ex: [1, WRITE_SAME],
    px: [1, WRITE_SAME],
    persist: [0, WRITE_SAME],
    exat: [1, WRITE_REPLY], // a past time deletes: value, then nil
    pxat: [1, WRITE_REPLY],
  }),
  getrange: READ,
  getset: WRITE_REPLY, // old value, then new value
  incr: WRITE_BOTH, // counts twice
  incrby: WRITE_BOTH, // counts twice
  incrbyfloat: WRITE_BOTH, // counts twice
  increx: WRITE_BOTH, // counts twice
  lcs: READ,
  mget: READ,
  mset: WRITE_SAME,
  msetex: counted(2, {
    ex: [1, WRITE_SAME],
    px: [1, WRITE_SAME],
    keepttl: [0, WRITE_SAME],
    exat: [1, WRITE_REPLY], // a past time: reply not proven
    pxat: [1, WRITE_REPLY],
    nx: CONDITION,
    xx: CONDITION,
  }),
  msetnx: WRITE_REPLY, // 1, then 0
  psetex: WRITE_SAME,
  set: options(2, {
    ex: [1, WRITE_SAME],
    px: [1, WRITE_SAME],
    exat: [1, WRITE_SAME],
    pxat: [1, WRITE_SAME],
    keepttl: [0, WRITE_SAME],
    nx: CONDITION, // a lock: OK, then nil
    xx: CONDITION,
    get: [0, WRITE_REPLY], // old value, then new value
    ifeq: [1, WRITE_REPLY], // compare and set: OK, then nil
    ifne: [1, WRITE_REPLY],
    ifdeq: [1, WRITE_REPLY],
    ifdne: [1, WRITE_REPLY],
  }),
  setex: WRITE_SAME,
  setnx: WRITE_REPLY, // 1, then 0
  setrange: WRITE_SAME, // replies with the length
  strlen: READ,
  substr: READ,

  // bits
  bitcount: READ,
  bitfield: options(1, {
    get: [2, WRITE_SAME],
    set: [3, WRITE_REPLY], // replies with the old value
    incrby: [3, WRITE_BOTH], // counts twice
    overflow: [1, WRITE_SAME],
  }),
  bitfield_ro: READ,
  bitop: storesInto(1, 2),
  bitpos: READ,
  getbit: READ,
  setbit: WRITE_REPLY, // replies with the old bit

  // HyperLogLogs
  pfadd: WRITE_REPLY, // 1, then 0
  pfcount: READ,
  pfdebug: WRITE_BOTH, // may change the encoding
  pfmerge: WRITE_SAME, // a union is the same twice
  pfselftest: READ,
};
