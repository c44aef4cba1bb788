/**
 * The errors a command can get from this client, each built at this one place. Messages say what happened, the numbers
 * and the next step; they name the command and nothing of its arguments.
 */
import { effectOf } from "../command/effect.js";
import { classify } from "../failure/classify.js";
import type { Applied, FailureContext } from "../failure/diagnosis.js";
import {
  AbortedError,
  CircuitOpenError,
  ClosedError,
  DeadlineError,
  OutcomeUnknownError,
  QueueFullError,
  TransactionAbortedError,
  UnavailableError,
  IoredoubtError,
  type IoredoubtErrorDetails,
} from "../failure/errors.js";
import { stateOf } from "../failure/state.js";
import { formatDuration } from "../format.js";
import type { Breaker } from "../endpoint/breaker.js";
import type { Call } from "./call.js";
import type { FailureSnapshot } from "./failure-snapshot.js";
import type { QueueBounds, QueueSize } from "./offline-queue.js";
import type { Hindrance } from "./retry-decision.js";
import type { Flaw } from "./ports.js";
import type { LostGuard } from "./session-state.js";
import { because, whyWaiting } from "./why-waiting.js";

/** The text that ioredis gives every command refused or flushed because the client ended. Code in the field compares it. */
export const CLOSED_MESSAGE = "Connection is closed.";

/** The text of ioredis's refusal when it may not queue. */
export const NOT_WRITABLE_MESSAGE = "Stream isn't writeable and enableOfflineQueue options is false";

function details(call: Call, snapshot: FailureSnapshot, last: Applied, now: number): IoredoubtErrorDetails {
  // What became of the last send does not undo an earlier one.
  const applied = call.isUncertain ? "maybe" : last;
  const elapsed = now - call.startedAt;
  const command = call.facts.shown;
  const { attempts } = call;
  const context = sinceSent(snapshot.context, snapshot.at - call.sentAt);
  return {
    cause: snapshot.cause,
    applied,
    attempts,
    elapsed,
    endpoint: snapshot.label,
    command,
    diagnosis: (error) =>
      classify(error, { ...context, command, written: applied === "maybe", elapsedMs: elapsed, attempts }),
    state: () => stateOf(snapshot.label, { ...context, command, elapsedMs: elapsed, attempts }),
  };
}

/** A connection that has been silent for longer than the command is out: not a byte came back since. */
function sinceSent(context: FailureContext, inFlight: number): FailureContext {
  const { connection } = context;
  if (connection?.silentMs === undefined || connection.silentMs < Math.round(inFlight)) return context;
  return { ...context, connection: { ...connection, bytesReadSince: 0 } };
}

function name(call: Call): string {
  return call.facts.shown.toUpperCase();
}

function again(call: Call): string {
  return call.isUncertain ? " again after its connection was lost (it may have been executed)" : "";
}

export function deadlineWaiting(call: Call, snapshot: FailureSnapshot, now: number): DeadlineError {
  const tried = call.isUncertain
    ? "lost its connection before the reply and waited to be sent again"
    : call.attempts === 0
      ? "was never sent"
      : call.attempts === 1
        ? "was sent once and refused"
        : `was sent ${String(call.attempts)} times and refused each time`;
  const effect = call.isUncertain
    ? "It may have been executed; a second execution does no harm."
    : "Nothing was executed; it is safe to try again.";
  const { sentence, cause } = whyWaiting(snapshot);
  return new DeadlineError(
    "DEADLINE",
    `Command timed out: ${name(call)} ${tried}; it waited ${formatDuration(now - call.startedAt)} for ${snapshot.label}.${sentence} ${effect}`,
    details(call, { ...snapshot, cause }, "no", now),
  );
}

export function deadlineInFlight(call: Call, snapshot: FailureSnapshot, now: number): DeadlineError {
  const { loop, head } = snapshot.context;
  const stalled =
    loop !== undefined
      ? ` This process's event loop was blocked for ${formatDuration(loop.blockedMs)} of that time.`
      : "";
  const behind =
    head !== undefined && head.behind > 0
      ? ` ${String(head.behind)} ${head.behind === 1 ? "command waits" : "commands wait"} behind ${head.command.toUpperCase()}, in flight for ${formatDuration(head.forMs)}.`
      : "";
  const isRead = effectOf(call.facts.name, call.command.args).kind === "read";
  const advice = isRead ? "It only reads: repeating it does no harm." : "Check the effect before repeating it.";
  return new DeadlineError(
    "DEADLINE",
    `Command timed out: ${name(call)} got no reply from ${snapshot.label} within ${formatDuration(now - call.startedAt)}; it may have been executed.${stalled}${behind} ${advice}`,
    details(call, snapshot, "maybe", now),
  );
}

const WHY_NOT_REPEATED: Readonly<Record<Exclude<Hindrance, "harm">, string>> = {
  "garbled replies": "what came next on its connection could not be read",
  "refused in part": "a part of its transaction had been refused",
  "switched off": "sending again is switched off (`retry`)",
  "used up": "it has been sent again as often as `retry.retries` allows",
  late: "its deadline was too close",
  "no room": "as many commands as `queue` allows were already waiting to be sent again",
  budget: "the retry budget of the endpoint (`retry.budget`) is used up",
  "no login": "the server refused the connection that it waited for",
};

/** `hindrance`: why it was not sent again. */
export function outcomeUnknown(
  call: Call,
  snapshot: FailureSnapshot,
  now: number,
  hindrance: Hindrance,
): OutcomeUnknownError {
  const advice =
    hindrance === "harm"
      ? "It was not sent again, because a second execution could do harm. Read the state before repeating it."
      : `It was not sent again, because ${WHY_NOT_REPEATED[hindrance]}. Repeating it does no harm.`;
  return new OutcomeUnknownError(
    "OUTCOME_UNKNOWN",
    `${name(call)} was in flight for ${formatDuration(now - call.sentAt)} when the connection to ${snapshot.label} was lost; it may have been executed.${because(snapshot)} ${advice}`,
    details(call, snapshot, "maybe", now),
  );
}

export function circuitOpen(
  call: Call,
  snapshot: FailureSnapshot,
  circuit: Breaker,
  retryAfter: number,
  now: number,
): CircuitOpenError {
  const what = circuit.kind === "write" ? "writes to" : "";
  const why = circuit.cause === undefined ? "" : ` It opened because of ${circuit.cause.code}: ${circuit.cause.title}`;
  return new CircuitOpenError(
    `${name(call)} was not sent${again(call)}: the circuit for ${what === "" ? "" : `${what} `}${snapshot.label} ${openSince(now - circuit.changedAt)}.${why} ${nextProbe(retryAfter)}`,
    retryAfter,
    details(call, snapshot, "no", now),
  );
}

function openSince(ms: number): string {
  return ms < 1 ? "has just opened" : `has been open for ${formatDuration(ms)}`;
}

function nextProbe(retryAfter: number): string {
  return retryAfter < 1 ? "A probe is under way." : `Next probe in ${formatDuration(retryAfter)}.`;
}

/** This client has had no connection for `downFor`, although the circuit it shares with others may still be closed. */
export function unreachable(
  call: Call,
  snapshot: FailureSnapshot,
  downFor: number,
  retryAfter: number,
  now: number,
): CircuitOpenError {
  return new CircuitOpenError(
    `${name(call)} was not sent${again(call)}: no connection to ${snapshot.label} for ${formatDuration(downFor)}.${because(snapshot)} Reconnecting in the background.`,
    retryAfter,
    details(call, snapshot, "no", now),
  );
}

export function queueFull(
  call: Call,
  snapshot: FailureSnapshot,
  size: QueueSize,
  limits: QueueBounds,
  now: number,
): QueueFullError {
  const { sentence, cause } = whyWaiting(snapshot);
  return new QueueFullError(
    "QUEUE_FULL",
    `${name(call)} was not sent: ${String(size.commands)} commands (${String(size.bytes)} bytes) already wait for ${snapshot.label}; the limits are ${String(limits.maxCommands)} and ${String(limits.maxBytes)} bytes.${sentence}`,
    details(call, { ...snapshot, cause }, "no", now),
  );
}

export function unavailable(call: Call, snapshot: FailureSnapshot, now: number): UnavailableError {
  return new UnavailableError("UNAVAILABLE", NOT_WRITABLE_MESSAGE, details(call, snapshot, "no", now));
}

export function closed(call: Call, snapshot: FailureSnapshot, now: number): ClosedError {
  const applied = call.state === "sent" || call.state === "lost" ? "maybe" : "no";
  return new ClosedError("CLIENT_CLOSED", CLOSED_MESSAGE, details(call, snapshot, applied, now));
}

export function aborted(call: Call, snapshot: FailureSnapshot, now: number): AbortedError {
  const applied = call.state === "waiting" && !call.isUncertain ? "no" : "maybe";
  const effect = applied === "no" ? "nothing was executed" : "it may have been executed";
  return new AbortedError(
    "ABORTED",
    `${name(call)} was aborted by its caller after ${formatDuration(now - call.startedAt)}; ${effect}.`,
    {
      ...details(call, snapshot, applied, now),
      cause: call.options?.signal?.reason,
    },
  );
}

/** An argument of the call, or of another member of its batch, cannot be encoded. */
export function unencodable(call: Call, snapshot: FailureSnapshot, flaw: Flaw, now: number): IoredoubtError {
  const culprit = flaw.command.toUpperCase();
  const whose = call.batch === undefined ? "" : ` (${culprit} of this batch; nothing of the batch was sent)`;
  return new IoredoubtError(
    "ARGUMENT_INVALID",
    `${name(call)} was not sent${again(call)}: ${flaw.what}${whose}. ${flaw.instead ?? "Pass strings, numbers or Buffers."}`,
    { ...details(call, { ...snapshot, cause: undefined }, "no", now) },
  );
}

const WHY_ABORTED: Readonly<Record<LostGuard, string>> = {
  WATCH: "the connection that held its WATCH was lost, so the watched keys are no longer guarded",
  MULTI: "the connection that held its MULTI was lost, so the commands queued so far are gone",
  "refused MULTI": "the MULTI that it was issued behind was refused, so it would have run on its own",
};

/** Neither EXEC nor DISCARD of its MULTI will be sent. */
export function transactionUnended(call: Call, snapshot: FailureSnapshot, now: number): TransactionAbortedError {
  return new TransactionAbortedError(
    "EXEC_ABORTED",
    `${name(call)} was not sent: the EXEC or DISCARD of its MULTI was refused, so it would have run on its own. Nothing of the transaction was executed; start it again.`,
    details(call, { ...snapshot, cause: undefined }, "no", now),
  );
}

/** EXEC would execute the rest of what its caller asked for. */
export function transactionIncomplete(call: Call, snapshot: FailureSnapshot, now: number): TransactionAbortedError {
  return new TransactionAbortedError(
    "EXEC_ABORTED",
    `${name(call)} was refused: a command of its MULTI was never sent, so the rest was discarded. Nothing was executed; the error of that command tells why.`,
    details(call, { ...snapshot, cause: undefined }, "no", now),
  );
}

export function transactionAborted(
  call: Call,
  snapshot: FailureSnapshot,
  guard: LostGuard,
  now: number,
): TransactionAbortedError {
  return new TransactionAbortedError(
    "EXEC_ABORTED",
    `${name(call)} was refused: ${WHY_ABORTED[guard]}. Nothing was executed; start the transaction again.`,
    details(call, snapshot, "no", now),
  );
}

/** Whether a command that got this error was certainly never sent, so that a fallback may answer for it. */
export function isUnsent(error: Error): error is IoredoubtError {
  return IoredoubtError.is(error) && error.applied === "no" && FALLBACK_CODES.has(error.code);
}

const FALLBACK_CODES: ReadonlySet<string> = new Set(["CIRCUIT_OPEN", "QUEUE_FULL", "UNAVAILABLE", "DEADLINE"]);
