/** Commands, their data, scripts, and what is not recognised: the long texts of the pages. */
import type { Page } from "../page.js";

/** Commands and their data. */
export const USAGE = {
  WRONG_TYPE: {
    means: "The key holds another type. The command changed nothing.",
    findOut: [{ say: "When was it used last?", run: "{cli}{select} object idletime KEY" }],
    fix: ["Use another key name, or migrate the old value."],
    prevent: ["Put the type or a version into the key name."],
    examples: ["WRONGTYPE Operation against a key holding the wrong kind of value"],
  },
  SYNTAX: {
    means: "The server refused before executing.",
    findOut: ["`command.args` on the error shows how many arguments were sent, and their sizes."],
    fix: ["Correct the call, or upgrade the server."],
    prevent: ["Test against the version that production runs."],
    examples: [
      "ERR syntax error",
      "ERR wrong number of arguments for 'get' command",
      "ERR invalid expire time in 'set' command",
    ],
  },
  UNKNOWN_COMMAND: {
    means: "The server refused before executing.",
    findOut: [{ say: "Was it renamed?", run: "grep rename-command /etc/redis/redis.conf" }],
    fix: ["Upgrade the server, load the module, or do without."],
    prevent: ["Test against the version that production runs."],
    examples: [
      "ERR unknown command 'FOO', with args beginning with: 'a' 'b' ",
      "ERR unknown command `FOO`, with args beginning with: ",
      "ERR unknown subcommand 'xx'. Try CLIENT HELP.",
    ],
  },
  NOT_A_NUMBER: {
    means: "The command changed nothing.",
    findOut: ["Log the argument's type at the call."],
    fix: ["Correct the argument, or reset the key. INCRBYFLOAT takes floats."],
    prevent: ["Keep counters in keys of their own."],
    examples: [
      "ERR value is not an integer or out of range",
      "ERR value is not a valid float",
      "ERR increment or decrement would overflow",
      "ERR hash value is not an integer",
    ],
  },
  EXEC_ABORTED: {
    means: "None of its commands took effect.",
    findOut: ["MULTI, WATCH and EXEC must travel on one connection: redis.multi(), or withConnection for WATCH."],
    fix: ["Correct the refused command."],
    prevent: ["Use withConnection for WATCH … MULTI … EXEC."],
    examples: ["EXECABORT Transaction discarded because of previous errors.", "ERR EXEC without MULTI"],
  },
  DB_OUT_OF_RANGE: {
    means: "SELECT was refused. Plain ioredis goes on in database 0 after this, which is worse than an error.",
    findOut: ["The number comes from `db`, or from the path of the URL."],
    fix: ["Correct the number, or raise `databases` in redis.conf."],
    prevent: ["Prefer prefixes, or separate servers, to numbered databases."],
    examples: ["ERR DB index is out of range", "ERR invalid DB index", "ERR SELECT is not allowed in cluster mode"],
  },
  PROTOCOL_UNSUPPORTED: {
    means: "HELLO was refused. ioredis 6 falls back to RESP2 by itself; a proxy may refuse that as well.",
    findOut: ["Compare the answer of the server with the one through the proxy."],
    fix: ["Set `protocol: 2`, or upgrade."],
    prevent: ["Test against the version that production runs."],
    examples: ["NOPROTO unsupported protocol version", "ERR unknown command 'HELLO', with args beginning with: '3' "],
  },
  PRECONDITION_FAILED: {
    means:
      "The server understood the command and refused it: something exists already, or does not exist. Nothing was changed.",
    findOut: [{ say: "Is the key there?", run: "{cli}{select} exists KEY" }],
    fix: ["Create what is missing (XGROUP CREATE … MKSTREAM), or accept that it is there."],
    prevent: ["Write set-up code so that it may run twice."],
    examples: [
      "BUSYGROUP Consumer Group name already exists",
      "NOGROUP No such key 'orders' or consumer group 'workers' in XREADGROUP with GROUP option",
      "ERR no such key",
      "ERR index out of range",
    ],
  },
  SUBSCRIBER_MODE: {
    means: "The command was refused: under RESP2 a subscribed connection may only subscribe and unsubscribe.",
    findOut: ["Search for subscribe( and monitor( on this client."],
    fix: ["Two clients: one listens, one works."],
    prevent: ["Keep the subscriber in a module of its own."],
    examples: [
      "Connection in subscriber mode, only subscriber commands may be used",
      "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
    ],
  },
  COMMAND_REFUSED: {
    means:
      "The server is up and has understood; its text says what it does not like. Redis itself refuses before it executes; a module or a proxy may have begun, so `applied` does not promise it.",
    findOut: [
      "Look the text up in the documentation of the command, the module or the provider.",
      { say: "How often does it happen, by kind?", run: "{cli} info errorstats" },
    ],
    fix: ["Correct the call."],
    prevent: ["Test against the server, version and modules that production runs."],
    examples: [
      "ERR MULTI calls can not be nested",
      "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
      "ERR GT, LT, and/or NX options at the same time are not compatible",
    ],
  },
  NO_SCRIPT: {
    means: "EVALSHA names a script by its digest, and the cache does not hold it. Nothing was executed.",
    findOut: [{ say: "Was the server restarted?", run: "{cli} info server | grep uptime_in_seconds" }],
    fix: ["Send EVAL once, or SCRIPT LOAD before the pipeline."],
    prevent: ["Do not rely on the script cache; functions (Redis 7) are persistent."],
    examples: ["NOSCRIPT No matching script. Please use EVAL."],
  },
  SCRIPT_FAILED: {
    means: "The script stopped with an error. What it had written before stays written: scripts are not rolled back.",
    findOut: ["An error that names a command inside (WRONGTYPE, OOM …) is about that command."],
    fix: ["Correct the script. Check arguments before the first write, so that it fails before it changes anything."],
    prevent: ["Use redis.pcall where an error is expected, and test scripts."],
    examples: [
      "ERR user_script:1: Script attempted to access nonexistent global variable 'x' script: 7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11, on @user_script:1.",
      "ERR Error running script (call to f_7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11): @user_script:1: user_script:1: attempt to index a nil value",
      "ERR Error compiling script (new function): user_script:1: '=' expected near 'x'",
    ],
  },
  UNKNOWN: {
    means: "The text is passed on as it is. Since nothing is known, the command may have been executed.",
    findOut: [
      "If it comes from the server, its first word is the error's kind.",
      "If it comes from a library, the first frame of the stack names it.",
    ],
    fix: ["Find the text in the documentation of the server or library."],
    prevent: ["Report it: a signature is one row."],
    examples: [],
  },
  ARGUMENT_INVALID: {
    means:
      "The client refused before anything was written. A pipeline or MULTI is refused whole, because its members are written in one piece.",
    findOut: ["The message names the command, the position of the argument and its type; its value is nowhere."],
    fix: ["Convert the value before the call."],
    prevent: ["Let the types of the calling code allow strings, numbers and Buffers only."],
    examples: ["Cannot convert object to primitive value"],
  },
} as const satisfies Readonly<Record<string, Page>>;
