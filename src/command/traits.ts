/**
 * What the hot path must know of a command, by its name alone: one map look-up a command. Everything that needs the
 * arguments (`effect.ts`, `blocking.ts`) is asked later and only when it matters.
 */
import { MAY_BLOCK } from "./blocking.js";
import { effectOf, isWrite } from "./effect.js";

/** How a command is carried. `plain` ones take the fast path; each of the others needs a second look before it is sent. */
export type Carriage = "plain" | "blocking" | "transaction" | "quit";

export interface Traits {
  /** The name in lower case. */
  readonly name: string;
  readonly carriage: Carriage;
  /** ioredis does nothing with it but write it: no mode, no queue, no state of the connection depends on it. */
  readonly bare: boolean;
  /** Whether it needs a writable server, whatever its arguments. */
  readonly writes: boolean;
}

/** Commands at which ioredis itself changes the state of a connection. */
const STATEFUL = /^(select|auth|hello|client|monitor|himport|readonly|readwrite|asking|[ps]?(un)?subscribe)$/;

const TRANSACTION = new Set(["watch", "unwatch", "multi", "exec", "discard", "reset"]);

/** Names seen so far. Bounded: `call()` accepts any string, and a typo a second must not become a leak. */
const seen = new Map<string, Traits>();
const MAX_SEEN = 2_000;

export function traitsOf(name: string): Traits {
  return seen.get(name) ?? learn(name);
}

function learn(name: string): Traits {
  const lower = name.toLowerCase();
  const carriage = carriageOf(lower);
  const bare = carriage === "plain" && !STATEFUL.test(lower);
  const traits: Traits = { name: lower, carriage, bare, writes: isWrite(effectOf(lower, [])) };
  if (seen.size < MAX_SEEN) seen.set(name, traits);
  return traits;
}

function carriageOf(name: string): Carriage {
  if (MAY_BLOCK.has(name)) return "blocking";
  if (TRANSACTION.has(name)) return "transaction";
  return name === "quit" ? "quit" : "plain";
}
