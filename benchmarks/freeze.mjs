/**
 * Servers that stand still: for seconds, for the length of a script, under a flood. How many outcomes stay unknown, what
 * the silence hold costs where the server was only busy, and what the process keeps in memory. Exit 1 when a bar is missed.
 */
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, median, refuseUnknown, writeResults } from "./lib/report.mjs";

const P99 = 1.1;
const HEAP = 60e6;
const FLOOD = { rate: 20_000, seconds: 5 };

/** `as off`: no more may fail than with the hold off. `none`: nothing may fail. */
const PAUSES = [
  { pause: 600, rate: 5000, errors: "as off" },
  { pause: 2000, rate: 5000, errors: "as off" },
  { pause: 1000, rate: 30_000, errors: "none" },
];

const bars = new Bars();
/** @type {Record<string, unknown>} */
const results = {};

const SECTIONS = { outcomes, pause, flood };
const options = readOptions("node benchmarks/freeze.mjs [options]", {
  only: {
    type: "string",
    default: Object.keys(SECTIONS).join(","),
    help: "sections, separated by commas: outcomes, pause, flood; default: all",
  },
  runs: { type: "string", default: "5", help: "runs of each pause with the hold on and off, in turn, default 5" },
  option: {
    type: "string",
    default: "silenceHold",
    help: "option in `resilience` that takes false to switch the hold off, default silenceHold",
  },
  ...JSON_OPTION,
});
const chosen = list(options.only);
refuseUnknown(chosen, SECTIONS);

/** @param {string} script @param {object} job @param {string[]} [nodeArgs] */
async function measured(script, job, nodeArgs = []) {
  const url = new URL(`freeze/${script}.mjs`, import.meta.url);
  const result = await measure(url, { option: options.option, ...job }, { nodeArgs });
  if (result.crashed) throw new Error(`${script}: ${result.crashed}`);
  return result;
}

async function outcomes() {
  const r = await measured("outcomes", {});
  const told = Object.entries(r.codes).map(([code, n]) => `${code} ${count(Number(n))}`);
  console.log(
    `\n6 s freeze at 400 calls a second: ${told.join(", ") || "no failures"}; ${count(r.safeFailed)} reads and repeatable writes failed`,
  );
  bars.tell(
    "6 s freeze: unknown outcomes ≤ unsafe commands of its first 0.6 s",
    r.unknown <= r.allowed,
    `${count(r.unknown)} of ${count(r.allowed)} allowed`,
  );
  for (const what of ["twice", "lost", "falseNo", "unsettled"])
    bars.tell(`6 s freeze: 0 ${what}`, r[what] === 0, count(r[what]));
  results["outcomes"] = r;
}

async function pause() {
  const rows = [
    [
      "a script of",
      "SETs a second",
      "hold",
      "succeeded",
      "failed",
      "unsettled",
      "p99 before",
      "p99 after",
      "after, on ÷ off",
    ],
  ];
  /** @type {(() => void)[]} */
  const judge = [];
  const all = [];
  for (const { pause, rate, errors } of PAUSES) {
    /** @type {Record<"on" | "off", any[]>} */
    const runs = { on: [], off: [] };
    for (let run = 0; run < Number(options.runs); run++)
      for (const hold of /** @type {const} */ (["on", "off"]))
        runs[hold].push(await measured("pause", { hold, pause, rate }));
    const isAbsent = runs.off.some((result) => result.absent);
    const ratio = isAbsent
      ? Number.NaN
      : median(runs.on.map((result) => result.p99)) / median(runs.off.map((r) => r.p99));
    const failed = (/** @type {any} */ r) =>
      Object.values(r.codes).reduce((sum, n) => sum + Number(n), 0) + r.unsettled;
    const worst = { on: Math.max(...runs.on.map(failed)), off: isAbsent ? 0 : Math.max(...runs.off.map(failed)) };
    for (const hold of /** @type {const} */ (["on", "off"])) {
      if (hold === "off" && isAbsent) continue;
      const sum = (/** @type {(r: any) => number} */ of) => count(runs[hold].reduce((total, r) => total + of(r), 0));
      const mid = (/** @type {string} */ what) => duration(median(runs[hold].map((r) => r[what])));
      const shown = hold === "on" && !isAbsent ? ratio.toFixed(2) : "";
      rows.push([
        duration(pause),
        count(rate),
        hold,
        sum((r) => r.succeeded),
        sum(failed),
        sum((r) => r.unsettled),
        mid("p99Before"),
        mid("p99"),
        shown,
      ]);
    }
    const name = `${duration(pause)} script beside ${count(rate)} SET/s`;
    const absent = `there is no resilience.${options.option} in this build`;
    judge.push(() => {
      if (errors === "none")
        return bars.tell(`${name}: 0 errors`, worst.on === 0, `${count(worst.on)} in the worst run`);
      bars.tell(
        `${name}: errors as with the hold off`,
        !isAbsent && worst.on <= worst.off,
        isAbsent ? absent : `${count(worst.on)} and ${count(worst.off)} off, worst runs`,
      );
      bars.tell(`${name}: p99 after it ≤ ${P99} ×`, !isAbsent && ratio <= P99, isAbsent ? absent : ratio.toFixed(2));
    });
    all.push({ pause, rate, runs, ratio });
  }
  console.log(`\n${markdownTable(rows)}\nSums of ${options.runs} runs each, p99 the median of their p99.\n`);
  for (const tell of judge) tell();
  results["pause"] = all;
}

async function flood() {
  const r = await measured("flood", FLOOD, ["--expose-gc"]);
  const name = `flood of ${count(FLOOD.rate)}/s for ${FLOOD.seconds} s against a frozen server`;
  console.log(
    `\n${name}: ${count(r.issued)} issued, ${count(r.failed)} failed, slowest ${duration(r.slowest)}; the process grew by ${(r.rssGrowth / 1e6).toFixed(0)} MB`,
  );
  bars.tell(`${name}: heap growth ≤ ${HEAP / 1e6} MB`, r.heapGrowth <= HEAP, `${(r.heapGrowth / 1e6).toFixed(0)} MB`);
  bars.tell(`${name}: all settled`, r.unsettled === 0, `${count(r.unsettled)} unsettled`);
  bars.tell(`${name}: it was a flood`, r.issued >= FLOOD.rate * FLOOD.seconds * 0.9, count(r.issued));
  results["flood"] = r;
}

console.log(machine());
for (const name of chosen) await SECTIONS[/** @type {keyof typeof SECTIONS} */ (name)]();
writeResults(options.json, { results, bars: bars.all });
