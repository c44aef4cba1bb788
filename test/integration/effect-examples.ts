/**
 * The examples of `effect-truth.test.ts`, one a row: `set-up; set-up => the command tried`. `{…}` stands for what a row
 * cannot spell (a script, a serialized value). Data only.
 */

function rows(text: string): readonly string[] {
  return text
    .split("\n")
    .map((row) => row.trim())
    .filter((row) => row !== "");
}

export const SAFE_WRITES: readonly string[] = rows(`
  => SET k v
  SET k old => SET k v
  => SET k NX
  => SET k v EX 60
  => SET k v px 60000
  => SET k v EXAT 4102444800
  => SET k v EXAT 1
  => SET k v PXAT 4102444800000
  SET k old EX 60 => SET k v KEEPTTL
  => SETEX k 60 v
  => PSETEX k 60000 v
  SET k hello => SETRANGE k 2 xx
  => SETRANGE k 5 NX
  SET a 0 => MSET a 1 b 2
  => HMSET h a 1 b 2
  RPUSH l a b c => LSET l 1 x
  => LSET l 0 x
  RPUSH l a b c d => LTRIM l 0 1
  RPUSH l a b c d => LTRIM l -2 -1
  RPUSH l a b c d => LTRIM l 0 -1
  RPUSH l a b c d => LTRIM l 1 0
  SET k v => EXPIRE k 60
  SET k v => PEXPIRE k 60000
  => EXPIRE k 60
  SET k v => GETEX k
  SET k v => GETEX k EX 60
  SET k v => GETEX k PX 60000
  SET k v EX 60 => GETEX k PERSIST
  SET a v => COPY a b REPLACE
  SET a v => COPY a b DB 1 REPLACE
  SET a v => RESTORE b 0 {dump:a} REPLACE
  SET a v => RESTORE b 0 {dump:a} REPLACE IDLETIME 5
  RPUSH l 3 1 2 => SORT l
  RPUSH l 3 1 2 => SORT l LIMIT 0 2 DESC STORE out
  RPUSH l 2 1; SET w1 9; SET w2 1 => SORT l BY w* GET # GET w*
  SET a abc; SET b abd => BITOP AND out a b
  SET a abc => BITOP NOT out a
  SET k a => BITFIELD k GET u8 0 OVERFLOW FAIL GET u4 4
  PFADD a 1 2; PFADD b 3 => PFMERGE a b
  PFADD a 1 2; PFADD b 3 => PFMERGE out a b
  SADD a 1 2 3; SADD b 2 => SDIFFSTORE out a b
  SADD a 1 2 3; SADD b 2 => SINTERSTORE out a b
  SADD a 1 2 3; SADD b 4 => SUNIONSTORE out a b
  => SUNIONSTORE out a b
  ZADD a 1 x 2 y; ZADD b 3 x => ZDIFFSTORE out 2 a b
  ZADD a 1 x 2 y; ZADD b 3 x => ZINTERSTORE out 2 a b
  ZADD a 1 x 2 y; ZADD b 3 x => ZUNIONSTORE out 2 a b WEIGHTS 2 3 AGGREGATE MAX
  ZADD a 1 x 2 y 3 z => ZRANGESTORE out a 0 1
  GEOADD g 13.3 38.1 p 15 37.5 c => GEOSEARCHSTORE out g FROMLONLAT 15 37 BYRADIUS 200 km
  GEOADD g 13.3 38.1 p 15 37.5 c => GEORADIUS g 15 37 200 km WITHDIST COUNT 1 ANY ASC
  GEOADD g 13.3 38.1 p 15 37.5 c => GEORADIUS g 15 37 200 km STORE out
  GEOADD g 13.3 38.1 p 15 37.5 c => GEORADIUSBYMEMBER g p 300 km STOREDIST out
  XADD s 5-1 f v => XSETID s 9-0 ENTRIESADDED 3 MAXDELETEDID 4-0
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XGROUP SETID s g 5-1
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XGROUP SETID s g 0 ENTRIESREAD 1
  => FUNCTION LOAD REPLACE {lib}
  => FUNCTION RESTORE {functions} REPLACE
`);

export const SAFE_READS: readonly string[] = rows(`
  SET k abc => BITCOUNT k
  SET k abc => BITFIELD_RO k GET u8 0
  SET k abc => BITPOS k 1
  SET k v => DBSIZE
  SET k v => DUMP k
  => EVAL_RO {script} 0
  SCRIPT LOAD {script} => EVALSHA_RO {sha} 0
  FUNCTION LOAD {lib} => FCALL_RO f 0
  SET k v => EXISTS k k2
  SET k v EXAT 4102444800 => EXPIRETIME k
  SET k v EXAT 4102444800 => PEXPIRETIME k
  GEOADD g 13.3 38.1 p 15 37.5 c => GEODIST g p c
  GEOADD g 13.3 38.1 p => GEOHASH g p
  GEOADD g 13.3 38.1 p => GEOPOS g p
  GEOADD g 13.3 38.1 p => GEORADIUS_RO g 15 37 200 km
  GEOADD g 13.3 38.1 p => GEORADIUSBYMEMBER_RO g p 200 km
  GEOADD g 13.3 38.1 p => GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km
  SET k v => GET k
  SET k abc => GETBIT k 1
  SET k abc => GETRANGE k 0 1
  SET k abc => SUBSTR k 0 1
  SET k abc => STRLEN k
  SET a abc; SET b abd => LCS a b
  SET a abc => MGET a b
  HSET h a 1 b 2 => HEXISTS h a
  HSET h a 1 b 2 => HGET h a
  HSET h a 1 b 2 => HGETALL h
  HSET h a 1 b 2 => HKEYS h
  HSET h a 1 b 2 => HLEN h
  HSET h a 1 b 2 => HMGET h a c
  HSET h a 1 b 2 => HSCAN h 0
  HSET h a 1 b 2 => HSTRLEN h a
  HSET h a 1 b 2 => HVALS h
  HSET h a 1 => HRANDFIELD h
  SET k v => KEYS *
  SET k v => SCAN 0
  SET k v => RANDOMKEY
  SET k v => TYPE k
  SET k v => TOUCH k
  SET k v => TTL k
  SET k v => PTTL k
  SET k v => OBJECT ENCODING k
  SET k v => OBJECT REFCOUNT k
  SET k v => OBJECT FREQ k
  => OBJECT HELP
  SET k v => MEMORY USAGE k
  => MEMORY DOCTOR
  => LOLWUT VERSION 9
  RPUSH l a b => LINDEX l 0
  RPUSH l a b => LLEN l
  RPUSH l a b => LPOS l b
  RPUSH l a b => LRANGE l 0 -1
  RPUSH l 2 1 => SORT_RO l
  PFADD p 1 2 3; PFCOUNT p => PFCOUNT p
  SADD s 1 2 => SCARD s
  SADD s 1 2 => SDIFF s s2
  SADD s 1 2 => SINTER s s
  SADD s 1 2 => SINTERCARD 1 s
  SADD s 1 2 => SISMEMBER s 1
  SADD s 1 2 => SMEMBERS s
  SADD s 1 2 => SMISMEMBER s 1 3
  SADD s 1 => SRANDMEMBER s
  SADD s 1 2 => SSCAN s 0
  SADD s 1 2 => SUNION s s2
  XADD s 5-1 f v => XLEN s
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XPENDING s g
  XADD s 5-1 f v => XRANGE s - +
  XADD s 5-1 f v => XREVRANGE s + -
  XADD s 5-1 f v => XREAD COUNT 1 BLOCK 1 STREAMS s 0
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XINFO STREAM s
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XINFO GROUPS s
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XINFO CONSUMERS s g
  => XINFO HELP
  => XGROUP HELP
  ZADD z 1 a 2 b => ZCARD z
  ZADD z 1 a 2 b => ZCOUNT z 1 2
  ZADD z 1 a 2 b => ZDIFF 2 z z2
  ZADD z 1 a 2 b => ZINTER 1 z
  ZADD z 1 a 2 b => ZINTERCARD 1 z
  ZADD z 1 a 1 b => ZLEXCOUNT z - +
  ZADD z 1 a 2 b => ZMSCORE z a c
  ZADD z 1 a => ZRANDMEMBER z
  ZADD z 1 a 2 b => ZRANGE z 0 -1
  ZADD z 1 a 1 b => ZRANGEBYLEX z - +
  ZADD z 1 a 2 b => ZRANGEBYSCORE z 1 2
  ZADD z 1 a 2 b => ZRANK z a
  ZADD z 1 a 2 b => ZREVRANGE z 0 -1
  ZADD z 1 a 1 b => ZREVRANGEBYLEX z + -
  ZADD z 1 a 2 b => ZREVRANGEBYSCORE z 2 1
  ZADD z 1 a 2 b => ZREVRANK z a
  ZADD z 1 a 2 b => ZSCAN z 0
  ZADD z 1 a 2 b => ZSCORE z a
  ZADD z 1 a 2 b => ZUNION 1 z
`);

export const SAFE_OTHERS: readonly string[] = rows(`
  => PING
  => ECHO hi
  => SELECT 1
  => AUTH default nothing
  => READONLY
  => READWRITE
  => CLIENT SETNAME me
  => CLIENT NO-EVICT on
  => CLIENT HELP
  => SUBSCRIBE a b
  => PSUBSCRIBE a*
  => SSUBSCRIBE a
  => UNSUBSCRIBE a
  => PUNSUBSCRIBE a*
  => SUNSUBSCRIBE a
  => PUBSUB CHANNELS
  => PUBSUB NUMPAT
  => PUBSUB NUMSUB a
  => PUBSUB SHARDCHANNELS
  => PUBSUB SHARDNUMSUB a
  => PUBSUB HELP
  => SCRIPT LOAD {script}
  SCRIPT LOAD {script} => SCRIPT EXISTS {sha}
  => SCRIPT HELP
  FUNCTION LOAD {lib} => FUNCTION LIST
  FUNCTION LOAD {lib} => FUNCTION DUMP
  FUNCTION LOAD {lib} => FUNCTION STATS
  => FUNCTION HELP
  => CONFIG GET maxmemory*
  => CONFIG SET slowlog-max-len 99
  => CONFIG HELP
  => ACL CAT
  => ACL DRYRUN default GET k
  => ACL GETUSER default
  => ACL HELP
  => ACL LIST
  => ACL LOG
  => ACL USERS
  => ACL WHOAMI
  => COMMAND COUNT
  => COMMAND
  => COMMAND DOCS GET
  => COMMAND GETKEYS GET k
  => COMMAND GETKEYSANDFLAGS GET k
  => COMMAND HELP
  => COMMAND INFO GET
  => COMMAND LIST
  => LATENCY DOCTOR
  => LATENCY HELP
  => LATENCY HISTORY command
  => LATENCY LATEST
  => MEMORY HELP
  => MEMORY PURGE
  => MODULE HELP
  => MODULE LIST
  => PFSELFTEST
  => ROLE
  => SAVE
  => SLOWLOG GET
  => SLOWLOG HELP
  => SLOWLOG LEN
`);

export const UNSAFE: readonly string[] = rows(`
  => APPEND k v
  => INCR k
  => INCRBY k 2
  => INCRBYFLOAT k 1.5
  => DECR k
  => DECRBY k 2
  SET k old => SET k v GET
  => SET k v NX
  => SET k v NX EX 60
  => SETNX k v
  => MSETNX a 1 b 2
  SET k old => GETSET k v
  SET k v => GETDEL k
  SET k v => GETEX k EXAT 1
  => SETBIT k 1 1
  => BITFIELD k SET u8 0 7
  => BITFIELD k OVERFLOW WRAP INCRBY u8 0 1
  SET a abc => BITOP NOT a a
  SET k v => DEL k
  SET k v => UNLINK k
  SET a v => RENAME a b
  SET a v => RENAMENX a b
  SET a v => COPY a b
  SET a v => MOVE a 1
  SET a v => RESTORE b 0 {dump:a}
  SET k v => EXPIRE k 0
  SET k v => EXPIRE k -1
  SET k v => EXPIRE k 60 NX
  SET k v EX 900 => EXPIRE k 60 LT
  SET k v => PEXPIRE k -1
  SET k v => EXPIREAT k 1
  SET k v => PEXPIREAT k 1
  SET k v EX 60 => PERSIST k
  RPUSH l 2 3 1 => SORT l LIMIT 1 9 STORE l
  => PFADD p 1
  => HSET h a 1
  => HSETNX h a 1
  HSET h a 1 => HDEL h a
  => HINCRBY h a 1
  => HINCRBYFLOAT h a 1.5
  => LPUSH l a
  => RPUSH l a
  RPUSH l a => LPUSHX l b
  RPUSH l a => RPUSHX l b
  RPUSH l a => LINSERT l BEFORE a b
  RPUSH l a a a => LREM l 1 a
  RPUSH l a a a => LREM l 0 a
  RPUSH l a b c d => LTRIM l 1 -1
  RPUSH l a b c d => LTRIM l 0 -2
  RPUSH l a b c d => LPOP l
  RPUSH l a b c d => RPOP l
  RPUSH l a b c d => LMPOP 1 l LEFT
  RPUSH l a b c d => LMOVE l l LEFT RIGHT
  RPUSH l a b c d => RPOPLPUSH l l
  RPUSH l a b c d => BLPOP l 1
  RPUSH l a b c d => BRPOP l 1
  RPUSH l a b c d => BLMPOP 1 1 l LEFT
  RPUSH l a b c d => BLMOVE l m LEFT RIGHT 1
  RPUSH l a b c d => BRPOPLPUSH l m 1
  => SADD s 1
  SADD s 1 => SREM s 1
  SADD s 1 => SMOVE s t 1
  SADD s 1 2 3 => SPOP s
  SADD a 1 2; SADD b 2 3 => SDIFFSTORE b a b
  => ZADD z 1 a
  => ZADD z INCR 1 a
  ZADD z 1 a => ZINCRBY z 1 a
  ZADD z 1 a => ZREM z a
  ZADD z 1 a 2 b => ZPOPMIN z
  ZADD z 1 a 2 b => ZPOPMAX z
  ZADD z 1 a 2 b => ZMPOP 1 z MIN
  ZADD z 1 a 2 b => BZPOPMIN z 1
  ZADD z 1 a 2 b => BZPOPMAX z 1
  ZADD z 1 a 2 b => BZMPOP 1 1 z MIN
  ZADD z 1 a 2 b => ZREMRANGEBYRANK z 0 0
  ZADD z 1 a 2 b => ZREMRANGEBYSCORE z 0 1
  ZADD z 1 a 1 b => ZREMRANGEBYLEX z - [a
  ZADD a 1 x; ZADD b 1 x => ZUNIONSTORE a 2 a b
  ZADD a 1 x; ZADD b 1 x => ZINTERSTORE a 2 a b
  ZADD a 1 x 2 y; ZADD b 1 x => ZDIFFSTORE b 2 a b
  ZADD a 1 x 2 y 3 z => ZRANGESTORE a a 1 2
  => GEOADD g 13.3 38.1 p
  GEOADD g 13.3 38.1 p => GEOSEARCHSTORE g g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
  GEOADD g 13.3 38.1 p 15 37.5 c => GEORADIUS g 15 37 200 km STOREDIST g
  GEOADD g 13.3 38.1 p 15 37.5 c => GEORADIUSBYMEMBER g p 300 km STOREDIST g
  => XADD s * f v
  => XADD s MAXLEN ~ 100 * f v
  XADD s 4-1 f v => XADD s NOMKSTREAM MAXLEN = 100 5-1 f v
  => XADD s 5-* f v
  => XADD s 5-1 f v
  XADD s 5-1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s > => XACK s g 5-1
  XADD s 5-1 f v => XDEL s 5-1
  XADD s 5-1 f v; XADD s 5-2 f v => XTRIM s MAXLEN 1
  XADD s 5-1 f v; XADD s 5-2 f v => XTRIM s MAXLEN = 1
  XADD s 5-1 f v => XGROUP CREATE s g 0
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XGROUP CREATECONSUMER s g c
  XADD s 5-1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s > => XGROUP DELCONSUMER s g c
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XGROUP DESTROY s g
  XADD s 5-1 f v; XGROUP CREATE s g 0 => XREADGROUP GROUP g c COUNT 1 BLOCK 1 STREAMS s >
  XADD s 5-1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s > => XREADGROUP GROUP g c STREAMS s 0
  XADD s 5-1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s > => XCLAIM s g d 0 5-1
  XADD s 5-1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s > => XAUTOCLAIM s g d 0 0
  SET k v => SWAPDB 0 1
  => EVAL {incr} 1 k
  SCRIPT LOAD {incr} => EVALSHA {incr-sha} 1 k
  FUNCTION LOAD {lib} => FCALL w 1 k
  => FUNCTION LOAD {lib}
  FUNCTION LOAD {lib} => FUNCTION DELETE demo
  => FUNCTION RESTORE {functions}
  => FUNCTION RESTORE {functions} APPEND
  => MULTI
  => ACL SETUSER bob (+get)
  ACL SETUSER bob => ACL DELUSER bob
`);

/** Commands of this server that are not tried here, by the reason. */
export const NOT_TRIED: Readonly<Record<string, readonly string[]>> = {
  "speaks of the moment": [
    ...["acl|genpass", "client|list", "info", "lastsave", "latency|graph", "latency|histogram"],
    ...["memory|malloc-stats", "memory|stats", "object|idletime", "time"],
  ],
  "belongs to one connection, which a second execution may not have": [
    ...["asking", "client|caching", "client|getname", "client|getredir", "client|id", "client|info", "client|reply"],
    ...[
      "client|tracking",
      "client|trackinginfo",
      "discard",
      "exec",
      "hello",
      "monitor",
      "quit",
      "reset",
      "script|debug",
    ],
    ...["unwatch", "wait", "watch"],
  ],
  "ends or changes the server, or needs another one": [
    ...["acl|load", "acl|save", "bgrewriteaof", "bgsave", "cluster", "config|rewrite", "debug", "failover", "migrate"],
    ...["module|load", "module|loadex", "module|unload", "pfdebug", "psync", "replconf", "replicaof", "restore-asking"],
    ...["shutdown", "slaveof", "sync"],
  ],
  "harms others, which one client alone cannot show": [
    ...["client|kill", "client|pause", "client|unblock", "client|unpause", "config|resetstat", "flushall", "flushdb"],
    ...["function|flush", "function|kill", "latency|reset", "publish", "script|flush", "script|kill", "slowlog|reset"],
    "spublish",
  ],
};
