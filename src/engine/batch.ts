/**
 * A pipeline or MULTI batch: the calls that ioredis writes to the socket as one piece, once the last of them has been
 * handed over. So it is admitted, made to wait, expired and resent as a whole: a part of it must never be written, and
 * none of it may wait for a write that will not come.
 */
import type { CommandFacts } from "../command/facts.js";

/** What a batch knows of its members. */
export interface BatchMember<C extends BatchMember<C>> {
  readonly facts: CommandFacts;
  batch: Batch<C> | undefined;
}

/** What the first member was told; the others follow it. */
export type BatchVerdict<C> =
  | { readonly kind: "send" }
  | { readonly kind: "wait" }
  | { readonly kind: "reject"; readonly error: (call: C, now: number) => Error };

/** A member that the server refused for a passing reason. */
export interface RefusedMember<C> {
  readonly call: C;
  readonly error: Error;
}

export class Batch<C extends BatchMember<C>> {
  readonly calls: C[] = [];
  verdict: BatchVerdict<C>;
  /** The batch holds a MULTI: its members share one fate. */
  transaction = false;
  /** A member needs a writable server. Known once the batch is complete. */
  writes = false;
  /** Its EXEC counts on a WATCH of the connection it was sent on. */
  isGuarded = false;
  /** A member was executed, so the batch can no longer be resent as a whole. */
  partial = false;
  /** Members refused by a passing server state, waiting for the fate of the rest. */
  refused: RefusedMember<C>[] = [];
  #answered = 0;

  constructor(verdict: BatchVerdict<C>) {
    this.verdict = verdict;
  }

  add(call: C): void {
    this.calls.push(call);
    call.batch = this;
    if (call.facts.writes) this.writes = true;
    else if (call.facts.session === "multi") this.transaction = true;
  }

  /** A member was answered well. Returns the refused ones whose fate that decides. */
  replied(call: C, value: unknown): RefusedMember<C>[] {
    this.#answered++;
    const inFrame = this.transaction && call.facts.name !== "exec";
    if (!(inFrame && isPutOff(call.facts.name, value))) this.partial = true;
    return this.refused.length > 0 && (this.partial || this.isAnswered) ? this.takeRefused() : NONE;
  }

  /** So many members were answered well, before anybody counted; `partial`: one of them was executed. */
  answeredBefore(members: number, partial: boolean): void {
    this.#answered = members;
    this.partial = partial;
  }

  /** A member was refused in a way that a retry of the whole batch would mend; `false` when it is too late for that. */
  hold(call: C, error: Error): boolean {
    if (this.partial) return false;
    this.#answered++;
    this.refused.push({ call, error });
    return true;
  }

  /** A member failed for good. Returns the refused ones whose fate that decides. */
  failed(): RefusedMember<C>[] {
    this.#answered++;
    this.partial = true;
    return this.takeRefused();
  }

  /** None of its members was answered well. */
  get isRefused(): boolean {
    return this.#answered === this.refused.length;
  }

  get isAnswered(): boolean {
    return this.#answered >= this.calls.length;
  }

  takeRefused(): RefusedMember<C>[] {
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

/** Nothing was executed by this reply of a MULTI's frame or of a member in it. */
export function isPutOff(name: string, value: unknown): boolean {
  return name === "multi" || isQueued(value);
}

const QUEUED = Buffer.from("QUEUED");

/** The server has put the command off until EXEC. */
function isQueued(value: unknown): boolean {
  return Buffer.isBuffer(value) ? value.length === QUEUED.length && QUEUED.equals(value) : value === "QUEUED";
}

const NONE: never[] = [];
