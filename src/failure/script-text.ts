/**
 * The error of a script, without what the script itself put into it: `error('no such user ' .. ARGV[1])` carries a value wherever it
 * goes. What is left is the code in front, a sentence that is certainly the server's own, and the place in the script.
 */

/** An error that came out of a script or function, as the server marks it. */
export const SCRIPT_MARK = / script: |@user_script|user_script:\d|@user_function/;

const CODE = /^[A-Z]{2,20}(?= )/;
/** Where it happened: ` script: 4ca2…, on @user_script:1.` */
const PLACE = /script: [\w-]{1,64}, on @user_(?:script|function):\d{1,9}\.?$/;

/** Beginnings of what the server says of its own accord. */
const SERVERS_OWN: readonly string[] = [
  "NOSCRIPT No matching script",
  "READONLY You can't write against a read only",
  "LOADING Redis is loading the dataset in memory",
  "BUSY Redis is busy running a script",
  "WRONGTYPE Operation against a key holding the wrong kind of value",
  "OOM command not allowed when used memory > 'maxmemory'",
  "NOREPLICAS Not enough good replicas to write",
  "MISCONF Redis is configured to save RDB snapshots",
  "MISCONF Errors writing to the AOF file",
  "MASTERDOWN Link with MASTER is down",
  "CLUSTERDOWN The cluster is down",
  "CLUSTERDOWN Hash slot not served",
  "NOAUTH Authentication required",
  "NOPERM this user has no permissions to run the",
  "NOPERM No permissions to access a key",
  "UNBLOCKED client unblocked via CLIENT UNBLOCK",
  "ERR Error running script",
  "ERR Error compiling script",
  "ERR Function not found",
  "ERR Number of keys can't be",
  "ERR unknown command",
  "ERR wrong number of arguments",
  "ERR value is not an integer or out of range",
  "ERR syntax error",
];

/** The text of a script's error without what the script may have quoted: the server's own sentence, the code and the place remain. */
export function withoutScriptValues(message: string): string {
  const own = SERVERS_OWN.find((sentence) => message.startsWith(sentence));
  const place = PLACE.exec(message)?.[0];
  const head = own ?? CODE.exec(message)?.[0];
  if (own !== undefined && own.length === message.replace(/\.$/, "").length) return message;
  return [head, "…", place].filter((part) => part !== undefined).join(" ");
}
