/** Properties of single calls and of their order, checked against the servers' own log. */
import type { Entry, Executed, Ledger, Selected } from "../program/ledger.js";
import { plain } from "../server/resp.js";
import type { Property, Violation } from "./violation.js";

/** Milliseconds a settlement may be late: 100 for the end of a silent connection, a turn of the loop, a timer's rounding. */
const GRACE = 160;

/** Milliseconds a call may end before its time: lanes take off what was waited in steps, and timers round. */
const EARLY = 20;
/** The same where the process stood still: that is seen a tick late, and not at all below 100 ms. */
const EARLY_IN_STALL = 160;

export interface CallChecks {
  readonly ledger: Ledger;
  /** The server said what nobody asked for: from then on replies prove nothing. */
  readonly isPoisoned: boolean;
  readonly stalls: readonly (readonly [number, number])[];
  /** The databases that a call issued at this point may be executed in. */
  readonly databases: (entry: Entry) => ReadonlySet<number>;
  /** Reads that a replica may have answered: they stand in no order with anything. */
  readonly isScaled: (entry: Entry) => boolean;
}

export function checkCalls({ ledger, isPoisoned, stalls, databases, isScaled }: CallChecks): Violation[] {
  const found: Violation[] = [];
  const add = (property: Property, at: number, text: string): void => void found.push({ property, at, text });
  for (const entry of ledger.entries) {
    const { outcome, executions, command } = entry;
    if (entry.settlements > 1)
      add("settled", entry.settledAt, `${entry.what} was settled ${String(entry.settlements)} times`);
    if (outcome === undefined) {
      add("settled", entry.issuedAt, `${entry.what} never settled`);
    } else {
      const took = entry.settledAt - entry.issuedAt - stalledFor(stalls, entry);
      if (took > entry.allowed + GRACE) {
        add(
          "in-time",
          entry.settledAt,
          `${entry.what} took ${String(Math.round(took))} ms and was allowed ${String(entry.allowed)}`,
        );
      }
    }
    if (endedEarly(entry, stalls)) {
      const took = Math.round(entry.settledAt - entry.issuedAt);
      add("in-time", entry.settledAt, `${entry.what} was given up after ${String(took)} ms, before its time`);
    }
    if (isPoisoned || command === undefined || !command.hasIdentity) continue;
    const last = executions.at(-1);
    if (executions.length > 1 && !entry.mayRepeat) {
      add("once", last?.at ?? 0, `${entry.what} was executed ${String(executions.length)} times`);
    }
    if (entry.group !== undefined && command.writes) checkGroup(entry, add);
    if (outcome !== undefined && !outcome.ok && outcome.applied === "no" && last !== undefined) {
      add(
        "applied-no",
        entry.settledAt,
        `${entry.what} ended with ${outcome.code ?? "an error"}, applied "no", and was executed at ${ms(last.at)}`,
      );
    }
    if (outcome?.ok === true && entry.group?.how !== "transaction" && entry.group?.how !== "by hand") {
      // One that was sent before, on a connection that was given up, may still be executed afterwards.
      if (executions.every(({ at }) => at > entry.settledAt)) {
        add(
          "acknowledged",
          entry.settledAt,
          `${entry.what} was told ${JSON.stringify(outcome.value)} and was not executed`,
        );
      } else if (!executions.some((execution) => isSame(outcome.value, execution))) {
        add(
          "reply",
          entry.settledAt,
          `${entry.what} was told ${JSON.stringify(outcome.value)}; the server said ${JSON.stringify(executions.map(({ reply }) => plain(reply)))}`,
        );
      }
    }
    const allowed = databases(entry);
    const astray = executions.find((execution) => !allowed.has(execution.database));
    if (astray !== undefined && command.keys.length > 0) {
      add(
        "database",
        astray.at,
        `${entry.what} was executed in database ${String(astray.database)}, meant for ${[...allowed].join(" or ")}`,
      );
    }
  }
  if (!isPoisoned) found.push(...checkOrder(ledger, isScaled), ...checkWhole(ledger), ...checkGuards(ledger));
  return found;
}

/** Its deadline was said to be over, and it was not. What a second stall takes is not given back. */
function endedEarly(entry: Entry, stalls: CallChecks["stalls"]): boolean {
  const { outcome, allowed, issuedAt, settledAt, command } = entry;
  if (outcome?.code !== "DEADLINE" || command === undefined || allowed === Infinity) return false;
  const met = stalls.filter(([from, to]) => from < settledAt && to > issuedAt);
  const slack = met.length === 0 ? EARLY : EARLY_IN_STALL;
  return met.length < 2 && settledAt - issuedAt - stalledFor(stalls, entry) < allowed - slack;
}

function checkGroup(entry: Entry, add: (property: Property, at: number, text: string) => void): void {
  const bare = entry.executions.find(({ transaction }) => transaction === undefined);
  if (bare !== undefined)
    add(
      "multi-whole",
      bare.at,
      `${entry.what} belongs to a MULTI (${entry.group?.how ?? ""}) and was executed outside of it`,
    );
}

/** Members of one MULTI: all in the same EXEC. A replayed one may have two. */
function checkWhole({ entries }: Ledger): Violation[] {
  const found: Violation[] = [];
  const groups = new Map<number, Entry[]>();
  for (const entry of entries) {
    if (entry.group === undefined || entry.command?.hasIdentity !== true) continue;
    groups.set(entry.group.id, [...(groups.get(entry.group.id) ?? []), entry]);
  }
  for (const members of groups.values()) {
    const counts = new Set(members.map((entry) => execsOf(entry)));
    if (counts.size <= 1) continue;
    const [first] = members;
    found.push({
      property: "multi-whole",
      at: first?.issuedAt ?? 0,
      text: `a MULTI (${first?.group?.how ?? ""}) was executed in part: ${members.map((entry) => `${entry.what}: ${execsOf(entry) || "not"}`).join(", ")}`,
    });
  }
  return found;
}

function execsOf(entry: Entry): string {
  return entry.executions.map(({ server, transaction }) => `${server.address}/${String(transaction)}`).join("+");
}

function checkGuards({ lostGuards }: Ledger): Violation[] {
  return lostGuards.map(({ at, id, key, expected, found }) => ({
    property: "guard",
    at,
    text: `the transaction of val:${String(id)} read ${key} as ${expected} and overwrote ${found}`,
  }));
}

/** For each client and key: whatever was issued later must also have been executed later, the last time. */
function checkOrder(ledger: Ledger, isScaled: CallChecks["isScaled"]): Violation[] {
  const found: Violation[] = [];
  const lines = new Map<string, { readonly entry: Entry; readonly last: Executed }[]>();
  for (const entry of ledger.entries) {
    const { command, outcome, executions } = entry;
    // What a master did that had been replaced is gone.
    const last = executions.findLast(({ stale }) => stale === undefined);
    if (command?.hasIdentity !== true || outcome?.ok !== true || last === undefined || last.at > entry.settledAt)
      continue;
    if (isScaled(entry)) continue;
    for (const key of command.keys) {
      const name = `${entry.domain} ${String(last.database)} ${key}`;
      const line = lines.get(name);
      if (line === undefined) lines.set(name, [{ entry, last }]);
      else line.push({ entry, last });
    }
  }
  for (const line of lines.values()) {
    line.sort((a, b) => a.entry.order - b.entry.order);
    let latest: (typeof line)[number] | undefined;
    let latestWrite: (typeof line)[number] | undefined;
    for (const item of line) {
      const writes = item.entry.command?.writes === true;
      const before = writes ? latest : latestWrite;
      if (before !== undefined && before.last.number > item.last.number) {
        found.push({
          property: "order",
          at: before.last.at,
          text: `${before.entry.what}, issued before ${item.entry.what}, was executed after it; both were acknowledged`,
        });
      }
      if (latest === undefined || item.last.number > latest.last.number) latest = item;
      if (writes && (latestWrite === undefined || item.last.number > latestWrite.last.number)) latestWrite = item;
    }
  }
  return found;
}

function isSame(value: unknown, execution: Executed): boolean {
  return JSON.stringify(value) === JSON.stringify(plain(execution.reply));
}

function stalledFor(stalls: CallChecks["stalls"], { issuedAt, settledAt }: Entry): number {
  let sum = 0;
  for (const [from, to] of stalls) sum += Math.max(0, Math.min(to, settledAt) - Math.max(from, issuedAt));
  return sum;
}

/** The databases a client may be in at some point of its program, seeing what became of its SELECTs. */
export function databasesAt(selects: readonly Selected[], initial: number, order: number): ReadonlySet<number> {
  let now = new Set([initial]);
  for (const { order: at, database, outcome } of selects) {
    if (at > order) break;
    if (outcome?.ok === true) now = new Set([database]);
    else if (outcome === undefined || outcome.applied !== "no") now.add(database);
  }
  return now;
}

function ms(at: number): string {
  return `${at.toFixed(1)} ms`;
}
