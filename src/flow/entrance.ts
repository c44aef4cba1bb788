/** Carries out what a command is told when it enters: it goes, waits or is refused, and its deadline starts. A batch is one. */
import { batchOf, startBatch, type Verdict } from "../command/batch.js";
import type { Call } from "../command/call.js";
import type { BatchStream } from "../connection/internals.js";
import { listenForAbort, type Interrupted } from "./abort.js";
import type { Admission } from "./admission.js";
import type { Deadlines } from "./deadlines.js";
import type { Diversion } from "./diversion.js";
import type { Eviction } from "./eviction.js";
import type { Gate } from "./gate.js";
import type { Lifetime } from "./lifetime.js";
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
  readonly isHeld: boolean;
  readonly diversion: Diversion | undefined;
  send(call: Call, now: number): void;
}

export class Entrance {
  readonly #client: Entered;

  constructor(client: Entered) {
    this.#client = client;
  }

  admit(call: Call, now: number): void {
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
    else if (gate.add(call)) {
      deadlines.allow(call, admission.whileWaiting(call), now);
      if (isHeld) diversion?.awaited();
    } else this.#client.eviction.full(call);
  }

  /** The first member of a batch decides for all. */
  #memberVerdict(call: Call, stream: BatchStream): Verdict {
    const { unsendable, admission } = this.#client;
    const batch = batchOf(stream) ?? startBatch(stream, unsendable.verdict(call) ?? admission.verdict(call));
    batch.add(call);
    return batch.verdict;
  }
}

/** Adds a call to a batch that is already on its way; the first member takes the long way round. */
export function joinSending(call: Call, stream: BatchStream): boolean {
  const batch = batchOf(stream);
  if (batch?.verdict.kind !== "send") return false;
  batch.add(call);
  return true;
}
