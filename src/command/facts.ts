/**
 * What is known of a command by its name alone, in one look-up: the hot path reads it once a command. The rows are data
 * (`table-*.ts`); what needs the arguments is asked of `effect.ts` and `blocking.ts`, later and only when it matters.
 */
import type { CommandFacts, DispatchKind, Row, Session } from "./row.js";
import { familyOf } from "./families.js";
import { isWrite, resolve, UNKNOWN } from "./effect-rules.js";
import { mayFallOutOfStep } from "./out-of-step.js";
import { shownName } from "./shown-name.js";
import { COMMAND_TABLE } from "./table.js";

export type { CommandFacts } from "./row.js";

/** Session changes after which a command is more than bytes to ioredis: it takes ioredis's own write path. */
const STATEFUL: ReadonlySet<Session> = new Set(["select", "login", "client", "mode", "subscribe", "unsubscribe"]);
const IN_TRANSACTION: ReadonlySet<Session> = new Set(["watch", "unwatch", "multi", "exec", "discard", "reset"]);

/** Names seen so far. Bounded: `call()` accepts any string, and a typo a second must not become a leak. */
const seen = new Map<string, CommandFacts>();
const MAX_SEEN = 2_000;

/** The facts of a command, its name in any case. A command without a row counts as a script: it may do anything. */
export function factsOf(name: string): CommandFacts {
  return seen.get(name) ?? learn(name);
}

function learn(name: string): CommandFacts {
  const lower = name.toLowerCase();
  const row = COMMAND_TABLE.get(lower) ?? { effect: UNKNOWN };
  const facts: CommandFacts = {
    name: lower,
    shown: shownName(lower),
    effect: row.effect,
    dispatch: dispatchOf(lower, row),
    isStateless: dispatchOf(lower, row) === "plain" && !(row.session !== undefined && STATEFUL.has(row.session)),
    touchesSession: row.session !== undefined,
    family: familyOf(row),
    writes: isWrite(resolve(row.effect, [])),
    blocks: row.blocks,
    session: row.session,
    lane: row.lane ?? "keys",
    // Those that are bound to their connection wait for what was written on it before.
    consumes: row.blocks !== undefined && typeof row.lane !== "object",
  };
  if (seen.size < MAX_SEEN) seen.set(name, facts);
  return facts;
}

function dispatchOf(name: string, { blocks, session }: Row): DispatchKind {
  if (blocks !== undefined) return "blocking";
  if (session === "quit") return "quit";
  if (session === "subscribe" || session === "unsubscribe") return "subscription";
  if (session !== undefined && IN_TRANSACTION.has(session)) return "transaction";
  return mayFallOutOfStep(name) ? "checked" : "plain";
}
