/**
 * Answers one question about a command: what would a second execution do, to the state and to the reply? Knows
 * nothing of connections, retries or policies. The answers are data (`effect-table*.ts`); this file only looks them up.
 * Two flags, because they part ways: a second `SET k v NX` leaves the state right and turns "you have the lock" into "no".
 */
import { EFFECT_TABLE } from "./effect-table.js";
import { UNKNOWN } from "./effect-rules.js";

/**
 * What a command touches.
 *
 * - `read`: changes nothing.
 * - `write`: the server accepts it on a writable master only, even if these arguments change nothing (SORT without STORE).
 * - `connection`: the state of its own connection, or messages (PUBLISH); not the keys.
 * - `admin`: the server itself: its configuration, users, replication, caches.
 * - `unknown`: a script, or a command that the table does not know.
 */
export type EffectKind = "read" | "write" | "connection" | "admin" | "unknown";

/**
 * What a second execution does, right after the first, with no other writer in between. Where that is in doubt, or
 * where repeating would harm others (FLUSHALL, a condition such as XX), the flags say no.
 */
export interface Effect {
  readonly kind: EffectKind;
  /** A second execution leaves the same state as one execution. A relative time to live may start again. */
  readonly stateSafe: boolean;
  /** A second execution gives the same reply as the first. */
  readonly replySafe: boolean;
}

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
