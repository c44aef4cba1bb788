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
};

/** The first that matches counts. */
export const OWN_TEXTS: readonly (readonly [RegExp, Code])[] = [
  [/Command timed out: \S+ (?:got no reply|was never sent|was sent|lost its connection)/, "DEADLINE"],
  [/was in flight for .* when the connection to .* was lost/, "OUTCOME_UNKNOWN"],
  [
    /the circuit for .* has (?:been open|just opened)|no connection to .* for .*Reconnecting in the background/,
    "CIRCUIT_OPEN",
  ],
  [/of its own: its circuit is open/, "CIRCUIT_OPEN"],
  [/got no connection to .* of its own within \d/, "POOL_TIMEOUT"],
  [/was not sent: \d+ commands \(\d+ bytes\) already wait for/, "QUEUE_FULL"],
  [/was aborted by its caller after/, "ABORTED"],
  [/Pass strings, numbers or Buffers\./, "ARGUMENT_INVALID"],
  [
    /the connection that held (?:its|the) (?:WATCH|MULTI)|the transaction was given up after \d+ attempt/,
    "EXEC_ABORTED",
  ],
  [/was given back when the function that borrowed it ended/, "CLIENT_CLOSED"],
  [/did not finish the handshake within|has not finished the handshake yet/, "HANDSHAKE_TIMEOUT"],
  [/has not accepted the connection yet|did not accept the connection within/, "CONNECT_TIMEOUT"],
  [/no reply came over the connection to .* for .* (?:one was|replies were) due/, "RESPONSE_TIMEOUT"],
  [/closed the connection before it was ready/, "CONNECTION_CLOSED_EARLY"],
  [/closed the connection after \d|did not survive a pause of this process/, "CONNECTION_LOST"],
  [
    /sent (?:a reply (?:that nothing had asked for|of a shape that fits no request|longer than `maxReplyBytes`)|a line without an end)/,
    "PROTOCOL_ERROR",
  ],
  [/is loading its data into memory/, "LOADING"],
  // ioredis's words for a client that was ended, which this package keeps.
  [/(?:^|: )Connection is closed\.?$/m, "CLIENT_CLOSED"],
];

/** ioredis says the same where it lost a connection, and nothing else tells the two apart. */
export const CLOSED_ELSEWHERE =
  "In this package the text means that the client was closed. Plain ioredis says the same when a connection was lost: ioredoubt explain CONNECTION_LOST";

/** The page of ioredis's MaxRetriesPerRequestError, which stands for whatever kept it from connecting. */
export const MAX_RETRIES = {
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
} as const;
