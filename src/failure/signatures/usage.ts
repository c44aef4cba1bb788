/** Replies that concern the caller: the command is wrong, or the data is not what the command needs. */
import type { Signature } from "./signature.js";

/** Commands and their data. */
export const USAGE: readonly Signature[] = [
  { code: "WRONG_TYPE", word: ["WRONGTYPE"] },
  { code: "NO_SCRIPT", word: ["NOSCRIPT"], text: / script: / }, // a script that calls another
  { code: "NO_SCRIPT", word: ["NOSCRIPT"], applied: "no" },
  // Redis 6.2 and newer: the state of the server at EXEC, which says more
  {
    code: "EXEC_ABORTED",
    word: ["EXECABORT"],
    text: /Transaction discarded because of: /,
    wraps: "transparent",
    applied: "no",
  },
  { code: "EXEC_ABORTED", word: ["EXECABORT"], applied: "no" },
  { code: "EXEC_ABORTED", text: /^ERR (?:EXEC|DISCARD) without MULTI/ },
  { code: "ARGUMENT_INVALID", text: /^Cannot convert object to primitive value$/, applied: "no" },
  { code: "PROTOCOL_UNSUPPORTED", word: ["NOPROTO"] },
  { code: "PROTOCOL_UNSUPPORTED", text: /^ERR unknown command ['`]?HELLO/i },
  {
    code: "UNKNOWN_COMMAND",
    text: /^ERR (?:unknown|unsupported) (?:sub)?command|^ERR Unknown Redis command|^ERR Command is not available/i,
  },
  {
    code: "DB_OUT_OF_RANGE",
    text: /^ERR (?:DB index is out of range|invalid DB index|SELECT is not allowed in cluster mode)/i,
  },
  {
    code: "NOT_A_NUMBER",
    text: /^ERR (?:value|hash value|min or max|increment|decrement|timeout|offset|bit|The value)\b.*(?:not an? (?:valid )?(?:integer|float|number)|out of range|would (?:overflow|produce NaN))|would (?:overflow|produce NaN)/i,
  },
  { code: "SUBSCRIBER_MODE", text: /^ERR (?:Can't execute '.*': )?only .*SUBSCRIBE/ },
  {
    code: "PRECONDITION_FAILED",
    word: ["BUSYGROUP", "NOGROUP", "BUSYKEY", "NOKEY", "NOTBUSY", "UNKILLABLE", "INPROG", "NOGOODSLAVE"],
  },
  {
    code: "PRECONDITION_FAILED",
    text: /^ERR (?:no such (?:key|client)|index out of range|source and destination objects are the same|The ID specified in X(?:ADD|SETID)|The XGROUP subcommand requires the key|Background (?:save|append only file rewriting) already|Function not found)/i,
  },
  {
    code: "SCRIPT_FAILED",
    text: /^ERR Error compiling script|Error (?:compiling|loading|registering) functions?|^ERR Missing library metadata/i,
    applied: "no",
  },
  { code: "SCRIPT_FAILED", text: /^ERR Error running script/, wraps: "transparent" }, // Redis 6 and older name the cause inside
  { code: "SCRIPT_FAILED", text: /^(?:ERR )?@?user_(?:script|function):/ }, // Lua's own errors, whatever words follow
  {
    code: "SYNTAX",
    text: /^ERR (?:syntax error|Number of keys can't be|at least 1 input key|timeout is negative|wrong number of arguments|.*(?:invalid expire time|numkeys|must be positive|not valid|Invalid|invalid|Unrecognized|unsupported|Unsupported))/,
  },
  {
    code: "SCRIPT_FAILED",
    text: /(?:user_script|user_function)[\w:]*\d+:| script: [0-9a-f]{40}|Script killed by user|Script attempted/,
  },
];
