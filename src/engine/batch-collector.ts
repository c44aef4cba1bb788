/**
 * While writes are refused or held, or a guard was lost with its connection, a batch is judged by all that it holds, so its
 * members are collected first. They come within one turn, and nothing comes between them: the next foreign command, or the end of the turn, completes the batch.
 */
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { Admission } from "./admission.js";
import type { Availability } from "./availability.js";
import type { Call } from "./call.js";
import { transactionAborted } from "./client-errors.js";
import { batchOf, startBatch, type CallBatch, type Verdict } from "./stream-batch.js";
import type { ConnectionState } from "./connection-state.js";
import type { BatchStream } from "./ports.js";
import type { RefusedCommands } from "./refused-commands.js";
import type { Release } from "./release.js";
import type { RetryLoop } from "./retry-loop.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import { checkLoss } from "./transactions.js";
import type { Unsendable } from "./unsendable.js";

export interface BatchCollectorParts {
  readonly connection: ConnectionState;
  readonly session: SessionState;
  readonly membership: EndpointMembership;
  readonly retryLoop: RetryLoop;
  readonly refused: RefusedCommands;
  readonly admission: Admission;
  readonly unsendable: Unsendable;
  readonly availability: Availability | undefined;
  readonly settlement: Settlement;
  readonly release: Release;
}

export class BatchCollector {
  readonly #parts: BatchCollectorParts;
  #collected: { readonly batch: CallBatch; readonly stream: BatchStream; readonly wasOpen: boolean } | undefined =
    undefined;

  constructor(parts: BatchCollectorParts) {
    this.#parts = parts;
  }

  /** What the members of a batch are told. The first one decides for all, except where the whole batch must be seen. */
  verdict(call: Call, stream: BatchStream): Verdict {
    const { unsendable, admission } = this.#parts;
    let batch = batchOf(stream);
    if (batch === undefined) {
      batch = startBatch(stream, unsendable.verdict(call) ?? admission.verdict(call));
      if (batch.verdict.kind !== "reject" && this.#mustCollect) this.#begin(batch, stream);
    }
    batch.add(call);
    return batch.verdict;
  }

  /** Only writes are refused or held, so a batch of reads may go; or what a batch counts on may be lost. */
  get #mustCollect(): boolean {
    const { session, membership, retryLoop, refused } = this.#parts;
    return session.isLost || membership.endpoint.refusing === 1 || retryLoop.isHolding || refused.isPending;
  }

  /** Collects the members of a batch whose first one has just come. */
  #begin(batch: CallBatch, stream: BatchStream): void {
    const { connection } = this.#parts;
    this.#collected = { batch, stream, wasOpen: connection.isOpen };
    batch.verdict = { kind: "wait" };
    connection.pause("batch");
    queueMicrotask(() => this.finish());
  }

  /** A member of this stream's batch comes, or a command of its own (`undefined`): a batch that came before is complete. */
  next(stream: BatchStream | undefined): void {
    if (stream === undefined || stream !== this.#collected?.stream) this.finish();
  }

  /** Nothing keeps this stream's members from going but that their batch is not complete: queue limits do not apply. */
  isFree(stream: BatchStream | undefined): boolean {
    return stream !== undefined && this.#collected?.wasOpen === true && this.#collected.stream === stream;
  }

  /** All members of the batch that came last are there. */
  finish(): void {
    const collected = this.#collected;
    if (collected === undefined) return;
    this.#collected = undefined;
    const { connection, session, availability, settlement, release } = this.#parts;
    const calls = collected.batch.calls.filter(({ state }) => state === "waiting");
    const [first] = calls;
    const lost = checkLoss(session, calls, clock.now());
    const error =
      lost === undefined
        ? first && availability?.refusal(first)
        : (member: Call, now: number) => transactionAborted(member, settlement.snapshot(), lost, now);
    if (error !== undefined) {
      collected.batch.verdict = { kind: "reject", error };
      const now = clock.now();
      for (const call of calls) settlement.reject(call, error(call, now));
    }
    connection.resume("batch");
    if (error === undefined) release.pass(calls);
    release.run();
  }
}
