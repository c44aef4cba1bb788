/** Rows of the commands on hashes, lists, sets, sorted sets, geo indexes, arrays and vector sets. See `table.ts`. */
import { integerOf, maybeSameKey, wordOf } from "./arguments.js";
import type { Effect } from "./effect-rules.js";
import {
  CONDITION,
  EXPIRE_CONDITIONS,
  LIVES,
  READ,
  SESSION_BOTH,
  WRITE_BOTH,
  WRITE_REPLY,
  WRITE_SAME,
  WRITE_STATE,
  fields,
  ifInteger,
  options,
  storesInto,
  subcommands,
  worst,
} from "./effect-rules.js";
import type { Options } from "./effect-rules.js";
import { SECONDS, type Rows } from "./row.js";

/** Trimming twice is trimming once if the kept range begins at the head, ends at the tail, or is empty. */
function trimmed(args: readonly unknown[]): Effect {
  const [start, stop] = [integerOf(args[1]), integerOf(args[2])];
  if (start === undefined || stop === undefined) return WRITE_BOTH;
  const head = start === 0 && stop >= 0;
  const tail = start <= 0 && stop === -1;
  const empty = stop >= 0 && start > stop;
  return head || tail || empty ? WRITE_SAME : WRITE_STATE;
}

/** INCR among the options, which stand before the first score. */
function added(args: readonly unknown[]): Effect {
  for (const argument of args.slice(1)) {
    const word = wordOf(argument);
    if (word === "incr") return WRITE_BOTH;
    if (!["nx", "xx", "gt", "lt", "ch"].includes(word)) break;
  }
  return WRITE_REPLY;
}

function storedElsewhere(destination: unknown, args: readonly unknown[]): Effect {
  return maybeSameKey(destination, args[0]) ? WRITE_BOTH : WRITE_SAME;
}

const radiusOptions: Options = {
  withcoord: [0, WRITE_SAME],
  withdist: [0, WRITE_SAME],
  withhash: [0, WRITE_SAME],
  count: [1, WRITE_SAME],
  any: [0, WRITE_SAME],
  asc: [0, WRITE_SAME],
  desc: [0, WRITE_SAME],
  store: [1, storedElsewhere],
  storedist: [1, storedElsewhere],
};

/** The timeout is the last argument. */
const LAST_SECONDS = { at: -1, unit: SECONDS };
/** The timeout is the first argument. */
const FIRST_SECONDS = { at: 0, unit: SECONDS };

export const COLLECTION_COMMANDS: Rows = {
  // hashes
  hdel: WRITE_REPLY, // counts what it deleted
  hexists: READ,
  hexpire: worst(LIVES, fields(2, 1, EXPIRE_CONDITIONS)),
  hexpireat: WRITE_REPLY, // a past time deletes
  hexpiretime: READ,
  hget: READ,
  hgetall: READ,
  hgetdel: WRITE_REPLY, // the values, then nil
  hgetex: fields(1, 1, {
    ex: [1, WRITE_SAME],
    px: [1, WRITE_SAME],
    persist: [0, WRITE_SAME],
    exat: [1, WRITE_REPLY], // a past time deletes: value, then nil
    pxat: [1, WRITE_REPLY],
  }),
  himport: {
    effect: subcommands("write", {
      prepare: SESSION_BOTH, // lives and dies with its connection
      set: WRITE_BOTH, // needs PREPARE on the same connection
      discard: SESSION_BOTH,
      discardall: SESSION_BOTH,
    }),
    session: "mode",
  },
  hincrby: WRITE_BOTH, // counts twice
  hincrbyfloat: WRITE_BOTH, // counts twice
  hkeys: READ,
  hlen: READ,
  hmget: READ,
  hmset: WRITE_SAME, // HSET that replies OK
  hpersist: WRITE_REPLY, // 1, then -1
  hpexpire: worst(LIVES, fields(2, 1, EXPIRE_CONDITIONS)),
  hpexpireat: WRITE_REPLY, // a past time deletes
  hpexpiretime: READ,
  hpttl: READ,
  hrandfield: READ, // random by nature
  hscan: READ,
  hset: WRITE_REPLY, // counts the new fields
  hsetex: fields(1, 2, {
    ex: [1, WRITE_SAME],
    px: [1, WRITE_SAME],
    keepttl: [0, WRITE_SAME],
    exat: [1, WRITE_REPLY], // a past time: reply not proven
    pxat: [1, WRITE_REPLY],
    fnx: CONDITION,
    fxx: CONDITION,
  }),
  hsetnx: WRITE_REPLY, // 1, then 0
  hstrlen: READ,
  httl: READ,
  hvals: READ,

  // lists
  blmove: { effect: WRITE_BOTH, blocks: LAST_SECONDS }, // moves another element
  blmovem: { effect: WRITE_BOTH, blocks: { at: 4, unit: SECONDS } }, // moves other elements
  blmpop: { effect: WRITE_BOTH, blocks: FIRST_SECONDS }, // pops other elements
  blpop: { effect: WRITE_BOTH, blocks: LAST_SECONDS }, // pops another element
  brpop: { effect: WRITE_BOTH, blocks: LAST_SECONDS }, // pops another element
  brpoplpush: { effect: WRITE_BOTH, blocks: LAST_SECONDS }, // moves another element
  lindex: READ,
  linsert: WRITE_BOTH, // inserts twice
  llen: READ,
  lmove: WRITE_BOTH, // moves another element
  lmovem: WRITE_BOTH, // moves other elements
  lmpop: WRITE_BOTH, // pops other elements
  lpop: WRITE_BOTH, // pops another element
  lpos: READ,
  lpush: WRITE_BOTH, // pushes twice
  lpushx: WRITE_BOTH, // pushes twice
  lrange: READ,
  lrem: ifInteger(1, (count) => count === 0, WRITE_REPLY, WRITE_BOTH), // removes the next occurrences; 0 = all
  lset: WRITE_SAME,
  ltrim: trimmed,
  rpop: WRITE_BOTH, // pops another element
  rpoplpush: WRITE_BOTH, // moves another element
  rpush: WRITE_BOTH, // pushes twice
  rpushx: WRITE_BOTH, // pushes twice

  // sets
  sadd: WRITE_REPLY, // counts the new members
  scard: READ,
  sdiff: READ,
  sdiffcard: READ,
  sdiffstore: storesInto(0, 1),
  sinter: READ,
  sintercard: READ,
  sinterstore: storesInto(0, 1),
  sismember: READ,
  smembers: READ,
  smismember: READ,
  smove: WRITE_REPLY, // 1, then 0
  spop: WRITE_BOTH, // pops another member
  srandmember: READ, // random by nature
  srem: WRITE_REPLY, // counts what it removed
  sscan: READ,
  sunion: READ,
  sunioncard: READ,
  sunionstore: storesInto(0, 1),

  // sorted sets
  bzmpop: { effect: WRITE_BOTH, blocks: FIRST_SECONDS }, // pops other members
  bzpopmax: { effect: WRITE_BOTH, blocks: LAST_SECONDS }, // pops another member
  bzpopmin: { effect: WRITE_BOTH, blocks: LAST_SECONDS }, // pops another member
  zadd: added, // counts the new members
  zcard: READ,
  zcount: READ,
  zdiff: READ,
  zdiffstore: storesInto(0, 2),
  zincrby: WRITE_BOTH, // counts twice
  zinter: READ,
  zintercard: READ,
  zinterstore: storesInto(0, 2),
  zlexcount: READ,
  zmpop: WRITE_BOTH, // pops other members
  zmscore: READ,
  zpopmax: WRITE_BOTH, // pops another member
  zpopmin: WRITE_BOTH, // pops another member
  zrandmember: READ, // random by nature
  zrange: READ,
  zrangebylex: READ,
  zrangebyscore: READ,
  zrangestore: storesInto(0, 1),
  zrank: READ,
  zrem: WRITE_REPLY, // counts what it removed
  zremrangebylex: WRITE_REPLY, // counts what it removed
  zremrangebyrank: WRITE_BOTH, // the ranks have moved up
  zremrangebyscore: WRITE_REPLY, // counts what it removed
  zrevrange: READ,
  zrevrangebylex: READ,
  zrevrangebyscore: READ,
  zrevrank: READ,
  zscan: READ,
  zscore: READ,
  zunion: READ,
  zunionstore: storesInto(0, 2),

  // geo indexes
  geoadd: WRITE_REPLY, // counts the new members
  geodist: READ,
  geohash: READ,
  geopos: READ,
  georadius: options(5, radiusOptions),
  georadius_ro: READ,
  georadiusbymember: options(4, radiusOptions),
  georadiusbymember_ro: READ,
  geosearch: READ,
  geosearchstore: storesInto(0, 1),

  // arrays
  arcount: READ,
  ardel: WRITE_REPLY, // counts what it deleted
  ardelrange: WRITE_REPLY, // counts what it deleted
  arget: READ,
  argetrange: READ,
  argrep: READ,
  arinfo: READ,
  arinsert: WRITE_BOTH, // inserts at the next index
  arlastitems: READ,
  arlen: READ,
  armget: READ,
  armset: WRITE_REPLY, // counts the new slots
  arnext: READ,
  arop: READ,
  arring: WRITE_BOTH, // writes at the next index
  arscan: READ,
  arseek: WRITE_REPLY, // reply not proven
  arset: WRITE_REPLY, // counts the new slots

  // vector sets
  vadd: WRITE_BOTH, // inserts into the graph again
  vcard: READ,
  vdim: READ,
  vemb: READ,
  vgetattr: READ,
  vinfo: READ,
  vismember: READ,
  vlinks: READ,
  vrandmember: READ, // random by nature
  vrange: READ,
  vrem: WRITE_REPLY, // 1, then 0
  vsetattr: WRITE_REPLY, // reply not proven
  vsim: READ,
};
