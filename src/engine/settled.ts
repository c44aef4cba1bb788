/** Waits for the end of calls. */
import { callOf, isUpTo, lastOrder, type Call } from "./call.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Transport } from "./ports.js";
import type { Settlement } from "./settlement.js";

/** Where the calls of an engine are. */
export interface Whereabouts {
  readonly settlement: Settlement;
  readonly queue: OfflineQueue;
  readonly transport: Transport;
}

/** Resolves when the call has settled, however; `undefined` if there is nothing to wait for. */
export function settled(call: Call | undefined): Promise<void> | undefined {
  if (call === undefined || call.state === "settled") return undefined;
  return new Promise((resolve) => call.whenSettled(resolve));
}

/**
 * Resolves when everything that was issued so far has been answered, or can no longer be: also what its caller gave up
 * early, and what is sent again meanwhile. Nobody waits for the end of a blocking command.
 */
export async function allSettled({ settlement, queue, transport }: Whereabouts): Promise<void> {
  const last = lastOrder();
  const isMeant = (call: Call | undefined): call is Call =>
    call !== undefined && call.facts.dispatch !== "blocking" && isUpTo(call, last);
  for (let looks = true; ;) {
    // What a lost connection took along is on its way back to the queue.
    await new Promise<void>((done) => settlement.inSlices([done], (run) => run()));
    const waiting = queue.isEmpty ? [] : queue.calls().filter(isMeant);
    const newest = looks ? transport.newestUnanswered((command) => isMeant(callOf(command))) : undefined;
    const call = newest && callOf(newest);
    if (call === undefined && waiting.length === 0) return;
    const answered = call && new Promise<void>((done) => call.whenAnswered(done));
    await Promise.all([answered, ...waiting.map(settled)]);
    // Replies come in order: only what waited can have been written since.
    looks = waiting.length > 0;
  }
}
