/**
 * Every policy value as data: where it sits, what it may be, and one sentence about it. Validation, environment
 * variables, `config`, and the tables of docs/policy.md are all read from here, so that they cannot disagree. The
 * values themselves are in `profiles.ts`.
 */
import { PROVIDER_NAMES } from "./shape.js";

/** How a value is written and checked. Durations are milliseconds, bytes are bytes. */
export type FieldKind = "duration" | "count" | "bytes" | "percentage" | "number" | "choice" | "part";

/** One policy value: where it sits, what it may be and what it means. */
export interface Field {
  /** Where it sits in the `resilience` option, e.g. `retry.minTimeout`. */
  readonly path: string;
  readonly kind: FieldKind;
  readonly min: number;
  readonly max: number;
  /** `Infinity` is allowed beside `max`. */
  readonly endless?: boolean;
  /** `false` is allowed: it switches the value or the whole part off. */
  readonly off?: boolean;
  readonly choices?: readonly string[];
  readonly says: string;
}

/** The longest delay a Node timer can hold: a longer one fires at once. Source: nodejs.org, timers, `setTimeout`. */
export const LONGEST_TIMER = 2_147_483_647;

type More = Pick<Field, "off" | "endless" | "min" | "max">;

function duration(path: string, says: string, more: Partial<More> = {}): Field {
  return { path, kind: "duration", min: 1, max: LONGEST_TIMER, says, ...more };
}
function count(path: string, says: string, more: Partial<More> = {}): Field {
  return { path, kind: "count", min: 1, max: 1_000_000_000, says, ...more };
}
function part(path: string, says: string, off: boolean = true): Field {
  return { path, kind: "part", min: 0, max: 0, off, says };
}
function choice(path: string, choices: readonly string[], says: string): Field {
  return { path, kind: "choice", min: 0, max: 0, choices, says };
}

/** Every policy value, parts before what is in them. */
export const FIELDS: readonly Field[] = [
  duration("deadline", "Total time of one command: waiting, attempts and backoff together.", { off: true }),
  part("retry", "Sending a command again after it failed for a passing reason."),
  count("retry.retries", "How often a command may be sent again after its first failure.", { min: 0, max: 1000 }),
  duration("retry.minTimeout", "First backoff; the real wait is drawn between 0 and it.", { min: 0 }),
  duration("retry.maxTimeout", "Cap of the backoff, applied before the draw.", { min: 0 }),
  { path: "retry.factor", kind: "number", min: 1, max: 10, says: "Growth of the backoff from one retry to the next." },
  choice(
    "retry.ambiguous",
    ["reads", "safe", "replay"],
    "What may be sent again when the connection was lost before the reply: only reads, everything whose second execution changes neither state nor reply, or everything.",
  ),
  part("retry.budget", "Token bucket per endpoint that keeps retries from becoming a storm."),
  count(
    "retry.budget.tokens",
    "Tokens at the start, and a minute after all were spent; each retry takes one. Successes may save up ten times as many.",
    {
      min: 2,
    },
  ),
  { path: "retry.budget.refill", kind: "number", min: 0, max: 100, says: "Tokens that each success returns." },
  part("breaker", "Failing at once while the endpoint is known to be down."),
  duration(
    "breaker.downAfter",
    "How long the endpoint must be unreachable before new commands fail fast; what waits then keeps its own deadline.",
    { min: 0 },
  ),
  {
    path: "breaker.errorThresholdPercentage",
    kind: "percentage",
    min: 1,
    max: 100,
    says: "Share of failures in the window that opens the circuit while connected.",
  },
  count("breaker.volumeThreshold", "Outcomes that must be in the window before the percentage counts."),
  duration("breaker.rollingCountTimeout", "Length of the window.", { min: 10 }),
  duration("breaker.resetTimeout", "First wait before a probe; each reopening doubles it, with jitter."),
  duration("breaker.maxResetTimeout", "Cap of the wait before a probe."),
  duration("breaker.probeTimeout", "Deadline of the client's own probe."),
  part("queue", "Waiting for a connection; off means a command fails at once when there is none."),
  count("queue.maxCommands", "Commands that may wait at the same time.", { endless: true }),
  {
    path: "queue.maxBytes",
    kind: "bytes",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    endless: true,
    says: "Bytes of commands that may wait at the same time.",
  },
  choice(
    "queue.wait",
    ["deadline", "forever"],
    "Whether waiting counts against the deadline, or a command waits for a connection without limit and its deadline starts when it can be sent.",
  ),
  part(
    "inFlight",
    "Commands that are written and not answered; what comes beyond the bounds waits for its turn.",
    false,
  ),
  count("inFlight.maxCommands", "Commands that may be in flight at the same time.", { endless: true }),
  {
    path: "inFlight.maxBytes",
    kind: "bytes",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    endless: true,
    says: "Bytes of commands that may be in flight at the same time; one command always fits.",
  },
  duration(
    "silenceHold",
    "A connection that owes a reply and has been silent for this long is sent nothing more until it answers; new commands wait. Capped at half of the deadline, but never below three round trips. Has no effect with `queue: false`.",
    { off: true },
  ),
  {
    path: "maxReplyBytes",
    kind: "bytes",
    min: 1024,
    max: Number.MAX_SAFE_INTEGER,
    endless: true,
    says: "The longest value or list that the server may announce in a reply; a longer one is a `REPLY_TOO_LONG`, before it is read.",
  },
  part("reconnect", "Opening a lost connection again; there is no limit on the number of attempts.", false),
  duration("reconnect.minTimeout", "First backoff; the real wait is drawn between 0 and it.", { min: 0 }),
  duration("reconnect.maxTimeout", "Cap of the backoff, applied before the draw."),
  duration(
    "reconnect.stableAfter",
    "How long a connection must stay up before the backoff starts from the bottom again.",
    { min: 0 },
  ),
  duration(
    "reconnect.handshakeTimeout",
    "From dialling to ready, with TLS, AUTH and SELECT. Where that usually takes milliseconds, silence is given up on sooner.",
  ),
  part("sentinel", "Asking Sentinels where the server is.", false),
  duration(
    "sentinel.connectTimeout",
    "How long a Sentinel may take to accept a connection, TLS included; doubles while none does.",
  ),
  duration("sentinel.answerTimeout", "How long a Sentinel may take to answer; doubles while none does."),
  duration("sentinel.hedgeAfter", "Without an answer for so long, the next Sentinel is asked as well."),
  part("heartbeat", "Finding connections that are dead but look open."),
  duration(
    "heartbeat.interval",
    "An idle connection is sent a PING after this long; a longer block is split into pieces of this length.",
  ),
  duration("heartbeat.timeout", "A connection that owes a reply and stays silent this long is destroyed."),
  part("pool", "How many connections there are, and how long each is used.", false),
  count("pool.size", "Shared connections for ordinary commands.", { max: 1000 }),
  count("pool.min", "Leased connections (transactions and the like) kept open once they were needed.", {
    min: 0,
    max: 10_000,
  }),
  count("pool.max", "Leased connections at most.", { min: 0, max: 10_000 }),
  count("pool.blocking", "Connections for blocking commands at most; 0 leaves those on the shared connection.", {
    min: 0,
    max: 10_000,
  }),
  duration("pool.acquireTimeout", "How long a caller waits for a leased connection."),
  duration("pool.idleTimeout", "A leased connection unused for this long is closed."),
  duration("pool.maxLifetime", "A leased connection is replaced after this long."),
  duration("pool.leakAfter", "A connection lent for this long is reported, with the stack of the borrower."),
  duration("summaryInterval", "How often a running outage writes its summary line."),
  {
    ...choice(
      "provider",
      PROVIDER_NAMES,
      "Preset for the hosting provider: found by host name, named, or switched off.",
    ),
    off: true,
  },
];

const byPath = new Map(FIELDS.map((field) => [field.path, field]));

/** The field at a path, or `undefined`. */
export function fieldAt(path: string): Field | undefined {
  return byPath.get(path);
}

/** The direct children of a part, or of the whole policy for `""`. */
export function fieldsUnder(path: string): readonly Field[] {
  const prefix = path === "" ? "" : `${path}.`;
  return FIELDS.filter(
    (f) => f.path.startsWith(prefix) && f.path !== path && !f.path.slice(prefix.length).includes("."),
  );
}

/** Name of the environment variable of a field, without a prefix: `retry.minTimeout` is `IOREDOUBT_RETRY_MIN_TIMEOUT`. */
export function variableOf(path: string): string {
  return `IOREDOUBT_${path.replaceAll(".", "_").replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** What is allowed, in words for an error message. */
export function allowedBy(field: Field): string {
  const off = field.off === true ? ", or false to switch it off" : "";
  const endless = field.endless === true ? " or Infinity" : "";
  const range = field.max >= 1_000_000_000 ? `of at least ${field.min}` : `from ${field.min} to ${field.max}`;
  switch (field.kind) {
    case "duration":
      return `must be a number of milliseconds, ${field.min} to ${field.max}${off}`;
    case "count":
      return `must be a whole number ${range}${endless}${off}`;
    case "bytes":
      return `must be a whole number of bytes, at least ${field.min}${endless}${off}`;
    case "percentage":
      return `must be a percentage from ${field.min} to ${field.max}`;
    case "number":
      return `must be a number from ${field.min} to ${field.max}`;
    case "choice":
      return `must be one of ${(field.choices ?? []).map((c) => `"${c}"`).join(", ")}${off}`;
    case "part":
      return `must be an object with ${fieldsUnder(field.path)
        .map((f) => f.path.slice(field.path.length + 1))
        .join(", ")}${off}`;
  }
}
