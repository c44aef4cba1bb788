/** Effects of the commands on connections, messages, transactions, scripts, the server and the cluster. See `table.ts`. */
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
import { MILLISECONDS, type Rows } from "./row.js";

/** Without REPLACE the second load fails: the library is already there. The code itself is never read as an option. */
function functionLoaded(args: readonly unknown[]): Effect {
  return wordOf(args[0]) === "replace" ? WRITE_SAME : WRITE_REPLY;
}

function functionsRestored(args: readonly unknown[]): Effect {
  const policy = wordOf(args[1]);
  if (policy === "replace") return WRITE_SAME;
  return policy === "" || policy === "append" ? WRITE_REPLY : WRITE_BOTH; // FLUSH would remove what others loaded
}

const SELECT_ADVICE = "Choose the database with the `db` option, or SELECT inside `withConnection`.";
const LOGIN_ADVICE = "Choose the user with the `username` and `password` options.";
const WATCH_ADVICE = "Use `transaction`, or `withConnection`.";
const waitAdvice = (name: string): string =>
  `${name} speaks of the writes of one connection only: use it inside \`withConnection\`.`;

export const SERVER_COMMANDS: Rows = {
  // connection
  asking: { effect: SESSION_BOTH, session: "mode" }, // concerns the next command only
  auth: { effect: SESSION_SAME, session: "login", lane: { refused: LOGIN_ADVICE } },
  client: {
    effect: subcommands("connection", {
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
    session: "client",
    lane: "any",
  },
  echo: { effect: SESSION_SAME, lane: "apart" },
  hello: { effect: SESSION_REPLY, session: "login", lane: "any" }, // holds this connection's id
  ping: { effect: SESSION_SAME, lane: "apart" },
  quit: { effect: SESSION_BOTH, session: "quit" }, // closes the connection
  readonly: { effect: SESSION_SAME, session: "mode" },
  readwrite: { effect: SESSION_SAME, session: "mode" },
  reset: { effect: SESSION_BOTH, session: "reset", lane: { refused: "Use `withConnection`." } }, // logs the connection out
  select: { effect: SESSION_SAME, session: "select", lane: { refused: SELECT_ADVICE } },

  // messages
  psubscribe: { effect: SESSION_SAME, session: "subscribe", lane: "first" }, // replies with the number of subscriptions
  publish: { effect: MESSAGE, lane: "any" }, // delivered twice
  pubsub: {
    effect: subcommands("read", {
      channels: READ,
      help: READ,
      numpat: READ,
      numsub: READ,
      shardchannels: READ,
      shardnumsub: READ,
    }),
    lane: "any",
  },
  punsubscribe: { effect: SESSION_SAME, session: "unsubscribe", lane: "first" },
  spublish: { effect: MESSAGE, lane: "any" }, // delivered twice
  ssubscribe: { effect: SESSION_SAME, session: "subscribe", lane: "first" },
  subscribe: { effect: SESSION_SAME, session: "subscribe", lane: "first" },
  sunsubscribe: { effect: SESSION_SAME, session: "unsubscribe", lane: "first" },
  unsubscribe: { effect: SESSION_SAME, session: "unsubscribe", lane: "first" },

  // transactions
  discard: {
    effect: SESSION_BOTH,
    session: "discard",
    lane: { refused: "Use `withConnection` for an interactive MULTI." },
  }, // bound to its connection's MULTI
  exec: { effect: SESSION_BOTH, session: "exec", lane: "any" }, // bound to its connection's MULTI
  multi: { effect: SESSION_BOTH, session: "multi", lane: "any" }, // opens a transaction on one connection
  unwatch: { effect: SESSION_BOTH, session: "unwatch", lane: { refused: WATCH_ADVICE } }, // bound to its connection's WATCH
  watch: { effect: SESSION_BOTH, session: "watch", lane: { refused: WATCH_ADVICE } }, // watches from another moment on

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
  script: {
    effect: subcommands("admin", {
      debug: SESSION_BOTH, // bound to its connection
      exists: READ,
      flush: ADMIN_BOTH, // would remove what others loaded
      help: READ,
      kill: ADMIN_BOTH, // may hit the next script
      load: ADMIN_SAME, // replies with the digest
    }),
    session: "script",
  },

  // server
  acl: {
    effect: subcommands("admin", {
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
    lane: "any",
  },
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
  command: {
    effect: subcommands("read", {
      "": READ,
      count: READ,
      docs: READ,
      getkeys: READ,
      getkeysandflags: READ,
      help: READ,
      info: READ,
      list: READ,
    }),
    lane: "apart",
  },
  config: {
    effect: subcommands("admin", {
      get: READ,
      help: READ,
      resetstat: ADMIN_BOTH, // would lose what was counted in between
      rewrite: ADMIN_SAME,
      set: ADMIN_SAME,
    }),
    lane: "any",
  },
  dbsize: READ,
  debug: { effect: ADMIN_BOTH, session: "mode" }, // may do anything
  failover: ADMIN_BOTH, // changes roles
  flushall: WRITE_STATE, // would remove what others wrote
  flushdb: WRITE_STATE, // would remove what others wrote
  hotkeys: subcommands("admin", { get: READ, help: READ, reset: ADMIN_BOTH, start: ADMIN_BOTH, stop: ADMIN_BOTH }),
  info: { effect: READ, lane: "apart" },
  lastsave: { effect: READ, lane: "apart" },
  latency: {
    effect: subcommands("admin", {
      doctor: READ,
      graph: READ,
      help: READ,
      histogram: READ,
      history: READ,
      latest: READ,
      reset: ADMIN_BOTH, // counts what it reset
    }),
    lane: "apart",
  },
  lolwut: { effect: READ, lane: "apart" },
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
  monitor: { effect: SESSION_BOTH, session: "mode" }, // what came in between is lost
  psync: { effect: ADMIN_BOTH, session: "mode" }, // replication internal
  replconf: { effect: ADMIN_BOTH, session: "mode" }, // replication internal
  replicaof: ADMIN_BOTH, // changes roles
  role: { effect: READ, lane: "apart" },
  save: ADMIN_SAME,
  shutdown: { effect: ADMIN_BOTH, session: "mode" }, // would stop the server that has just come back
  slaveof: ADMIN_BOTH, // changes roles
  slowlog: {
    effect: subcommands("admin", {
      get: READ,
      help: READ,
      len: READ,
      reset: ADMIN_BOTH, // would lose what came in between
    }),
    lane: "apart",
  },
  swapdb: WRITE_STATE, // swaps back
  sync: { effect: ADMIN_BOTH, session: "mode" }, // replication internal
  time: { effect: READ, lane: "apart" }, // differs by nature
  wait: { effect: SESSION_REPLY, blocks: { at: 1, unit: MILLISECONDS }, lane: { refused: waitAdvice("WAIT") } }, // speaks of its own connection's writes
  waitaof: { effect: SESSION_REPLY, blocks: { at: 2, unit: MILLISECONDS }, lane: { refused: waitAdvice("WAITAOF") } }, // speaks of its own connection's writes

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
