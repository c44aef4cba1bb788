/**
 * Carries out what a command is told when it enters: it goes, waits or is refused, and its deadline starts. A batch is one:
 * while only writes are refused or held, its members are collected, and it is judged by all of them.
 */
import { batchOf, startBatch, type Batch, type Verdict } from "../command/batch.js";
import type { Call } from "../command/call.js";
import type { BatchStream } from "../connection/internals.js";
import { listenForAbort, type Interrupted } from "./abort.js";
import type { Admission } from "./admission.js";
import type { Deadlines } from "./deadlines.js";
import type { Diversion } from "./diversion.js";
import type { Eviction } from "./eviction.js";
import type { Gate } from "./gate.js";
import type { Lifetime } from "./lifetime.js";
import type { Endpoint } from "./endpoint.js";
import type { Outlet } from "./outlet.js";
import * as refusal from "./refusal.js";
import type { Unsendable } from "./unsendable.js";

/** The client, as its entrance sees it. */
export interface Entered extends Interrupted {
  readonly gate: Gate;
  readonly deadlines: Deadlines;
  readonly admission: Admission;
  readonly eviction: Eviction;
  readonly lifetime: Lifetime;
  readonly unsendable: Unsendable;
  readonly outlet: Outlet;
  readonly endpoint: Endpoint;
  readonly isRetrying: boolean;
  isOpen: boolean;
  readonly isHeld: boolean;
  readonly diversion: Diversion | undefined;
  send(call: Call, now: number): void;
}

export class Entrance {
  readonly #client: Entered;
  /** The batch whose members are coming in, and whether the way was open when the first one came. */
  #collected: { readonly batch: Batch; readonly stream: BatchStream; readonly wasOpen: boolean } | undefined =
    undefined;

  constructor(client: Entered) {
    this.#client = client;
  }

  admit(call: Call, now: number): void {
    if (call.stream === undefined || call.stream !== this.#collected?.stream) this.finishBatch();
    const { admission, deadlines, desk, gate, isHeld, diversion } = this.#client;
    const { signal } = call.options ?? {};
    if (signal?.aborted === true) {
      desk.reject(call, refusal.aborted(call, desk.scene(), now));
      return;
    }
    const verdict = call.stream === undefined ? admission.verdict(call) : this.#memberVerdict(call, call.stream);
    if (verdict.kind === "reject") {
      desk.reject(call, verdict.error(call));
      return;
    }
    if (signal !== undefined) listenForAbort(this.#client, call, signal);
    if (verdict.kind === "send") {
      deadlines.allow(call, admission.onceSent(call), now);
      this.#client.send(call, now);
    } else if (call.traits.carriage === "quit" && gate.isEmpty) this.#client.lifetime.endForQuit(call);
    else if (this.#wait(call)) {
      deadlines.allow(call, admission.whileWaiting(call), now);
      if (isHeld) diversion?.awaited();
      if (call.batch === undefined) this.#client.outlet.pass([call]);
    } else this.#client.eviction.full(call);
  }

  /** All members of the batch that came last are there: they come within one turn, and nothing comes between them. */
  finishBatch(): void {
    const collected = this.#collected;
    if (collected === undefined) return;
    this.#collected = undefined;
    const { batch, wasOpen } = collected;
    const { admission, desk, gate, outlet, isRetrying } = this.#client;
    const calls = batch.calls.filter(({ state }) => state === "waiting");
    const [first] = calls;
    const refused = first && admission.circuitVerdict(first);
    if (refused !== undefined) {
      batch.verdict = refused;
      for (const call of calls) gate.remove(call);
    } else outlet.pass(calls);
    if (wasOpen && !isRetrying) outlet.release();
    if (refused !== undefined) for (const call of calls) desk.reject(call, refused.error(call));
  }

  #wait(call: Call): boolean {
    const { gate } = this.#client;
    if (call.stream === undefined || this.#collected?.wasOpen !== true) return gate.add(call);
    // Nothing keeps it from going but that its batch is not complete, so limits do not apply.
    gate.giveBack(call);
    return true;
  }

  /** The first member of a batch decides for all, except where the whole batch must be seen. */
  #memberVerdict(call: Call, stream: BatchStream): Verdict {
    let batch = batchOf(stream);
    if (batch === undefined) {
      const { unsendable, admission } = this.#client;
      batch = startBatch(stream, unsendable.verdict(call) ?? admission.verdict(call));
      if (batch.verdict.kind !== "reject") this.#collect(batch, stream);
    }
    batch.add(call);
    return batch.verdict;
  }

  #collect(batch: Batch, stream: BatchStream): void {
    const { endpoint, isOpen, isRetrying } = this.#client;
    if (endpoint.refusing !== 1 && !isRetrying) return;
    batch.verdict = { kind: "wait" };
    this.#collected = { batch, stream, wasOpen: isOpen };
    this.#client.isOpen = false;
    queueMicrotask(() => this.finishBatch());
  }
}

/** Adds a call to a batch that is already on its way; the first member takes the long way round. */
export function joinSending(call: Call, stream: BatchStream): boolean {
  const batch = batchOf(stream);
  if (batch?.verdict.kind !== "send") return false;
  batch.add(call);
  return true;
}
