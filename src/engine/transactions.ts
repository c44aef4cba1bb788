/** What waits behind a WATCH or MULTI whose connection has just gone would run without it, so it is refused. */
import { clock } from "../clock.js";
import type { Call } from "./call.js";
import { transactionAborted } from "./client-errors.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Guard, SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";

/** Ends the transactions of a lost connection, in the session and among what waits. */
export function abandonTransactions(session: SessionState, queue: OfflineQueue, settlement: Settlement): void {
  const now = clock.now();
  const { guard } = session;
  let told = false;
  for (const call of queue.calls()) {
    const { session: change } = call.facts;
    const ends = change === "exec" || (guard === "MULTI" && change === "discard");
    const lost = lostBy(call, guard, ends, told);
    if (lost === undefined) continue;
    told ||= ends && lost === guard;
    settlement.reject(call, transactionAborted(call, settlement.snapshot(), lost, now));
  }
  session.connectionLost(told, now);
}

/** What this call counted on. */
function lostBy(call: Call, guard: Guard | undefined, ends: boolean, told: boolean): Guard | undefined {
  const own = call.transaction?.guard ?? (call.batch?.isGuarded === true ? "WATCH" : undefined);
  if (own !== undefined) return own;
  // Whatever follows an interactive MULTI on its connection belongs to it, batches too, until its end was told.
  if (guard === "MULTI" && call.facts.dispatch !== "quit" && !told) return guard;
  if (guard === "WATCH" && (ends || call.batch?.transaction === true)) return guard;
  return undefined;
}
