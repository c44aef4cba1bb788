/** The few kinds of commands that numbers are told apart by. */
import { resolve } from "./effect-rules.js";
import type { Row } from "./row.js";

/**
 * - `read`, `write`: commands on keys. `blocking`: those that may wait at the server. `transaction`: MULTI, EXEC, WATCH and
 *   their like; what they enclose counts by itself. `connection`: the connection and messages (PING, PUBLISH, SUBSCRIBE).
 * - `admin`: the server itself. `script`: scripts, functions and commands that this package does not know.
 */
export const FAMILIES = ["read", "write", "blocking", "transaction", "connection", "admin", "script"] as const;

export type Family = (typeof FAMILIES)[number];

const TRANSACTION = new Set(["watch", "unwatch", "multi", "exec", "discard"]);

/** The place of a command's family in `FAMILIES`: a number, so that counting is one look into an array. */
export function familyOf({ blocks, session, effect }: Row): number {
  if (blocks !== undefined) return FAMILIES.indexOf("blocking");
  if (session !== undefined && TRANSACTION.has(session)) return FAMILIES.indexOf("transaction");
  const { kind } = resolve(effect, []);
  return FAMILIES.indexOf(kind === "unknown" ? "script" : kind);
}
