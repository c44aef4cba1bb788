/**
 * Commands that cannot be written: one whose arguments cannot be encoded, and one that ioredis refuses while a batch is
 * handed over. ioredis queues each member before it writes the whole, so what it has queued of such a batch is taken back:
 * entries without a request behind them would take the replies of others.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import { factsOf } from "../command/facts.js";
import { outOfStep } from "../command/out-of-step.js";
import { batchOf, startBatch, type Verdict } from "./stream-batch.js";
import { Call, type CallOwner } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { InFlight } from "./in-flight.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { BatchStream, CallOptions, Flaw, Transport } from "./ports.js";
import type { Settlement } from "./settlement.js";

/** On the first member of a batch: one of its members cannot be encoded. */
const SPOILT = Symbol("ioredoubt.spoilt");
type Marked = object & { [SPOILT]?: Flaw };

/** Marks a batch, by its first member, as one that cannot be written. */
export function markSpoilt(first: object, flaw: Flaw): void {
  const marked: Marked = first;
  if (marked[SPOILT] === undefined) marked[SPOILT] = flaw;
}

/** Whether the batch that begins with this member cannot be written. */
export function isSpoilt(first: object): boolean {
  return (first as Marked)[SPOILT] !== undefined;
}

export interface UnsendableParts {
  readonly owner: CallOwner;
  readonly settlement: Settlement;
  readonly transport: Transport;
  readonly inFlight: InFlight;
  readonly issued: IssuedTransactions;
  /** Something of the caller's own threw: it surfaces as an uncaught exception, as it would in ioredis. */
  readonly report: (thrown: unknown) => void;
}

export class Unsendable {
  readonly #parts: UnsendableParts;

  constructor(parts: UnsendableParts) {
    this.#parts = parts;
  }

  /** Refuses a command that cannot be encoded, with the batch it came for. */
  refuse(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const { owner, transport, issued } = this.#parts;
    const flaw = transport.mend(command, stream !== undefined);
    const call = new Call(owner, command, factsOf(command.name), stream, options, clock.now());
    if (issued.isOpen) issued.note(call);
    if (stream !== undefined) (batchOf(stream) ?? startBatch(stream, { kind: "send" })).add(call);
    this.#refuse(call, flaw);
  }

  /** Refuses a call that would put replies out of step, with the batch it came in; returns whether it did. */
  refusesOutOfStep(call: Call): boolean {
    const { name } = call.facts;
    const on = { protocol: this.#parts.transport.protocol(), inBatch: call.stream !== undefined };
    const reason = outOfStep(name, call.command.args, on);
    if (reason === undefined) return false;
    this.#refuse(call, { command: name, ...reason });
    return true;
  }

  /** Handing the call over threw. */
  threw(call: Call, thrown: unknown): void {
    // A listener of the caller's threw after the command had been queued: it is on its way.
    const { transport, report } = this.#parts;
    if (transport.hasTaken(call.command)) report(thrown);
    else this.#refuse(call, transport.flawOf(call.command, thrown));
  }

  /** ioredis refused a member while its batch was handed over: the rest would never be written. */
  refused(call: Call, error: Error): void {
    this.#parts.issued.dropped(call);
    // Each member would have been refused in these words.
    this.#spoil(call, () => error);
  }

  /** What the first member of a batch is told, if another member cannot be encoded. */
  verdict(first: Call): Verdict | undefined {
    const flaw = (first.command as Marked)[SPOILT];
    return flaw === undefined ? undefined : { kind: "reject", error: (member, now) => this.#error(member, flaw, now) };
  }

  #refuse(call: Call, flaw: Flaw): void {
    this.#spoil(call, (member, now) => this.#error(member, flaw, now));
    this.#parts.issued.dropped(call);
    this.#parts.settlement.reject(call, this.#error(call, flaw, clock.now()));
  }

  #error(call: Call, flaw: Flaw, now: number): Error {
    return clientErrors.unencodable(call, this.#parts.settlement.snapshot(), flaw, now);
  }

  #spoil({ batch, stream }: Call, error: (member: Call, now: number) => Error): void {
    // A member that is sent again alone has no stream any more, and the others are none of its business.
    if (batch === undefined || stream === undefined) return;
    const { transport, settlement, inFlight, issued } = this.#parts;
    batch.verdict = { kind: "reject", error };
    transport.takeBack(stream);
    // What waits is counted by the queue.
    for (const member of batch.calls) if (member.state !== "waiting") inFlight.answered(member);
    const now = clock.now();
    for (const call of batch.calls) {
      issued.dropped(call);
      if (call.state !== "settled") settlement.reject(call, error(call, now));
    }
  }
}
