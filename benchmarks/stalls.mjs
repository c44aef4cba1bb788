/**
 * How long the event loop stands still when a great many commands in flight end at once: by a cut, by a reconnect that
 * sends them again, by `disconnect()`, by one AbortSignal. Each in a process of its own. Exit 1 when ioredoubt misses the bar.
 */
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { CONTENDERS } from "./lib/contenders.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, median, refuseUnknown, writeResults } from "./lib/report.mjs";

const LONGEST = 50;
const TIMEOUT = 120_000;

/** @type {Record<string, string>} */
const SCENARIOS = {
  cut: "the connection is cut and the server stays away",
  reconnect: "the connection is cut, and the next one is there at once",
  disconnect: "disconnect()",
  signal: "one AbortSignal for all",
};

const options = readOptions("node benchmarks/stalls.mjs [options]", {
  only: { type: "string", help: `scenarios, separated by commas: ${Object.keys(SCENARIOS).join(", ")}; default: all` },
  commands: { type: "string", default: "200000", help: "commands in flight, default 200000" },
  runs: { type: "string", default: "3", help: "runs of each, default 3; the median is held against the bar" },
  contenders: { type: "string", default: "ours", help: "ours,ioredis; default ours (ioredis takes no signal)" },
  ...JSON_OPTION,
});
const chosen = options.only === undefined ? Object.keys(SCENARIOS) : list(options.only);
refuseUnknown(chosen, SCENARIOS);
const contenders = list(options.contenders);
const { ours, ioredis } = CONTENDERS;
refuseUnknown(contenders, { ours, ioredis });

const bars = new Bars();
const results = [];
const rows = [["what ends them", "", "longest turn", "runs", "CPU in it", "succeeded", "failed", "unsettled"]];
console.log(machine());
for (const scenario of chosen) {
  for (const contender of contenders) {
    if (scenario === "signal" && contender !== "ours") continue;
    const runs = [];
    for (let run = 0; run < Number(options.runs); run++) {
      const job = { scenario, contender, commands: Number(options.commands) };
      const result = await measure(new URL("stalls/child.mjs", import.meta.url), job, { timeout: TIMEOUT });
      runs.push(result);
    }
    results.push({ scenario, contender, runs });
    const name = [SCENARIOS[scenario] ?? scenario, CONTENDERS[contender]?.label ?? contender];
    const crashed = runs.find((run) => run.crashed)?.crashed;
    if (crashed !== undefined) {
      rows.push([...name, "no result", ...Array.from({ length: 5 }, () => "")]);
      if (contender === "ours") bars.note(`${scenario}: it came to an end within ${duration(TIMEOUT)}`, false, crashed);
      continue;
    }
    const longest = median(runs.map((run) => run.longest));
    const unsettled = Math.max(...runs.map((run) => run.unsettled));
    const [first] = runs;
    const ended = first.inFlight - first.unsettled;
    rows.push([
      ...name,
      duration(longest),
      runs.map((run) => duration(run.longest)).join(", "),
      runs.map((run) => duration(run.busy)).join(", "),
      count(ended - first.failed),
      count(first.failed),
      count(unsettled),
    ]);
    if (contender !== "ours") continue;
    bars.note(
      `${scenario}: longest turn ≤ ${LONGEST} ms, median of ${runs.length}`,
      longest <= LONGEST,
      duration(longest),
    );
    const inFlight = Math.min(...runs.map((run) => run.inFlight));
    bars.note(`${scenario}: all were in flight`, inFlight === Number(options.commands), count(inFlight));
    bars.note(`${scenario}: all settled`, unsettled === 0, `${count(unsettled)} unsettled`);
  }
  process.stderr.write(`${scenario} done\n`);
}
console.log(`${count(Number(options.commands))} commands in flight\n\n${markdownTable(rows)}\n\n${bars.text()}`);
writeResults(options.json, { results, bars: bars.all });
