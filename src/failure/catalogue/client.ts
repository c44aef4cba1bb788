/** What this client decided by itself: not to wait longer, not to send, not to try again. The cause is usually underneath. */
import type { Entry } from "./entry.js";

const BASE = { area: "client", severity: "error", retryable: true, breaker: "none" } as const;

/** This client and this process. */
export const CLIENT: readonly Entry[] = [
  {
    ...BASE,
    applied: "lost",
    breaker: "read-write",
    code: "DEADLINE",
    name: "deadline passed",
    title: "The command did not settle before its deadline.",
    why: [
      "No connection could be made in time.",
      "The server, or something before this command on the same connection, is slow.",
      "The deadline is shorter than this command needs.",
    ],
    next: [
      {
        say: "See whether it answers now (healthy: PONG; no answer: it hangs; refused: it is down)",
        run: "{within}{cli} ping",
      },
      {
        say: "If it answers: see how fast (healthy: an avg of no more than a few ms; no figure: it has stopped answering)",
        run: "{within}{cli} --latency",
      },
      {
        say: "See the slowest commands (healthy: an empty list; the third number of an entry is its duration in microseconds)",
        run: "{within}{cli} slowlog get 10",
      },
      "If the command is slow by nature, give it a deadline of its own.",
    ],
  },
  {
    ...BASE,
    applied: "lost",
    breaker: "read-write",
    code: "OUTCOME_UNKNOWN",
    name: "outcome unknown",
    title: "The connection was lost after the command was written and before its reply.",
    why: [
      "redis-server was restarted, killed or failed over while the command was in flight.",
      "The network cut the connection.",
    ],
    next: [
      "Read the value the command would have changed, and decide from that.",
      {
        say: "See whether the server was restarted (more than the time since the fault: it was not restarted; no answer: it is down or hangs)",
        run: "{within}{cli} info server | grep uptime_in_seconds",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "CIRCUIT_OPEN",
    name: "failing fast",
    title: "The circuit for {target} is open: the command was not sent.",
    why: ["The endpoint has been unreachable, or most commands failed for the same cause."],
    next: [
      "Look at the cause that opened the circuit: it is in the log's opening line and in this error's `cause`.",
      {
        say: "See whether it answers (healthy: PONG; refused or no answer: Redis is down, hangs, or is somewhere else)",
        run: "{within}{cli} ping",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "QUEUE_FULL",
    name: "queue full",
    title: "Too many commands already wait for {target}: this one was refused.",
    why: [
      "There is no connection at the moment and commands pile up.",
      "The process produces commands faster than the server takes them.",
    ],
    next: [
      {
        say: "See whether it answers (healthy: PONG; refused or no answer: Redis is down, hangs, or is somewhere else)",
        run: "{within}{cli} ping",
      },
      "Slow the producer down: await replies, or send in batches.",
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "POOL_TIMEOUT",
    name: "no pooled connection free",
    title: "No exclusive connection to {target} became free in time.",
    why: [
      "A lease is not given back (a promise that never settles inside `withConnection`).",
      "Work inside the lease takes too long, or blocks (BLPOP).",
      "More callers ask for a connection at once than `pool.max` allows.",
    ],
    next: [
      "Look for the event pool.leak in the log: `borrowedAt` is the line that took the connection and keeps it.",
      "The error's `pool.holders` names who holds a connection, for how long, and the last command of each.",
      {
        say: "See what the connections do (age and idle in seconds, cmd the last command; a growing qbuf or a blocked flag b stands out)",
        run: "{within}{cli} client list",
      },
    ],
  },
  {
    ...BASE,
    applied: "never",
    breaker: "read-write",
    code: "UNAVAILABLE",
    name: "not connected",
    title: "There is no connection to {target}, and this client does not wait for one.",
    why: [
      "The connection is being made or was lost; `enableOfflineQueue: false` (or `queue: false`) says not to wait.",
      "The last connection attempt failed: its error is the cause.",
    ],
    next: [
      {
        say: "See whether it answers (healthy: PONG; refused or no answer: Redis is down, hangs, or is somewhere else)",
        run: "{within}{cli} ping",
      },
      "Wait for `ready` before the first command, or let commands wait (`queue`).",
    ],
  },
  {
    ...BASE,
    severity: "info",
    retryable: false,
    applied: "lost",
    code: "CLIENT_CLOSED",
    name: "client closed",
    title: "This client is closed.",
    why: [
      "A command was issued after shutdown began.",
      "Two parts of the program share a client and one of them closed it.",
      "It gave up: its options cannot work, or `retryStrategy` returned no number.",
    ],
    next: [
      "Stop taking work before you close the client: `await redis.close({ drain })` as the last step of shutdown.",
      "Find out who closed it: search the code for quit(, disconnect( and close(.",
    ],
  },
  {
    ...BASE,
    severity: "info",
    retryable: false,
    applied: "lost",
    code: "ABORTED",
    name: "aborted by the caller",
    title: "The caller's AbortSignal fired.",
    why: ["The request this command belonged to was cancelled or timed out."],
    next: ["Nothing to repair, unless the signal's timeout is too short."],
  },
  {
    ...BASE,
    severity: "fatal",
    retryable: false,
    applied: "never",
    code: "CONFIG_INVALID",
    name: "configuration wrong",
    title: "An option, environment variable or URL of this client is wrong.",
    why: [
      "A value has the wrong type or range, or two options contradict each other.",
      "A special character in the URL's password is not percent-encoded.",
      "A certificate or key file is missing, or is not PEM.",
    ],
    next: [
      "Read the message: it names every wrong value, what was given and what is allowed.",
      {
        say: "See every value and where it came from (healthy: the values you meant, each with its origin; not found: run it in the application's directory)",
        run: "npx --no ioredoubt config",
      },
      "Passwords in URLs: encodeURIComponent(password).",
    ],
  },
];
