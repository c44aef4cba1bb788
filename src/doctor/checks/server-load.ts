/** What slows the server down: the slow log's worst three (names only), latency events, and which errors it gave. */
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { denied, skip, type Draft } from "../finding.js";
import type { ServerFacts } from "../server-facts.js";
import { serverCheck } from "./server-check.js";

/** A command this slow, this recently, delays everybody else now. */
const SLOW = 100;
const RECENT = 600;
const SHOWN = 3;

/** Whether the server is slow or busy. */
export const serverLoadCheck: Check = serverCheck({
  id: "server/load",
  title: "Server: load",
  topic: "2.2 Server resources",
  judge,
});

function judge(facts: ServerFacts, context: Context): readonly Draft[] {
  return [slowLog(facts, context), latency(facts, context), errors(facts)];
}

function slowLog(facts: ServerFacts, context: Context): Draft {
  const refused = facts.refused.get("SLOWLOG");
  if (refused !== undefined) return denied(`SLOWLOG: ${context.clean(refused, 120)}`);
  const worst = [...facts.slow].sort((a, b) => b.ms - a.ms).slice(0, SHOWN);
  const list = worst.map((one) => `${one.name} ${one.ms.toFixed(0)} ms, ${one.ago.toFixed(0)} s ago`).join("; ");
  const evidence = worst.length === 0 ? "the slow log is empty" : `slowest: ${list}`;
  const threshold = `${String(SLOW)} ms within ${String(RECENT / 60)} min`;
  const bad = facts.slow.find((one) => one.ms >= SLOW && one.ago <= RECENT && !/^(?:DEBUG|SHUTDOWN)/.test(one.name));
  if (bad === undefined) return { status: "ok", evidence, threshold, meaning: "No recent command held the others up." };
  return {
    status: "warn",
    evidence,
    threshold,
    meaning: `${bad.name} took ${bad.ms.toFixed(0)} ms: everybody else waited for it.`,
    next: [
      {
        say: "See the commands (healthy: an empty list; the third number of an entry is its duration in microseconds)",
        run: `${cliOf(context)} slowlog get 10`,
      },
      { say: "Replace KEYS by SCAN, split big commands" },
    ],
  };
}

function latency(facts: ServerFacts, context: Context): Draft {
  const refused = facts.refused.get("LATENCY");
  if (refused !== undefined) return denied(`LATENCY: ${context.clean(refused, 120)}`);
  if (facts.settings.get("latency-monitor-threshold") === "0" && facts.latency.size === 0) {
    return skip("latency-monitor-threshold is 0: the server does not record latency events");
  }
  const list = [...facts.latency].map(([event, worst]) => `${event} ${String(worst)} ms`).join(", ");
  return {
    status: "ok",
    evidence: list === "" ? "no latency event" : `worst: ${list}`,
    meaning: "What the server recorded about its own delays.",
  };
}

function errors(facts: ServerFacts): Draft {
  const list = [...facts.info].flatMap(([field, value]) => {
    const name = /^errorstat_([A-Z]{2,20})$/.exec(field)?.[1];
    return name === undefined ? [] : [`${name} ${/count=(\d+)/.exec(value)?.[1] ?? "?"}`];
  });
  const evidence =
    list.length === 0 ? "no error reply since the start" : `since the start: ${list.slice(0, 8).join(", ")}`;
  return { status: "ok", evidence, meaning: "Errors the server gave to all its clients." };
}
