/**
 * What metrics and traces cost: the same client with and without them, in alternating slices of one process, so that both are
 * the same warm code on the same machine at the same time. Exit 1 when a bar is missed.
 */
import { startRedis } from "../lab/redis-server.mjs";
import { count, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, median, quantile, refuseUnknown, writeResults } from "./lib/report.mjs";
import { MODES } from "./telemetry/modes.mjs";

const PACKAGES = [
  "ioredis",
  "prom-client",
  "@opentelemetry/api",
  "@opentelemetry/sdk-metrics",
  "@opentelemetry/sdk-trace-base",
];

const options = readOptions("node benchmarks/telemetry.mjs [options]", {
  only: {
    type: "string",
    default: Object.keys(MODES).join(","),
    help: `separated by commas: ${Object.keys(MODES).join(", ")}; default: all`,
  },
  processes: { type: "string", default: "3", help: "processes of each, one after the other, default 3" },
  pairs: { type: "string", default: "12", help: "slices with and as many without in each process, default 12" },
  slice: { type: "string", default: "500", help: "milliseconds of a slice, default 500" },
  concurrency: { type: "string", default: "64", help: "GETs at the same time, default 64" },
  ...JSON_OPTION,
});
const chosen = list(options.only);
refuseUnknown(chosen, MODES);

const script = new URL("telemetry/child.mjs", import.meta.url);
const bars = new Bars();
/** @type {Record<string, { off: Slice, on: Slice }[]>} */
const results = Object.fromEntries(chosen.map((name) => [name, []]));
/** @typedef {{ opsPerSecond: number, cpuPerOp: number }} Slice `cpuPerOp`: microseconds */

const server = await startRedis();
try {
  for (let round = 0; round < Number(options.processes); round++) {
    for (const mode of chosen) {
      const { pairs, slice, concurrency } = options;
      const task = {
        mode,
        port: server.port,
        pairs: Number(pairs),
        slice: Number(slice),
        concurrency: Number(concurrency),
      };
      const result = await measure(script, task);
      if (result.crashed) throw new Error(`${mode}: ${result.crashed}`);
      results[mode]?.push(...result.pairs);
      process.stderr.write(`${mode} done\n`);
    }
  }
} finally {
  await server.stop();
}

const rows = [
  [
    "GET, what is on",
    "without, ops/s",
    "with, ops/s",
    "throughput, with ÷ without",
    "CPU per op, with ÷ without",
    "bar",
  ],
];
for (const mode of chosen) {
  const { label = mode, bar } = MODES[mode] ?? {};
  const pairs = results[mode] ?? [];
  const ratios = (/** @type {keyof Slice} */ what) => pairs.map(({ off, on }) => on[what] / off[what]);
  const rate = (/** @type {"off" | "on"} */ which) =>
    count(Math.round(median(pairs.map((pair) => pair[which].opsPerSecond))));
  const ratio = median(ratios("opsPerSecond"));
  const told = bar === undefined ? "" : `≥ ${bar}`;
  rows.push([label, rate("off"), rate("on"), quartiles(ratios("opsPerSecond")), quartiles(ratios("cpuPerOp")), told]);
  if (bar !== undefined) bars.note(`${label} ≥ ${bar}`, ratio >= bar, ratio.toFixed(3));
}
console.log(machine(PACKAGES));
console.log(
  `${options.concurrency} at a time, ${options.processes} × ${options.pairs} pairs of slices of ${options.slice} ms\n`,
);
console.log(markdownTable(rows));
console.log("\nRatios: median of the pairs (quartiles).");
if (bars.all.length > 0) console.log(`\n${bars.text()}`);
writeResults(options.json, { results, bars: bars.all });

/** @param {readonly number[]} ratios */
function quartiles(ratios) {
  const [low, high] = [0.25, 0.75].map((q) => quantile(ratios, q).toFixed(2));
  return `${median(ratios).toFixed(2)} (${low}–${high})`;
}
