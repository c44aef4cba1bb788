/**
 * A pipeline or MULTI batch: the calls that ioredis writes to the socket as one piece, once the last of them has been
 * handed over. So it is admitted, made to wait, expired and resent as a whole: a part of it must never be written, and
 * none of it may wait for a write that will not come.
 */
import type { BatchStream } from "../connection/internals.js";
import type { Call } from "./call.js";

/** What the first member was told; the others follow it. */
export type Verdict =
  | { readonly kind: "send" }
  | { readonly kind: "wait" }
  | { readonly kind: "reject"; readonly error: (call: Call) => Error };

/** A member that the server refused for a passing reason. */
export interface Refused {
  readonly call: Call;
  readonly error: Error;
}

export class Batch {
  readonly calls: Call[] = [];
  verdict: Verdict;
  /** The batch holds a MULTI: its members share one fate. */
  transaction = false;
  /** A member needs a writable server. Known once the batch is complete. */
  writes = false;
  /** Its EXEC counts on a WATCH of the connection it was sent on. */
  tied = false;
  /** A member was executed, so the batch can no longer be resent as a whole. */
  partial = false;
  /** Members refused by a passing server state, waiting for the fate of the rest. */
  refused: Refused[] = [];
  #answered = 0;

  constructor(verdict: Verdict) {
    this.verdict = verdict;
  }

  add(call: Call): void {
    this.calls.push(call);
    call.batch = this;
    if (call.traits.writes) this.writes = true;
    else if (call.traits.name === "multi") this.transaction = true;
  }

  /** A member was answered well. Returns the refused ones whose fate that decides. */
  replied(call: Call, value: unknown): Refused[] {
    this.#answered++;
    const inFrame = this.transaction && call.traits.name !== "exec";
    if (!(inFrame && (call.traits.name === "multi" || isQueued(value)))) this.partial = true;
    return this.refused.length > 0 && (this.partial || this.isAnswered) ? this.takeRefused() : NONE;
  }

  /** A member was refused in a way that a retry of the whole batch would mend; `false` when it is too late for that. */
  hold(call: Call, error: Error): boolean {
    if (this.partial) return false;
    this.#answered++;
    this.refused.push({ call, error });
    return true;
  }

  /** A member failed for good. Returns the refused ones whose fate that decides. */
  failed(): Refused[] {
    this.#answered++;
    this.partial = true;
    return this.takeRefused();
  }

  get isAnswered(): boolean {
    return this.#answered >= this.calls.length;
  }

  takeRefused(): Refused[] {
    const { refused } = this;
    this.refused = [];
    return refused;
  }

  /** Forgets what earlier sends brought, before the batch is sent again. */
  restart(): void {
    this.#answered = 0;
    this.partial = false;
    this.refused = [];
  }
}

const QUEUED = Buffer.from("QUEUED");

/** The server has put the command off until EXEC. */
function isQueued(value: unknown): boolean {
  return Buffer.isBuffer(value) ? value.length === QUEUED.length && QUEUED.equals(value) : value === "QUEUED";
}

const NONE: Refused[] = [];

/** These calls, and with each member of a batch all others of it that still wait: its stream writes all of them or none. */
export function withBatches(calls: readonly Call[]): Set<Call> {
  const all = new Set<Call>();
  for (const call of calls) {
    if (all.has(call)) continue;
    for (const member of call.batch?.calls ?? [call]) if (member.state === "waiting") all.add(member);
  }
  return all;
}

/** Kept on the stream itself: a weak map costs more, once for each member. */
const BATCH = Symbol("ioredoubt.batch");
type Marked = BatchStream & { [BATCH]?: Batch };

export function batchOf(stream: BatchStream): Batch | undefined {
  return (stream as Marked)[BATCH];
}

export function startBatch(stream: BatchStream, verdict: Verdict): Batch {
  return ((stream as Marked)[BATCH] = new Batch(verdict));
}
