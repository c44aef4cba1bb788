/** Effects of the commands on connections, messages, transactions, scripts, the server and the cluster. See `effect-table.ts`. */
import { wordOf } from "./arguments.js";
import type { Effect } from "./effect-rules.js";
import {
  ADMIN_BOTH,
  ADMIN_REPLY,
  ADMIN_SAME,
  MESSAGE,
  READ,
  SESSION_BOTH,
  SESSION_REPLY,
  SESSION_SAME,
  UNKNOWN,
  WRITE_BOTH,
  WRITE_REPLY,
  WRITE_SAME,
  WRITE_STATE,
  ifWord,
  subcommands,
} from "./effect-rules.js";
import type { Rule } from "./effect-rules.js";

/** Without REPLACE the second load fails: the library is already there. The code itself is never read as an option. */
function functionLoaded(args: readonly unknown[]): Effect {
  return wordOf(args[0]) === "replace" ? WRITE_SAME : WRITE_REPLY;
}

function functionsRestored(args: readonly unknown[]): Effect {
  const policy = wordOf(args[1]);
  if (policy === "replace") return WRITE_SAME;
  return policy === "" || policy === "append" ? WRITE_REPLY : WRITE_BOTH; // FLUSH would remove what others loaded
}

export const SERVER_EFFECTS: Readonly<Record<string, Rule>> = {
  // connection
  asking: SESSION_BOTH, // concerns the next command only
  auth: SESSION_SAME,
  client: subcommands("connection", {
    caching: SESSION_BOTH, // concerns the next command only
    getname: SESSION_REPLY, // speaks of this connection
    getredir: SESSION_REPLY, // speaks of this connection
    help: READ,
    id: SESSION_REPLY, // speaks of this connection
    info: SESSION_REPLY, // speaks of this connection
    kill: ADMIN_BOTH, // may hit whoever has come since
    list: READ,
    "no-evict": SESSION_SAME,
    "no-touch": SESSION_SAME,
    pause: ADMIN_BOTH, // pauses everyone again
    reply: SESSION_BOTH, // shifts which reply belongs to which command
    setinfo: SESSION_SAME,
    setname: SESSION_SAME,
    tracking: SESSION_BOTH, // invalidations in between are lost
    trackinginfo: SESSION_REPLY, // speaks of this connection
    unblock: ADMIN_BOTH, // may hit the next blocking command
    unpause: ADMIN_BOTH, // may end someone else's pause
  }),
  echo: SESSION_SAME,
  hello: SESSION_REPLY, // holds this connection's id
  ping: SESSION_SAME,
  quit: SESSION_BOTH, // closes the connection
  readonly: SESSION_SAME,
  readwrite: SESSION_SAME,
  reset: SESSION_BOTH, // logs the connection out
  select: SESSION_SAME,

  // messages
  psubscribe: SESSION_SAME, // replies with the number of subscriptions
  publish: MESSAGE, // delivered twice
  pubsub: subcommands("read", {
    channels: READ,
    help: READ,
    numpat: READ,
    numsub: READ,
    shardchannels: READ,
    shardnumsub: READ,
  }),
  punsubscribe: SESSION_SAME,
  spublish: MESSAGE, // delivered twice
  ssubscribe: SESSION_SAME,
  subscribe: SESSION_SAME,
  sunsubscribe: SESSION_SAME,
  unsubscribe: SESSION_SAME,

  // transactions
  discard: SESSION_BOTH, // bound to its connection's MULTI
  exec: SESSION_BOTH, // bound to its connection's MULTI
  multi: SESSION_BOTH, // opens a transaction on one connection
  unwatch: SESSION_BOTH, // bound to its connection's WATCH
  watch: SESSION_BOTH, // watches from another moment on

  // scripts and functions
  eval: UNKNOWN, // a script may do anything
  eval_ro: READ,
  evalsha: UNKNOWN, // a script may do anything
  evalsha_ro: READ,
  fcall: UNKNOWN, // a function may do anything
  fcall_ro: READ,
  function: subcommands("write", {
    delete: WRITE_REPLY, // OK, then not found
    dump: READ,
    flush: WRITE_STATE, // would remove what others loaded
    help: READ,
    kill: ADMIN_BOTH, // may hit the next function
    list: READ,
    load: functionLoaded,
    restore: functionsRestored,
    stats: READ,
  }),
  script: subcommands("admin", {
    debug: SESSION_BOTH, // bound to its connection
    exists: READ,
    flush: ADMIN_BOTH, // would remove what others loaded
    help: READ,
    kill: ADMIN_BOTH, // may hit the next script
    load: ADMIN_SAME, // replies with the digest
  }),

  // server
  acl: subcommands("admin", {
    cat: READ,
    deluser: ADMIN_REPLY, // counts what it deleted
    dryrun: READ,
    genpass: READ, // random by nature
    getuser: READ,
    help: READ,
    list: READ,
    load: ADMIN_BOTH, // disconnects users whose rules changed
    log: ifWord(0, ["reset"], ADMIN_BOTH, READ), // RESET would lose what came in between
    save: ADMIN_SAME,
    setuser: ADMIN_BOTH, // rules add up: selectors, removed passwords
    users: READ,
    whoami: READ,
  }),
  backup: subcommands("admin", {
    abort: ADMIN_BOTH,
    cleanup: ADMIN_BOTH,
    help: READ,
    list: READ,
    seal: ADMIN_BOTH,
    start: ADMIN_BOTH,
    status: READ,
  }),
  bgrewriteaof: ADMIN_REPLY, // started, then already in progress
  bgsave: ADMIN_REPLY, // started, then already in progress
  command: subcommands("read", {
    "": READ,
    count: READ,
    docs: READ,
    getkeys: READ,
    getkeysandflags: READ,
    help: READ,
    info: READ,
    list: READ,
  }),
  config: subcommands("admin", {
    get: READ,
    help: READ,
    resetstat: ADMIN_BOTH, // would lose what was counted in between
    rewrite: ADMIN_SAME,
    set: ADMIN_SAME,
  }),
  dbsize: READ,
  debug: ADMIN_BOTH, // may do anything
  failover: ADMIN_BOTH, // changes roles
  flushall: WRITE_STATE, // would remove what others wrote
  flushdb: WRITE_STATE, // would remove what others wrote
  hotkeys: subcommands("admin", { get: READ, help: READ, reset: ADMIN_BOTH, start: ADMIN_BOTH, stop: ADMIN_BOTH }),
  info: READ,
  lastsave: READ,
  latency: subcommands("admin", {
    doctor: READ,
    graph: READ,
    help: READ,
    histogram: READ,
    history: READ,
    latest: READ,
    reset: ADMIN_BOTH, // counts what it reset
  }),
  lolwut: READ,
  memory: subcommands("admin", {
    doctor: READ,
    help: READ,
    "malloc-stats": READ,
    purge: ADMIN_SAME,
    stats: READ,
    usage: READ,
  }),
  module: subcommands("admin", {
    help: READ,
    list: READ,
    load: ADMIN_BOTH, // OK, then an error
    loadex: ADMIN_BOTH, // OK, then an error
    unload: ADMIN_BOTH, // OK, then an error
  }),
  monitor: SESSION_BOTH, // what came in between is lost
  psync: ADMIN_BOTH, // replication internal
  replconf: ADMIN_BOTH, // replication internal
  replicaof: ADMIN_BOTH, // changes roles
  role: READ,
  save: ADMIN_SAME,
  shutdown: ADMIN_BOTH, // would stop the server that has just come back
  slaveof: ADMIN_BOTH, // changes roles
  slowlog: subcommands("admin", {
    get: READ,
    help: READ,
    len: READ,
    reset: ADMIN_BOTH, // would lose what came in between
  }),
  swapdb: WRITE_STATE, // swaps back
  sync: ADMIN_BOTH, // replication internal
  time: READ, // differs by nature
  wait: SESSION_REPLY, // speaks of its own connection's writes
  waitaof: SESSION_REPLY, // speaks of its own connection's writes

  // cluster
  cluster: subcommands("admin", {
    addslots: ADMIN_BOTH, // OK, then already busy
    addslotsrange: ADMIN_BOTH, // OK, then already busy
    bumpepoch: ADMIN_BOTH, // raises the epoch twice
    "count-failure-reports": READ,
    countkeysinslot: READ,
    delslots: ADMIN_BOTH, // OK, then already unassigned
    delslotsrange: ADMIN_BOTH, // OK, then already unassigned
    failover: ADMIN_BOTH, // changes roles
    flushslots: ADMIN_BOTH,
    forget: ADMIN_BOTH, // OK, then unknown node
    getkeysinslot: READ,
    help: READ,
    info: READ,
    keyslot: READ,
    links: READ,
    meet: ADMIN_BOTH, // a second handshake
    migration: ADMIN_BOTH,
    myid: READ,
    myshardid: READ,
    nodes: READ,
    replicas: READ,
    replicate: ADMIN_BOTH, // changes roles
    reset: ADMIN_BOTH,
    saveconfig: ADMIN_SAME,
    "set-config-epoch": ADMIN_BOTH, // OK, then already set
    setslot: ADMIN_BOTH, // races with the migration it serves
    shards: READ,
    slaves: READ,
    "slot-stats": READ,
    slots: READ,
    syncslots: ADMIN_BOTH, // cluster internal
  }),
};
