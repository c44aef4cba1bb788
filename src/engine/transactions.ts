/** What waits behind a WATCH or MULTI whose connection has just gone would run without it, so it is refused. */
import { clock } from "../clock.js";
import { byOrder, type Call } from "./call.js";
import { transactionAborted } from "./client-errors.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { LostGuard, SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";

/** Ends the transactions of a lost connection, in the session and among what waits. */
export function abandonTransactions(session: SessionState, queue: OfflineQueue, settlement: Settlement): void {
  session.connectionLost(clock.now());
  refuseLost(session, queue.calls(), settlement);
}

/** An interactive MULTI will not be sent, and its caller is about to hear why: what was issued for it would run bare. */
export function multiRefused(session: SessionState, multi: Call, queue: OfflineQueue, settlement: Settlement): void {
  // A guard that was lost before is not forgotten over this.
  if (!session.isLost) session.multiRefused(clock.now());
  queueMicrotask(() => session.heard());
  refuseLost(
    session,
    queue.calls().filter((call) => byOrder(multi, call) < 0),
    settlement,
  );
}

function refuseLost(session: SessionState, waiting: readonly Call[], settlement: Settlement): void {
  const now = clock.now();
  const seen = new Set<Call>();
  for (const call of waiting) {
    if (seen.has(call) || call.state !== "waiting") continue;
    const calls = call.batch?.calls ?? [call];
    for (const member of calls) seen.add(member);
    const lost = checkLoss(session, calls, now) ?? ownGuard(calls);
    if (lost === undefined) continue;
    for (const member of calls) {
      if (member.state === "waiting") {
        settlement.reject(member, transactionAborted(member, settlement.snapshot(), lost, now));
      }
    }
  }
}

/** What these calls, a single one or a whole batch, counted on and lost. The owner of a refused MULTI is about to hear of it. */
export function checkLoss(session: SessionState, calls: readonly Call[], now: number): LostGuard | undefined {
  const [first] = calls;
  if (first === undefined) return undefined;
  if (first.batch !== undefined) {
    const names = calls.map(({ facts }) => facts.name);
    return session.checkBatch(names, now);
  }
  const lost = session.check(first.facts.name, now);
  if (session.isInRefusedMulti) queueMicrotask(() => session.heard());
  return lost;
}

/** What they were to be sent under, on the connection that is gone. */
function ownGuard(calls: readonly Call[]): LostGuard | undefined {
  for (const { transaction, batch } of calls) {
    if (transaction !== undefined) return transaction.guard;
    if (batch?.isGuarded === true) return "WATCH";
  }
  return undefined;
}
