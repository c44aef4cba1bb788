/** The history of each register as its callers saw it, for the checker of linearizability. */
import type { Entry, Ledger } from "../program/ledger.js";
import { linearizable, type Operation } from "./linearizable.js";
import type { Violation } from "./violation.js";

/** Longer histories are not searched: the order and the replies of each call are checked one by one anyway. */
const LONGEST = 80;

type Apply = Operation["apply"];

/** What each command does to one register; others make a key's history unreadable. */
function meaning({ command }: Entry): Apply | undefined {
  if (command === undefined) return undefined;
  const { name, args } = command;
  const value = args.find((arg) => arg.startsWith("val:"));
  switch (name) {
    case "set":
      return args.includes("NX")
        ? (state) => (state === undefined ? { state: value, reply: "OK" } : { state, reply: null })
        : () => ({ state: value, reply: "OK" });
    case "setex":
      return () => ({ state: value, reply: "OK" });
    case "getset":
      return (state) => ({ state: value, reply: state ?? null });
    case "del":
      return (state) => ({ state: undefined, reply: state === undefined ? 0 : 1 });
    case "mget":
      return (state) => ({ state, reply: [state ?? null, null] });
    default:
      return undefined;
  }
}

/** `final`: what a key holds when everything is over, if that is to be explained too. */
export function checkHistories(
  ledger: Ledger,
  skips: (key: string) => boolean,
  final?: (key: string) => string | undefined,
): Violation[] {
  const keys = new Map<string, Entry[]>();
  const unreadable = new Set<string>();
  for (const entry of ledger.entries) {
    for (const key of entry.command?.keys ?? []) {
      if (!key.startsWith("r")) continue;
      const databases = new Set(entry.executions.map(({ database }) => database));
      const name = key;
      if (
        entry.command?.keys.length !== 1 ||
        !entry.command.hasIdentity ||
        databases.size > 1 ||
        entry.executions.length > 1 ||
        entry.group !== undefined
      )
        unreadable.add(name);
      keys.set(name, [...(keys.get(name) ?? []), entry]);
    }
  }
  const found: Violation[] = [];
  for (const [key, entries] of keys) {
    if (unreadable.has(key) || skips(key) || entries.length > LONGEST) continue;
    const operations: Operation[] = [];
    let isReadable = true;
    for (const entry of entries) {
      const apply = meaning(entry);
      const { outcome } = entry;
      if (apply === undefined) {
        isReadable = false;
        break;
      }
      if (outcome !== undefined && !outcome.ok && (outcome.applied === "no" || entry.command?.writes !== true))
        continue;
      const isUnknown = outcome?.ok !== true;
      operations.push({
        what: entry.what,
        from: entry.issuedAt,
        to: isUnknown ? Infinity : entry.settledAt,
        apply,
        reply: outcome?.value,
        isUnknown,
      });
    }
    if (final !== undefined) {
      const at = Number.MAX_VALUE;
      const apply: Apply = (state) => ({ state, reply: state ?? null });
      operations.push({ what: "the end", from: at, to: at, apply, reply: final(key) ?? null, isUnknown: false });
    }
    if (!isReadable || linearizable(operations) !== "violated") continue;
    found.push({
      property: "linearizable",
      at: operations.at(-1)?.from ?? 0,
      text: `no order of the ${String(operations.length)} operations on ${key} explains what their callers were told`,
    });
  }
  return found;
}
