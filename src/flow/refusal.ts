/**
 * The errors a command can get from this client, each built at this one place. Messages say what happened, the numbers
 * and the next step; they name the command and nothing of its arguments.
 */
import type { Call } from "../command/call.js";
import { CLOSED_MESSAGE, NOT_WRITABLE_MESSAGE } from "../connection/internals.js";
import type { Flaw } from "../command/encoding.js";
import { classify } from "../failure/classify.js";
import type { Applied, FailureContext, Phase } from "../failure/diagnosis.js";
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
import { redactText } from "../failure/redact.js";
import { stateOf } from "../failure/state.js";
import type { QueuePolicy } from "../policy/shape.js";
import type { Circuit } from "./circuit.js";
import type { GateStats } from "./gate.js";

/** What is known when a command fails, captured once for all commands that fail together. */
export interface Scene {
  readonly label: string;
  readonly context: FailureContext;
  /** The last thing that went wrong with the connection. */
  readonly cause: Error | undefined;
}

function details(call: Call, scene: Scene, last: Applied, now: number): IoredoubtErrorDetails {
  // What became of the last send does not undo an earlier one.
  const applied = call.isUncertain ? "maybe" : last;
  const elapsed = now - call.startedAt;
  const command = call.traits.name;
  const { attempts } = call;
  const context = sinceSent(scene.context, now - call.sentAt);
  return {
    cause: scene.cause,
    applied,
    attempts,
    elapsed,
    endpoint: scene.label,
    command,
    diagnosis: (error) =>
      classify(error, { ...context, command, written: applied === "maybe", elapsedMs: elapsed, attempts }),
    state: () => stateOf(scene.label, { ...context, command, elapsedMs: elapsed, attempts }),
  };
}

/** A connection that has been silent for longer than the command is out: not a byte came back since. */
function sinceSent(context: FailureContext, inFlight: number): FailureContext {
  const { connection } = context;
  if (connection?.silentMs === undefined || connection.silentMs < Math.round(inFlight)) return context;
  return { ...context, connection: { ...connection, bytesReadSince: 0 } };
}

function name(call: Call): string {
  return call.traits.name.toUpperCase();
}

function span(ms: number): string {
  return ms < 10_000 ? `${String(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function because(scene: Scene): string {
  const { lastWords } = scene.context.connection ?? {};
  // Whoever was told why need not guess from what became of the socket.
  if (lastWords !== undefined)
    return ` The server's last words were: ${redactText(lastWords, 100).replace(/\.$/, "")}.`;
  return scene.cause === undefined ? "" : ` Last connection error: ${scene.cause.message || scene.cause.name}.`;
}

function again(call: Call): string {
  return call.isUncertain ? " again after its connection was lost (it may have been executed)" : "";
}

export function deadlineWaiting(call: Call, scene: Scene, now: number): DeadlineError {
  const tried = call.isUncertain
    ? "lost its connection before the reply and waited to be sent again"
    : call.attempts === 0
      ? "was never sent"
      : `was sent ${String(call.attempts)} times and refused each time`;
  const effect = call.isUncertain
    ? "It may have been executed; a second execution does no harm."
    : "Nothing was executed; it is safe to try again.";
  return new DeadlineError(
    "DEADLINE",
    `Command timed out: ${name(call)} ${tried}; it waited ${span(now - call.startedAt)} for ${scene.label}.${because(scene)} ${effect}`,
    details(call, scene, "no", now),
  );
}

export function deadlineInFlight(call: Call, scene: Scene, now: number): DeadlineError {
  const { loop, head } = scene.context;
  const stalled =
    loop !== undefined ? ` This process's event loop was blocked for ${span(loop.blockedMs)} of them.` : "";
  const behind =
    head !== undefined && head.behind > 0
      ? ` ${String(head.behind)} ${head.behind === 1 ? "command waits" : "commands wait"} behind ${head.command.toUpperCase()}, in flight for ${span(head.forMs)}.`
      : "";
  return new DeadlineError(
    "DEADLINE",
    `Command timed out: ${name(call)} got no reply from ${scene.label} within ${span(now - call.startedAt)}; it may have been executed.${stalled}${behind} Check the effect before repeating a write.`,
    details(call, scene, "maybe", now),
  );
}

export function outcomeUnknown(call: Call, scene: Scene, now: number, safe: boolean): OutcomeUnknownError {
  const advice = safe
    ? "Repeating it does no harm; it was not repeated here because the replies made no sense, or retries are used up, over budget or switched off."
    : "It was not sent again, because a second execution could do harm. Read the state before repeating it.";
  return new OutcomeUnknownError(
    "OUTCOME_UNKNOWN",
    `${name(call)} was in flight for ${span(now - call.sentAt)} when the connection to ${scene.label} was lost; it may have been executed.${because(scene)} ${advice}`,
    details(call, scene, "maybe", now),
  );
}

export function circuitOpen(
  call: Call,
  scene: Scene,
  circuit: Circuit,
  retryAfter: number,
  now: number,
): CircuitOpenError {
  const what = circuit.kind === "write" ? "writes to" : "";
  const why = circuit.cause === undefined ? "" : ` It opened because of ${circuit.cause.code}: ${circuit.cause.title}`;
  return new CircuitOpenError(
    `${name(call)} was not sent${again(call)}: the circuit for ${what === "" ? "" : `${what} `}${scene.label} has been open for ${span(now - circuit.changedAt)}.${why} Next probe in ${span(retryAfter)}.`,
    retryAfter,
    details(call, scene, "no", now),
  );
}

/** This client has had no connection for `downFor`, although the circuit it shares with others may still be closed. */
export function unreachable(
  call: Call,
  scene: Scene,
  downFor: number,
  retryAfter: number,
  now: number,
): CircuitOpenError {
  return new CircuitOpenError(
    `${name(call)} was not sent${again(call)}: no connection to ${scene.label} for ${span(downFor)}.${because(scene)} Reconnecting in the background.`,
    retryAfter,
    details(call, scene, "no", now),
  );
}

export function queueFull(
  call: Call,
  scene: Scene,
  stats: GateStats,
  limits: QueuePolicy,
  now: number,
): QueueFullError {
  return new QueueFullError(
    "QUEUE_FULL",
    `${name(call)} was not sent: ${String(stats.commands)} commands (${String(stats.bytes)} bytes) already wait for ${scene.label}; the limits are ${String(limits.maxCommands)} and ${String(limits.maxBytes)} bytes.${because(scene)}`,
    details(call, scene, "no", now),
  );
}

export function unavailable(call: Call, scene: Scene, now: number): UnavailableError {
  return new UnavailableError("UNAVAILABLE", NOT_WRITABLE_MESSAGE, details(call, scene, "no", now));
}

export function closed(call: Call, scene: Scene, now: number): ClosedError {
  const applied = call.state === "sent" || call.state === "lost" ? "maybe" : "no";
  return new ClosedError("CLIENT_CLOSED", CLOSED_MESSAGE, details(call, scene, applied, now));
}

export function aborted(call: Call, scene: Scene, now: number): AbortedError {
  const applied = call.state === "waiting" && !call.isUncertain ? "no" : "maybe";
  const effect = applied === "no" ? "it was never sent" : "it may have been executed";
  return new AbortedError(
    "ABORTED",
    `${name(call)} was aborted by its caller after ${span(now - call.startedAt)}; ${effect}.`,
    {
      ...details(call, scene, applied, now),
      cause: call.options?.signal?.reason,
    },
  );
}

/** An argument of the call, or of another member of its batch, cannot be encoded. */
export function unencodable(call: Call, scene: Scene, flaw: Flaw, now: number): IoredoubtError {
  const culprit = flaw.command.toUpperCase();
  const whose = call.batch === undefined ? "" : ` (${culprit} of this batch; nothing of the batch was sent)`;
  return new IoredoubtError(
    "ARGUMENT_INVALID",
    `${name(call)} was not sent${again(call)}: ${flaw.what}${whose}. Pass strings, numbers or Buffers.`,
    { ...details(call, { ...scene, cause: undefined }, "no", now) },
  );
}

/** Another member of the batch was refused, and a batch is written whole or not at all. */
export function besideRefused(call: Call, scene: Scene, refused: Call, cause: Error, now: number): IoredoubtError {
  return new IoredoubtError(
    classify(cause, { ...scene.context, command: refused.traits.name, written: false }).code,
    `${name(call)} was not sent${again(call)}: ${name(refused)} of the same batch was refused, so nothing of the batch was sent. ${cause.message}`,
    details(call, { ...scene, cause }, "no", now),
  );
}

export function transactionAborted(
  call: Call,
  scene: Scene,
  held: "WATCH" | "MULTI",
  now: number,
): TransactionAbortedError {
  return new TransactionAbortedError(
    "EXEC_ABORTED",
    `${name(call)} was refused: the connection that held its ${held} was lost, so ${held === "WATCH" ? "the watched keys are no longer guarded" : "the commands queued so far are gone"}. Nothing was executed; start the transaction again.`,
    details(call, scene, "no", now),
  );
}

/** Nothing has failed yet, but the attempt to connect has taken too long already. */
export function noConnection(label: string, phase: Phase | undefined): IoredoubtError {
  return phase === "handshake"
    ? new IoredoubtError("HANDSHAKE_TIMEOUT", `${label} has not finished the handshake yet`, { endpoint: label })
    : new IoredoubtError("CONNECT_TIMEOUT", `${label} has not accepted the connection yet`, { endpoint: label });
}

/** Why a connection that owes replies was destroyed. */
export function silentConnection(label: string, silence: number): IoredoubtError {
  return new IoredoubtError(
    "RESPONSE_TIMEOUT",
    `the connection to ${label} was silent for ${span(silence)} while replies were due; it was destroyed so that a new one can take over`,
    { endpoint: label },
  );
}

/** Whether a command that got this error was certainly never sent, so that a fallback may answer for it. */
export function isUnsent(error: Error): error is IoredoubtError {
  return IoredoubtError.is(error) && error.applied === "no" && FALLBACK_CODES.has(error.code);
}

const FALLBACK_CODES: ReadonlySet<string> = new Set(["CIRCUIT_OPEN", "QUEUE_FULL", "UNAVAILABLE", "DEADLINE"]);
