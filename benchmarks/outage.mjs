/**
 * What an outage costs the process that lives through it: event-loop stall, time to settle, memory, time to recover.
 * ioredoubt and plain ioredis, each in a process of its own with a server of its own. Waiting for plain ioredis is
 * bounded; what has not settled by then is reported as unsettled.
 */
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { measure } from "./lib/child.mjs";
import { CONTENDERS } from "./lib/contenders.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { SVG_OPTION, writePicture } from "./lib/picture.mjs";
import { machine, median } from "./lib/report.mjs";
import { STEADY } from "./outage/steady.mjs";

/** The default deadline of ioredoubt, and what it may be late. */
const DEADLINE = 5000;
const GRACE = 200;

const options = readOptions("node benchmarks/outage.mjs [options]", {
  quick: { type: "boolean", default: false, help: "one run of each, 100,000 instead of 1,000,000 commands while down" },
  runs: { type: "string", help: "runs of each scenario, default 5 for `back` and 1 for the rest" },
  only: { type: "string", help: "scenarios, separated by commas: killed, down, back, frozen, steady" },
  contenders: { type: "string", default: "ioredis,ours", help: "default ioredis,ours" },
  patience: { type: "string", default: "15000", help: "milliseconds to wait for commands to settle" },
  check: { type: "boolean", default: false, help: "exit 1 when ioredoubt misses a bar" },
  svg: { ...SVG_OPTION.svg, help: "file that gets a picture of the scenario `steady`" },
});

const patience = Number(options.patience);
const settleBar = {
  name: `≤ ${DEADLINE + GRACE} ms`,
  ok: (/** @type {any} */ r) => r.unsettled === 0 && r.slowest <= DEADLINE + GRACE,
};

/** @typedef {{ label: string, show: (result: any) => string, bar?: { name: string, ok: (result: any) => boolean } }} Row */
const none = { name: "0", ok: (/** @type {any} */ r) => r.unsettled === 0 };
const slowest = (/** @type {any} */ r) => (r.unsettled > 0 ? "never" : duration(r.slowest));

/** @type {Record<string, { title: string, commands: number, runs: number, together?: boolean, rows: Row[] }>} */
const SCENARIOS = {
  killed: {
    title: "in flight when the server is killed",
    commands: 20_000,
    runs: 1,
    rows: [
      {
        label: "longest event-loop stall",
        show: (r) => duration(r.stall),
        bar: { name: "≤ 100 ms", ok: (r) => r.stall <= 100 },
      },
      { label: "unsettled", show: (r) => count(r.unsettled), bar: none },
      { label: "slowest settle", show: slowest, bar: settleBar },
    ],
  },
  down: {
    title: "issued while the server is down",
    commands: options.quick ? 100_000 : 1_000_000,
    runs: 1,
    rows: [
      { label: "unsettled", show: (r) => count(r.unsettled), bar: none },
      {
        label: "heap growth",
        show: (r) => `${r.heapGrowth.toFixed(1)} MiB`,
        bar: { name: "≤ 150 MB", ok: (r) => r.heapGrowth * 1.048576 <= 150 },
      },
      { label: "time to issue them all", show: (r) => duration(r.issuing) },
      { label: "slowest settle", show: slowest, bar: settleBar },
      {
        label: "breaker open after",
        show: (r) => (r.openedAfter === undefined ? "no breaker" : duration(r.openedAfter)),
      },
      {
        label: "a rejection then takes (median / p99)",
        show: (r) =>
          r.rejections ? `${r.rejections.median.toFixed(3)} / ${r.rejections.p99.toFixed(3)} ms` : "none within 15 s",
        bar: { name: "< 1 ms", ok: (r) => r.rejections !== undefined && r.rejections.p99 < 1 },
      },
    ],
  },
  back: {
    title: "server back after 10 s down",
    commands: 0,
    runs: options.quick ? 1 : 5,
    together: true,
    rows: [
      {
        label: "first success after",
        show: (r) => duration(r.firstSuccess),
        bar: { name: "≤ 1.5 s", ok: (r) => r.firstSuccess <= 1500 },
      },
    ],
  },
  frozen: {
    title: "in flight when the server is frozen",
    commands: 500,
    runs: 1,
    rows: [
      { label: "unsettled while frozen", show: (r) => count(r.unsettled), bar: none },
      { label: "slowest settle", show: slowest, bar: settleBar },
      {
        label: "first success after the thaw",
        show: (r) => duration(r.firstSuccess),
        bar: { name: "≤ 2 s", ok: (r) => r.firstSuccess <= 2000 },
      },
    ],
  },
  steady: {
    title: `${STEADY.perSecond} calls a second; the server is dead for ${STEADY.dead / 1000} s, later frozen for ${STEADY.frozen / 1000} s`,
    commands: 0,
    runs: 1,
    together: true,
    rows: [
      { label: "answered", show: (r) => count(r.answered) },
      { label: "failed", show: (r) => count(r.failed) },
      { label: "unsettled", show: (r) => count(r.unsettled), bar: none },
      { label: "slowest settle", show: slowest, bar: settleBar },
    ],
  },
};

const chosen = list(options.contenders);
const names = options.only === undefined ? Object.keys(SCENARIOS) : list(options.only);
const unknown = [...names.filter((name) => !(name in SCENARIOS)), ...chosen.filter((name) => !(name in CONTENDERS))];
if (unknown.length > 0) {
  console.error(`unknown name: ${unknown.join(", ")}`);
  process.exit(2);
}
if (options.svg !== undefined && !names.includes("steady")) {
  console.error("--svg draws the scenario `steady`, which --only leaves out");
  process.exit(2);
}

/** Several runs become one: the median of every number. @param {any[]} results */
function merge(results) {
  const broken = results.find((result) => result.crashed);
  if (broken !== undefined || results.length === 1) return broken ?? results[0];
  const numbers = Object.entries(results[0]).filter(([, value]) => value === null || typeof value === "number");
  // JSON has no Infinity: a time that never came arrives as null.
  const merged = numbers.map(([key]) => [key, median(results.map((result) => result[key] ?? Infinity))]);
  return { ...results[0], ...Object.fromEntries(merged) };
}

const script = new URL("outage-child.mjs", import.meta.url);
const rows = [["", ...chosen.map((name) => CONTENDERS[name]?.label ?? name), "bar"]];
const missed = [];
for (const name of names) {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) continue;
  const runs = Number(options.runs ?? scenario.runs);
  /** @type {Record<string, any[]>} */
  const results = Object.fromEntries(chosen.map((contender) => [contender, []]));
  for (let run = 0; run < runs; run++) {
    const one = async (/** @type {string} */ contender) => {
      const task = { scenario: name, contender, patience, commands: scenario.commands };
      results[contender]?.push(await measure(script, task, { nodeArgs: ["--expose-gc"], timeout: 180_000 }));
    };
    // Where nearly all of the time is waiting, the contenders wait at the same time.
    if (scenario.together) await Promise.all(chosen.map(one));
    else for (const contender of chosen) await one(contender);
  }
  const merged = Object.fromEntries(chosen.map((contender) => [contender, merge(results[contender] ?? [])]));
  rows.push([
    `**${scenario.commands > 0 ? `${count(scenario.commands)} ` : ""}${scenario.title}**${runs > 1 ? `, median of ${runs}` : ""}`,
    ...chosen.map(() => ""),
    "",
  ]);
  for (const row of scenario.rows) {
    const cells = chosen.map((contender) => (merged[contender].crashed ? "crashed" : row.show(merged[contender])));
    rows.push([row.label, ...cells, row.bar?.name ?? ""]);
    const ours = merged["ours"];
    if (row.bar && ours && (ours.crashed || !row.bar.ok(ours)))
      missed.push(`${name}, ${row.label}: ${cells[chosen.indexOf("ours")]}, the bar is ${row.bar.name}`);
  }
  if (name === "steady") draw(scenario.title, merged);
  for (const contender of chosen) {
    if (merged[contender].crashed)
      process.stderr.write(`${name}, ${contender} crashed: ${merged[contender].crashed}\n`);
  }
  process.stderr.write(`${name} done\n`);
}

/** @param {string} title @param {Record<string, any>} results */
function draw(title, results) {
  const measured = chosen.filter((name) => !results[name].crashed);
  const clients = measured.map((name) => ({
    label: CONTENDERS[name]?.label ?? name,
    columns: results[name].timeline,
  }));
  writePicture(options.svg, { title, note: machine(["ioredis"]), scenes: [{ clients }] });
}

console.log(`${machine()}\nSettling is awaited for ${duration(patience)}.\n\n${markdownTable(rows)}`);
if (missed.length > 0) console.log(`\nMissed:\n${missed.map((line) => `  ${line}`).join("\n")}`);
if (options.check && missed.length > 0) process.exitCode = 1;
