/** A caller's `AbortSignal` ends the wait for its commands, wherever they are. One signal may have a great many of them. */
import { onceAborted } from "../abort-listeners.js";
import { clock } from "../clock.js";
import type { Call } from "./call.js";
import { aborted } from "./client-errors.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Transport } from "./ports.js";
import type { Settlement } from "./settlement.js";

export interface AbortedCallsParts {
  readonly settlement: Settlement;
  readonly queue: OfflineQueue;
  readonly transport: Transport;
  /** The caller of something that was sent does not wait for its reply any more. */
  readonly gaveUp: () => void;
}

interface Group {
  readonly calls: Set<Call>;
  readonly forget: () => void;
}

export class AbortedCalls {
  readonly #parts: AbortedCallsParts;
  readonly #groups = new Map<AbortSignal, Group>();

  constructor(parts: AbortedCallsParts) {
    this.#parts = parts;
  }

  /** The call ends when the signal aborts, which has not happened yet. */
  watch(call: Call, signal: AbortSignal): void {
    const group = this.#groups.get(signal) ?? this.#begin(signal);
    group.calls.add(call);
    call.whenSettled(() => {
      group.calls.delete(call);
      if (group.calls.size > 0 || this.#groups.get(signal) !== group) return;
      this.#groups.delete(signal);
      group.forget();
    });
  }

  #begin(signal: AbortSignal): Group {
    const calls = new Set<Call>();
    const forget = onceAborted(signal, () => {
      this.#groups.delete(signal);
      this.#abort([...calls]);
    });
    const group = { calls, forget };
    this.#groups.set(signal, group);
    return group;
  }

  #abort(calls: readonly Call[]): void {
    const { settlement, queue, transport, gaveUp } = this.#parts;
    const snapshot = settlement.snapshot();
    // At once: what is told in a later turn must not be sent meanwhile.
    for (const call of calls) if (call.state === "waiting") queue.remove(call);
    // The server must not deliver an element to a call that has gone.
    const blocked = calls.find(({ state, facts }) => state === "sent" && facts.dispatch === "blocking");
    const reason = blocked && aborted(blocked, snapshot, clock.now());
    const wasSent = calls.some(({ isInFlight }) => isInFlight);
    settlement.inSlices(calls, (call) => settlement.reject(call, aborted(call, snapshot, clock.now())));
    if (reason !== undefined) transport.destroy(reason);
    else if (wasSent) gaveUp();
  }
}
