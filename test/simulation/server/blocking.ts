/** Commands that wait for an element: what they wait for, how long, and what they do once it is there. */
import { popOne, pushOne, type Scope } from "./commands.js";
import type { Reply } from "./resp.js";

export const BLOCKING: ReadonlySet<string> = new Set(["blpop", "brpop", "brpoplpush", "blmove"]);

/** The keys a block waits for, and its limit in milliseconds; 0 for none. */
export function blockOf(
  name: string,
  args: readonly string[],
): { readonly keys: readonly string[]; readonly ms: number } {
  const keys = name === "blpop" || name === "brpop" ? args.slice(0, -1) : args.slice(0, 1);
  return { keys, ms: Number(args.at(-1)) * 1000 };
}

/** What the command does at once; `undefined` when there is nothing to take. */
export function blockingAttempt(name: string, args: readonly string[], scope: Scope): Reply {
  if (name === "blpop" || name === "brpop") {
    for (const key of args.slice(0, -1)) {
      const value = popOne(scope, key, name === "blpop" ? "left" : "right");
      if (value !== null) return [key, value];
    }
    return undefined;
  }
  const [from = "", to = "", fromSide = "right", toSide = "left"] = args;
  const isMove = name === "blmove";
  const value = popOne(scope, from, isMove && fromSide.toLowerCase() === "left" ? "left" : "right");
  if (value === null) return undefined;
  pushOne(scope, to, isMove && toSide.toLowerCase() === "right" ? "right" : "left", value);
  return value;
}
