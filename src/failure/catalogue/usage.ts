/** The command is wrong, or the data is not what the command needs. The server is well; the caller must change something. */
import type { Entry } from "./entry.js";

const BASE = { area: "usage", severity: "info", retryable: false, breaker: "none", applied: "refused" } as const;

/** Commands and their data. */
export const USAGE: readonly Entry[] = [
  {
    ...BASE,
    code: "WRONG_TYPE",
    name: "wrong type of key",
    title: "{command} does not fit the type of the value at this key.",
    why: [
      "Two parts of the program use one key name for different things.",
      "An older version stored it in another form.",
    ],
    next: [
      {
        say: "See what it is (healthy: the type that the command works on; none: no such key)",
        run: "{cli}{select} type KEY",
      },
      {
        say: "See which keys share its prefix (healthy: keys of one part of the program; a mixture: that is the cause)",
        run: "{cli}{select} --scan --pattern 'PREFIX*' | head",
      },
    ],
  },
  {
    ...BASE,
    code: "SYNTAX",
    name: "wrong arguments",
    title: "{command} was given arguments the server does not understand.",
    why: [
      "An argument is missing, superfluous or in the wrong place.",
      "The option is newer than this server.",
      "undefined became an empty string on its way.",
    ],
    next: [
      "Compare with the command's documentation.",
      {
        say: "See what this server supports (the arguments of this version; empty: it does not know the command)",
        run: "{cli} command docs {command}",
      },
      {
        say: "See the server's version (healthy: the version that the command needs, or newer)",
        run: "{cli} info server | grep redis_version",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "ARGUMENT_INVALID",
    name: "argument cannot be sent",
    title: "{command} was given an argument that cannot be turned into text.",
    why: [
      "An object without a prototype was passed, as `querystring.parse` and `Object.create(null)` make them.",
      "The argument's own toString or valueOf throws, or returns something that is not text.",
      "An argument transformer threw, or the command's name is not a string.",
    ],
    next: [
      "Look at the argument at the position that the message names.",
      "Pass strings, numbers or Buffers; JSON.stringify what has a structure.",
    ],
  },
  {
    ...BASE,
    code: "UNKNOWN_COMMAND",
    name: "unknown command",
    title: "{target} does not know {command}.",
    why: [
      "The server is older than the command.",
      "The command belongs to a module that is not loaded.",
      "It was renamed or disabled in redis.conf, or by the provider.",
      "A proxy in between supports only some of the commands.",
    ],
    next: [
      {
        say: "See the server's version (healthy: the version that the command needs, or newer)",
        run: "{cli} info server | grep redis_version",
      },
      {
        say: "Does it know the command (healthy: an entry; nil: this server does not know it)?",
        run: "{cli} command info {command}",
      },
      { say: "See the modules (healthy: the module of the command; empty: no modules)", run: "{cli} module list" },
    ],
  },
  {
    ...BASE,
    code: "NOT_A_NUMBER",
    name: "not a number, or too large",
    title: "The value or an argument is not a number of the kind {command} needs.",
    why: [
      "The key holds text where a counter is expected.",
      "A float was given where an integer is needed.",
      "The result would not fit into 64 bits.",
    ],
    next: [{ say: "See the value (healthy: digits only)", run: "{cli}{select} get KEY" }],
  },
  {
    ...BASE,
    code: "EXEC_ABORTED",
    name: "transaction aborted",
    title: "The transaction was not executed.",
    why: [
      "A command was refused while the transaction was being queued: an unknown command, wrong arguments, no memory.",
      "The connection that held MULTI or WATCH was lost in between.",
      "EXEC came without MULTI: something else used the same connection.",
    ],
    next: [
      "Look at `previousErrors`: they name the command that was refused.",
      "Start the whole transaction again if the connection was lost.",
    ],
  },
  {
    ...BASE,
    severity: "fatal",
    code: "DB_OUT_OF_RANGE",
    name: "database does not exist",
    title: "{target} has no such database number.",
    why: [
      { say: "A cluster has only database 0.", when: "cluster" },
      "The server has fewer databases (16 by default), or runs in cluster mode: then it has only database 0.",
      { say: "The provider's plan has only database 0.", when: "managed" },
    ],
    next: [
      {
        say: "See how many there are (healthy: a number above this client's db, and no cluster mode: that has only database 0)",
        run: "{cli} config get databases",
      },
      "Use database 0 and a keyPrefix instead.",
    ],
  },
  {
    ...BASE,
    severity: "error",
    code: "PROTOCOL_UNSUPPORTED",
    name: "protocol version not supported",
    title: "{target} does not support the protocol version this client asked for.",
    why: [
      "Redis 5 or older: HELLO and RESP3 came with Redis 6.",
      "A proxy (twemproxy, an old Envoy) does not know HELLO.",
    ],
    next: [
      {
        say: "See the server's version (healthy: the version that the command needs, or newer)",
        run: "{cli} info server | grep redis_version",
      },
      {
        say: "Ask for RESP3 by hand (healthy: a list with proto 3; an error: it speaks RESP2 only)",
        run: "{cli} hello 3",
      },
      "Set `protocol: 2`.",
    ],
  },
  {
    ...BASE,
    code: "PRECONDITION_FAILED",
    name: "not possible in this state",
    title: "{command} is not possible while the data is in this state.",
    why: [
      "The consumer group exists already (BUSYGROUP), or does not exist yet (NOGROUP).",
      "The key or element is not there.",
    ],
    next: [
      "BUSYGROUP at start is normal: treat it as success.",
      {
        say: "See the groups of a stream (healthy: the name of the group; empty: create it)",
        run: "{cli}{select} xinfo groups KEY",
      },
    ],
  },
  {
    ...BASE,
    code: "SUBSCRIBER_MODE",
    name: "connection only listens",
    title: "The connection is subscribed or monitoring, and takes no other commands.",
    why: ["SUBSCRIBE and ordinary commands share one client.", "MONITOR runs on this client."],
    next: [
      "Use a client of its own for subscriptions: redis.duplicate().",
      "RESP3 (the default of ioredis 6) allows both on one connection.",
    ],
  },
  {
    ...BASE,
    applied: "lost",
    code: "COMMAND_REFUSED",
    name: "refused by the server",
    title: "The server answered {command} with an error of its own.",
    why: [
      "The arguments do not go together, or the command is not allowed here (inside MULTI, in this mode).",
      "A module, a proxy or the provider refuses for a reason of its own.",
    ],
    next: [
      "Read the text: it is the server's own, and usually names the rule that was broken.",
      {
        say: "See what this server supports (the arguments of this version; empty: it does not know the command)",
        run: "{cli} command docs {command}",
      },
    ],
  },
  {
    ...BASE,
    code: "NO_SCRIPT",
    name: "script not loaded",
    title: "The server does not have this script.",
    why: [
      "The server was restarted or failed over: the script cache is not persistent.",
      "Somebody ran SCRIPT FLUSH.",
      "EVALSHA was called directly: only commands of defineCommand load their script again.",
    ],
    next: [
      "Use defineCommand: it falls back to EVAL.",
      { say: "Is it there (healthy: 1; 0: load it again)?", run: "{cli} script exists SHA" },
    ],
  },
  {
    ...BASE,
    applied: "lost",
    code: "SCRIPT_FAILED",
    name: "script failed",
    title: "A Lua script or function failed.",
    why: [
      "An error in the script: a nil value, a wrong key, a global variable.",
      "A command inside it failed.",
      "It was killed by SCRIPT KILL.",
    ],
    next: [
      "Read the line number in the message; the cause comes before it.",
      {
        say: "Run it by hand (healthy: a reply; an error names the line of the script)",
        run: "{cli} --eval script.lua KEY , ARG",
      },
    ],
  },
];

/** What is said when no signature matches: what is known, and how to find out the rest. */
export const UNKNOWN: Entry = {
  code: "UNKNOWN",
  area: "unknown",
  severity: "error",
  retryable: false,
  breaker: "none",
  applied: "lost",
  name: "not recognised",
  title: "A failure that matches no known signature.",
  why: ["An error of the program, of a library, or of a server that this catalogue does not know yet."],
  next: [
    "Read the text below `seen`, and the error's stack.",
    {
      say: "See whether the server answers (healthy: PONG; refused or no answer: Redis is down, hangs, or is somewhere else)",
      run: "{within}{cli} ping",
    },
    {
      say: "Let the doctor look (its verdict says what is wrong; not found: run it in the application's directory)",
      run: "npx --no ioredoubt doctor",
    },
  ],
};
