/** What waits behind a WATCH or MULTI whose connection has just gone would run without it, so it is refused. */
import type { Desk } from "./desk.js";
import type { Gate } from "./gate.js";
import * as refusal from "./refusal.js";
import type { Session } from "./session.js";

/** Returns whether the end of the transaction, its EXEC or DISCARD, was among what waited and has been told. */
export function abandonTransactions(session: Session, gate: Gate, desk: Desk): boolean {
  const now = performance.now();
  const { held } = session;
  let told = false;
  for (const call of gate.calls()) {
    const ends = call.traits.name === "exec" || (held === "MULTI" && call.traits.name === "discard");
    const isAlone = call.batch === undefined && call.traits.carriage !== "quit";
    let lost = call.tie?.held ?? (call.batch?.tied === true ? "WATCH" : undefined);
    if (held === "MULTI" && isAlone && !told) lost ??= held;
    if (held === "WATCH" && (ends || call.batch?.transaction === true)) lost ??= held;
    if (lost === undefined) continue;
    told ||= ends && lost === held;
    gate.remove(call);
    desk.reject(call, refusal.transactionAborted(call, desk.scene(), lost, now));
  }
  return told;
}
