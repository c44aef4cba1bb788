/**
 * Data: the errors of this package and of ioredis as people paste them, by class name and by message. For `explain` only: a
 * running client reads the code, which a pasted text may have lost.
 */
import type { Code } from "../failure/codes.js";

/** Class names that mean one code whatever stands behind them. */
export const CLASSES: Readonly<Record<string, Code>> = {
  DeadlineError: "DEADLINE",
  OutcomeUnknownError: "OUTCOME_UNKNOWN",
  CircuitOpenError: "CIRCUIT_OPEN",
  QueueFullError: "QUEUE_FULL",
  UnavailableError: "UNAVAILABLE",
  PoolTimeoutError: "POOL_TIMEOUT",
  ClosedError: "CLIENT_CLOSED",
  TransactionAbortedError: "EXEC_ABORTED",
  TransactionConflictError: "EXEC_ABORTED",
  AbortedError: "ABORTED",
  ConfigError: "CONFIG_INVALID",
  ClusterAllFailedError: "CLUSTER_UNREACHABLE",
  ParserError: "PROTOCOL_ERROR",
};

/** The first that matches counts. */
export const OWN_TEXTS: readonly (readonly [RegExp, Code])[] = [
  [/Command timed out: \S+ (?:got no reply|was never sent|was sent|was not answered|lost its connection)/, "DEADLINE"],
  [/was in flight for .* when the connection to .* was lost/, "OUTCOME_UNKNOWN"],
  [
    /the circuit for .* has (?:been open|just opened)|no connection to .* for .*Reconnecting in the background/,
    "CIRCUIT_OPEN",
  ],
  [/of its own: (?:its circuit is open|none can be made)/, "CIRCUIT_OPEN"],
  [/got no connection to .* of its own within \d/, "POOL_TIMEOUT"],
  [/was not sent: \d+ commands \(\d+ bytes\) already wait for/, "QUEUE_FULL"],
  [/was aborted by its caller after/, "ABORTED"],
  [/Pass strings, numbers or Buffers\./, "ARGUMENT_INVALID"],
  [
    /the connection that held (?:its|the) (?:WATCH|MULTI)|the transaction was given up after \d+ attempt/,
    "EXEC_ABORTED",
  ],
  [/the EXEC or DISCARD of its MULTI was refused|a command of its MULTI was never sent/, "EXEC_ABORTED"],
  [/the MULTI that it was issued behind was refused/, "EXEC_ABORTED"],
  [/No node of .* is known to serve slot/, "UNAVAILABLE"],
  [/`pool\.size` above 1 it would concern|would mix with the commands of others/, "CONFIG_INVALID"],
  [/was given back when the function that borrowed it ended/, "CLIENT_CLOSED"],
  [/did not finish the handshake within|has not finished the handshake yet/, "HANDSHAKE_TIMEOUT"],
  [/has not accepted the connection yet|did not accept the connection within/, "CONNECT_TIMEOUT"],
  [/the name in .* (?:was not looked up within|has not been looked up yet)/, "DNS_TEMPORARY"],
  [
    /no reply (?:came|has come) over the connection to .* for .* (?:one was|replies (?:were|are)) due/,
    "RESPONSE_TIMEOUT",
  ],
  [/was silent for .* while a reply was due/, "RESPONSE_TIMEOUT"],
  [/Sentinel names .* as a .*, and it is a .*; the connection was left/, "SENTINEL_WRONG_ROLE"],
  [/took over from .*; the connection to .* was left/, "CONNECTION_LOST"],
  [/No Sentinel that answers knows the present master/, "SENTINELS_UNREACHABLE"],
  [/closed the connection before it was ready/, "CONNECTION_CLOSED_EARLY"],
  [/closed the connection after \d|did not survive a pause of this process/, "CONNECTION_LOST"],
  [/announced a (?:value|list) of .*`?maxReplyBytes`? allows/, "REPLY_TOO_LONG"],
  [/sent .*; the connection was destroyed/, "PROTOCOL_ERROR"],
  [/does not allow this user HELLO/, "PROTOCOL_UNSUPPORTED"],
  [
    /the credentials provider \S.{0,90} (?:threw|returned|gives|has given|did not answer|has not answered)\b/,
    "CREDENTIALS_FAILED",
  ],
  [/is loading its data into memory/, "LOADING"],
  // ioredis's words for a client that was ended, which this package keeps.
  [/(?:^|: )Connection is closed\.?$/m, "CLIENT_CLOSED"],
];

/** ioredis says the same where it lost a connection, and nothing else tells the two apart. */
export const CLOSED_ELSEWHERE =
  "In this package the text means that the client was closed. Plain ioredis says the same when a connection was lost: ioredoubt explain CONNECTION_LOST";

/** A class of ioredis that stands for many causes, and says nothing by itself. */
export interface ClassPage {
  /** Its name, and what its message is known by. */
  readonly name: RegExp;
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly steps: readonly string[];
}

/** The page of ioredis's ReplyError, which is the class of every error reply. */
export const REPLY_ERROR: ClassPage = {
  name: /\bReplyError\b/,
  title: "ReplyError: the server answered with an error",
  paragraphs: [
    "ioredis gives every error reply of the server this class. What happened is in its message: the first word, such as WRONGTYPE, NOAUTH or OOM, is the server's own code; behind ERR the reason stands in words.",
    "With this package such errors have a `code` that programs can match on, and a `diagnosis`.",
  ],
  steps: [
    'Explain the whole line: ioredoubt explain "ReplyError: WRONGTYPE Operation against a key"',
    "Related codes: WRONG_TYPE, AUTH_REQUIRED, PERMISSION_DENIED, OUT_OF_MEMORY, READ_ONLY_REPLICA, LOADING, SYNTAX.",
  ],
};

/** The page of ioredis's MaxRetriesPerRequestError, which stands for whatever kept it from connecting. */
export const MAX_RETRIES: ClassPage = {
  name: /\bMaxRetriesPerRequestError\b|Reached the max retries per request limit/,
  title: "MaxRetriesPerRequestError: ioredis gave up waiting for a connection",
  paragraphs: [
    "ioredis counts failed attempts to connect, and after maxRetriesPerRequest of them (20 unless set) it rejects every command that waits. The error says nothing of the cause: that is in the `error` events before it, and in the log.",
    "Whether the command ran: one that never left the process did not. One that was written to a connection that was lost may have; plain ioredis does not tell the two apart. This package does: `applied` on the error is no or maybe.",
    "With this package the deadline decides how long a command waits. maxRetriesPerRequest is honoured where it is set; leave it out, or set null for job queues that block, such as BullMQ.",
  ],
  steps: [
    "Look for the first connection error before it (ECONNREFUSED, ETIMEDOUT, ENOTFOUND, WRONGPASS) and explain that one.",
    "Let the doctor look for it: npx --no ioredoubt doctor redis://HOST:PORT",
    "Related codes: UNAVAILABLE (never sent), CONNECTION_LOST (sent and lost), DEADLINE.",
  ],
};
