/**
 * Answers one question about a command: what would a second execution do, to the state and to the reply? Knows
 * nothing of connections, retries or policies. The answers are data (`table-*.ts`); this file only looks them up.
 * Two flags, because they part ways: a second `SET k v NX` leaves the state right and turns "you have the lock" into "no".
 */
import { resolve, type Effect } from "./effect-rules.js";
import { factsOf } from "./facts.js";

export { isWrite } from "./effect-rules.js";
export type { Effect, EffectKind } from "./effect-rules.js";

/**
 * The effect of a command with these arguments.
 *
 * @param name - in any case.
 * @param args - flat, as in an ioredis `Command`: strings, Buffers or numbers. Never throws on others.
 * @returns `{ kind: "unknown", stateSafe: false, replySafe: false }` for commands that the table does not know.
 */
export function effectOf(name: string, args: readonly unknown[]): Effect {
  return resolve(factsOf(name).effect, args);
}

/** Whether a command may be sent again although it may already have been executed. */
export function isReplaySafe(effect: Effect): boolean {
  return effect.stateSafe && effect.replySafe;
}
