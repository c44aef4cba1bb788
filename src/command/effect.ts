/**
 * Answers one question about a command: what would a second execution do, to the state and to the reply? Knows
 * nothing of connections, retries or policies. The answers are data (`effect-table*.ts`); this file only looks them up.
 * Two flags, because they part ways: a second `SET k v NX` leaves the state right and turns "you have the lock" into "no".
 */
import { EFFECT_TABLE } from "./effect-table.js";
import { UNKNOWN, type Effect } from "./effect-rules.js";

export type { Effect, EffectKind } from "./effect-rules.js";

/**
 * The effect of a command with these arguments.
 *
 * @param name - in any case.
 * @param args - flat, as in an ioredis `Command`: strings, Buffers or numbers. Never throws on others.
 * @returns `{ kind: "unknown", stateSafe: false, replySafe: false }` for commands that the table does not know.
 */
export function effectOf(name: string, args: readonly unknown[]): Effect {
  const rule = EFFECT_TABLE.get(name.toLowerCase());
  if (rule === undefined) return UNKNOWN;
  return typeof rule === "function" ? rule(args) : rule;
}

/** Whether a command may be sent again although it may already have been executed. */
export function isReplaySafe(effect: Effect): boolean {
  return effect.stateSafe && effect.replySafe;
}

/** Whether a command needs a writable master. Scripts and unknown commands count as writes. */
export function isWrite(effect: Effect): boolean {
  return effect.kind === "write" || effect.kind === "unknown";
}
