/**
 * How long a command may rightly be silent because it waits at the server. Knows the grammars of the blocking commands,
 * not what a client does with the time. A wrong number here either loses a popped element (too short) or hides a dead
 * connection (too long); what cannot be read counts as for ever, since losing data is worse.
 */
import { textOf, wordOf } from "./arguments.js";
import { factsOf } from "./facts.js";
import { MILLISECONDS } from "./row.js";

/** Options before STREAMS and how many values each takes: a group may be called "block". */
const STREAM_OPTIONS: ReadonlyMap<string, number> = new Map(Object.entries({ claim: 1, count: 1, group: 2, noack: 0 }));

/**
 * How long the server may hold a command back before it replies.
 *
 * @param name - in any case.
 * @param args - flat: strings, Buffers or numbers. Never throws on others.
 * @returns milliseconds; `Infinity` for a timeout of 0, which means for ever, and for one that is missing or unreadable
 * (the server refuses most of those at once); `undefined` when the command does not block (GET, XREAD without BLOCK).
 */
export function blockingTimeoutOf(name: string, args: readonly unknown[]): number | undefined {
  const { blocks } = factsOf(name);
  if (blocks === "BLOCK option") return blockOption(args);
  return blocks && duration(args.at(blocks.at), blocks.unit);
}

/**
 * Gives a blocking command another timeout, for a piece or the rest of its block. Whole seconds stay whole, rounded up:
 * servers before 6.0 know no others.
 *
 * @param args - changed in place.
 * @returns whether there was a timeout to change: what the server would refuse stays as it is.
 */
export function setBlockingTimeout(name: string, args: unknown[], milliseconds: number): boolean {
  const { blocks } = factsOf(name);
  if (blocks === undefined) return false;
  const place = blocks === "BLOCK option" ? { at: (blockOptionAt(args) ?? -1) + 1, unit: MILLISECONDS } : blocks;
  const at = place.at < 0 ? args.length + place.at : place.at;
  const present = textOf(args[at]) ?? "";
  if (!/^\d+(\.\d+)?$/.test(present)) return false;
  const value = milliseconds / place.unit;
  args[at] = present.includes(".") ? value.toFixed(3) : String(Math.ceil(value));
  return true;
}

function blockOption(args: readonly unknown[]): number | undefined {
  const at = blockOptionAt(args);
  return at === undefined ? undefined : duration(args[at + 1], MILLISECONDS);
}

function blockOptionAt(args: readonly unknown[]): number | undefined {
  for (let at = 0; at < args.length;) {
    const word = wordOf(args[at]);
    if (word === "block") return at;
    if (word === "streams") return undefined;
    // An option of a later server may be followed by values; step through them one by one.
    at += 1 + (STREAM_OPTIONS.get(word) ?? 0);
  }
  return undefined;
}

function duration(argument: unknown, unit: number): number {
  const value = Number(textOf(argument) ?? Number.NaN);
  return value > 0 ? value * unit : Number.POSITIVE_INFINITY;
}
