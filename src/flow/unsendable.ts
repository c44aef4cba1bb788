/**
 * Commands that cannot be written: one whose arguments cannot be encoded, and one that ioredis refuses while a batch is
 * handed over. ioredis queues each member before it writes the whole, so what it has queued of such a batch is taken back:
 * entries without a request behind them would take the replies of others.
 */
import type { Command } from "ioredis";
import { batchOf, startBatch, type Verdict } from "../command/batch.js";
import { Call, type CallOptions, type CallOwner } from "../command/call.js";
import { flawOf, mend, spoiltBy, type Flaw } from "../command/encoding.js";
import { traitsOf } from "../command/traits.js";
import type { BatchStream } from "../connection/internals.js";
import { reportBug } from "../connection/report-bug.js";
import type { Desk } from "./desk.js";
import * as refusal from "./refusal.js";
import type { Transport } from "./transport.js";

/** The client, as this sees it. */
export interface Sender extends CallOwner {
  readonly desk: Desk;
  readonly transport: Transport;
  /** Takes a call out of wherever it is. */
  withdraw(call: Call): void;
}

export class Unsendable {
  readonly #client: Sender;

  constructor(client: Sender) {
    this.#client = client;
  }

  /** Refuses a command that cannot be encoded, with the batch it came for. */
  refuse(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const flaw = mend(command, stream !== undefined);
    const now = performance.now();
    const call = new Call(this.#client, command, traitsOf(command.name), stream, options, now);
    if (stream !== undefined) (batchOf(stream) ?? startBatch(stream, { kind: "send" })).add(call);
    this.#refuse(call, flaw);
  }

  /** Handing the call over threw. */
  threw(call: Call, thrown: unknown): void {
    // A listener of the caller's threw after the command had been queued: it is on its way.
    if (this.#client.transport.hasTaken(call.command)) reportBug(thrown);
    else this.#refuse(call, flawOf(call.command, thrown));
  }

  /** ioredis refused a member while its batch was handed over: the rest would never be written. */
  refused(call: Call, error: Error): void {
    this.#spoil(call, (member) =>
      refusal.besideRefused(member, this.#client.desk.scene(), call, error, performance.now()),
    );
  }

  /** What the first member of a batch is told, if another member cannot be encoded. */
  verdict(first: Call): Verdict | undefined {
    const flaw = spoiltBy(first.command);
    return flaw === undefined ? undefined : { kind: "reject", error: (member) => this.#error(member, flaw) };
  }

  #refuse(call: Call, flaw: Flaw): void {
    this.#spoil(call, (member) => this.#error(member, flaw));
    if (call.state === "settled") return;
    this.#client.withdraw(call);
    this.#client.desk.reject(call, this.#error(call, flaw));
  }

  #error(call: Call, flaw: Flaw): Error {
    return refusal.unencodable(call, this.#client.desk.scene(), flaw, performance.now());
  }

  #spoil({ batch, stream }: Call, error: (member: Call) => Error): void {
    // A member that is sent again alone has no stream any more, and the others are none of its business.
    if (batch === undefined || stream === undefined) return;
    const { transport, desk } = this.#client;
    batch.verdict = { kind: "reject", error };
    transport.takeBack(stream);
    for (const call of batch.calls) {
      if (call.state === "settled") continue;
      this.#client.withdraw(call);
      desk.reject(call, error(call));
    }
  }
}
