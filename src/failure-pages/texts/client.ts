/** This client and this process: the long texts of the pages. */
import type { Page } from "../page.js";

const NOT_SENT = "The command was not sent, so nothing was executed.";

/** This client and this process. */
export const CLIENT = {
  DEADLINE: {
    means:
      'The deadline covers everything: waiting for a connection, every attempt, every pause between them. `applied` says whether the command may have been executed: "no" when it never left this process.',
    findOut: [
      "Read `cause` and `diagnosis.why`: they name the last connection error and what was in the way.",
      { say: "Who is slow?", run: "{cli} latency doctor" },
    ],
    fix: [
      "Fix the underlying cause.",
      "A command that waits its turn or for a connection: give it a longer deadline with `redis.withDeadline(ms)`.",
      "A command that the server itself works on for longer than `heartbeat.timeout` (5 s): no deadline of its own helps, since a connection that is silent that long is replaced. Give such commands a client of their own with a longer `deadline` and `heartbeat.timeout`.",
    ],
    prevent: ["Set the deadline from what callers can wait, above the p99 of healthy replies."],
    examples: ["Timed out after 300ms ETIMEDOUT"],
  },
  OUTCOME_UNKNOWN: {
    means:
      "The server may or may not have executed it; nobody on this side can know. It was not sent again, either because a second execution could do harm, or because nothing more could be tried: the message says which.",
    findOut: [
      '`applied` is "maybe"; `cause` is the connection error.',
      "The message says why it was not sent again: harm, retries used up or switched off, no time or room left, the endpoint's retry budget, a connection that could not be read any further.",
    ],
    fix: [
      'Repeat it if a second execution does no harm (`retry.ambiguous: "replay"` for such calls).',
      "Otherwise read the state first.",
    ],
    prevent: [
      "Prefer commands that may run twice: SET over INCR, ZADD over LPUSH, a SET NX with a request id before the rest.",
      "Put check and change into one script with a request id.",
    ],
    examples: [],
  },
  CIRCUIT_OPEN: {
    means: `${NOT_SENT} The endpoint has failed enough to stop asking it with callers' commands; this client probes it and closes the circuit when it answers.`,
    findOut: [
      "`redis.health()` and `redis.stats()` show the state of the circuits and the next probe.",
      "Only writes fail? Then it is the write circuit: memory, replica or persistence.",
    ],
    fix: ["Repair the cause; the circuit closes by itself.", "Serve without Redis meanwhile: the `fallback` option."],
    prevent: ["Decide what your service does without Redis, before it has to."],
    examples: ["Breaker is open EOPENBREAKER"],
  },
  QUEUE_FULL: {
    means: `${NOT_SENT} The queue is bounded in commands and bytes so that an outage of Redis does not become an outage of this process.`,
    findOut: ["`redis.stats().waiting` shows how many wait, and how many bytes they hold."],
    fix: [
      "Repair the connection; the error log names the cause.",
      "Raise `queue.maxCommands` only if memory and callers allow for it.",
    ],
    prevent: ["Limit concurrency where commands are produced."],
    examples: ["Semaphore locked ESEMLOCKED"],
  },
  POOL_TIMEOUT: {
    means: `${NOT_SENT} All leased connections are in use.`,
    findOut: ["`redis.stats().pool` shows how many are open, leased and waited for."],
    fix: [
      "Do only Redis work inside a lease; no HTTP calls.",
      "Raise `pool.max` if the server's maxclients allows for it.",
    ],
    prevent: ["Blocking commands get a client of their own."],
    examples: [],
  },
  UNAVAILABLE: {
    means: NOT_SENT,
    findOut: ["`redis.health()` names the last connection error."],
    fix: ["Fix the connection; the error underneath says how."],
    prevent: ["Let commands wait for a moment: a short bounded queue rides out most reconnects."],
    examples: [
      "Stream isn't writeable and enableOfflineQueue options is false",
      "Cluster isn't ready and enableOfflineQueue options is false",
    ],
  },
  CLIENT_CLOSED: {
    means:
      "quit(), disconnect() or close() was called, or the client gave up for good: `cause` says why then. A command that was in flight at that moment may have been executed; later ones were not sent.",
    findOut: ["The stack of this error shows the command that came too late."],
    fix: ["Close in the reverse order of opening: server, workers, then Redis."],
    prevent: ["One owner per client."],
    examples: ["Cluster is ended.", "The circuit has been shutdown. ESHUTDOWN", "Connection is aborted"],
  },
  ABORTED: {
    means: '`applied` says whether the command may have been executed: "no" when it had not been sent yet.',
    findOut: ["`cause` is the signal's reason."],
    fix: ["Give the signal more time, or the command a shorter deadline."],
    prevent: ["Let deadline and signal come from one budget."],
    examples: ["This operation was aborted ABORT_ERR"],
  },
  CONFIG_INVALID: {
    means: "It was found before anything was sent.",
    findOut: ["`error.problems` lists path, given and allowed."],
    fix: ["Correct the value where it comes from."],
    prevent: ["Create the client at start, so that a wrong value stops the deployment and not the first request."],
    examples: [
      "Invalid URL ERR_INVALID_URL",
      "URI malformed",
      "Invalid argument {}",
      "ENOENT: no such file or directory, open '/etc/tls/ca.pem'",
      "error:1E08010C:DECODER routines::unsupported",
    ],
  },
} as const satisfies Readonly<Record<string, Page>>;
