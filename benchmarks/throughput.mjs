/**
 * Throughput of four ways to call Redis, side by side. Contenders take turns (A B C D, B C D A, …), each turn in a fresh
 * process; a round's ratio compares turns that stand next to each other, so a slow minute of the machine hits all of them.
 */
import { makeCertificates } from "../lab/tls.mjs";
import { startRedis } from "../lab/redis-server.mjs";
import { count, markdownTable } from "../lab/text-table.mjs";
import { compareCheckouts } from "./lib/against.mjs";
import { measure } from "./lib/child.mjs";
import { CONTENDERS } from "./lib/contenders.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, median, spread, writeResults } from "./lib/report.mjs";
import { writeTable } from "./lib/table-in-page.mjs";
import { WORKLOADS } from "./lib/workloads.mjs";

const options = readOptions("node benchmarks/throughput.mjs [options]", {
  quick: { type: "boolean", default: false, help: "3 rounds of 0.4 s instead of 5 of 1 s" },
  rounds: { type: "string", help: "number of rounds" },
  duration: { type: "string", help: "milliseconds of each measurement" },
  only: { type: "string", help: `workloads, separated by commas: ${Object.keys(WORKLOADS).join(", ")}` },
  contenders: {
    type: "string",
    default: Object.keys(CONTENDERS).join(","),
    help: `default ${Object.keys(CONTENDERS).join(",")}`,
  },
  check: { type: "boolean", default: false, help: "exit 1 when ioredoubt misses a bar" },
  write: { type: "string", help: "page whose table is replaced by this run's, such as docs/performance.md" },
  ...JSON_OPTION,
  against: {
    type: "string",
    help: "a built checkout: compares it with this one instead, in 11 rounds; exit 1 when this one is worse",
  },
  either: {
    type: "string",
    default: "6",
    help: "with --against: percent that a row may be worse in throughput or in CPU",
  },
  both: {
    type: "string",
    default: "3",
    help: "with --against: percent that a row may be worse in both, and the median row in either",
  },
});

const rounds = Number(options.rounds ?? (options.quick ? 3 : options.against === undefined ? 5 : 11));
const duration = Number(options.duration ?? (options.quick ? 400 : 1000));
const chosen = list(options.contenders);
const workloads = options.only === undefined ? Object.keys(WORKLOADS) : list(options.only);
for (const name of [
  ...chosen.filter((name) => !(name in CONTENDERS)),
  ...workloads.filter((name) => !(name in WORKLOADS)),
]) {
  console.error(`unknown name: ${name}`);
  process.exit(2);
}

const certificates = await makeCertificates();
const server = await startRedis({ tls: certificates.valid });
try {
  if (options.against === undefined) await compareContenders();
  else if (!(await compareCheckouts({ ...options, other: options.against, workloads, measureOnce, rounds })))
    process.exitCode = 1;
} finally {
  await server.stop();
  await certificates.remove();
}

async function compareContenders() {
  console.log(`${machine()}\n${rounds} rounds of ${duration} ms each, one connection, contenders in turn\n`);
  const missed = [];
  /** @type {Record<string, Record<string, { opsPerSecond: number, cpuPerOp: number }[]>>} */
  const all = {};
  const rows = [
    [
      "workload",
      ...chosen.map((name) => `${CONTENDERS[name]?.label} ops/s`),
      ...compared().map((name) => `${CONTENDERS[name]?.label} ÷ ioredis`),
      "CPU per op ÷ ioredis",
    ],
  ];
  for (const name of workloads) {
    const workload = WORKLOADS[name];
    if (workload === undefined) continue;
    const results = (all[name] = await takeTurns(workload));
    const ratios = (/** @type {string} */ contender, /** @type {"opsPerSecond" | "cpuPerOp"} */ what) =>
      (results[contender] ?? []).map(
        (result, round) => result[what] / (results["ioredis"]?.[round]?.[what] ?? Number.NaN),
      );
    const speed = (/** @type {string} */ contender) =>
      count(Math.round(median((results[contender] ?? []).map((r) => r.opsPerSecond))));
    const cpu =
      chosen.includes("ours") && chosen.includes("ioredis") ? median(ratios("ours", "cpuPerOp")).toFixed(2) : "";
    rows.push([
      workload.label,
      ...chosen.map(speed),
      ...compared().map((contender) => spread(ratios(contender, "opsPerSecond"))),
      cpu,
    ]);
    if (chosen.includes("ours") && chosen.includes("ioredis")) {
      const ratio = median(ratios("ours", "opsPerSecond"));
      if (ratio < workload.bar) missed.push(`${name}: ${ratio.toFixed(2)}, the bar is ${workload.bar}`);
    }
    process.stderr.write(`${name} done\n`);
  }
  console.log(markdownTable(rows));
  console.log(
    "\nRatios: median of the rounds (smallest–largest). A pipeline of 50 counts as one op. CPU: ioredoubt's process, user and system.",
  );
  if (missed.length > 0) console.log(`\nBelow the bar:\n${missed.map((line) => `  ${line}`).join("\n")}`);
  writeResults(options.json, { rounds, duration, workloads: all, missed });
  if (options.write !== undefined) {
    const what = `${machine()}; ${rounds} rounds of ${duration} ms`;
    await writeTable(options.write, `${what}.\n\n${markdownTable(rows)}`);
  }
  if (options.check && missed.length > 0) process.exitCode = 1;
}

/** Whose ratio to plain ioredis is shown. */
function compared() {
  return chosen.includes("ioredis") ? chosen.filter((name) => name !== "ioredis") : [];
}

/**
 * One measurement in a fresh process.
 * @param {import("./lib/workloads.mjs").Workload} workload
 * @param {string} contender
 * @param {string} [checkout]
 * @returns {Promise<{ opsPerSecond: number, cpuPerOp: number }>}
 */
async function measureOnce(workload, contender, checkout) {
  const result = await measure(new URL("throughput-child.mjs", import.meta.url), {
    contender,
    checkout,
    operation: workload.operation,
    concurrency: workload.concurrency,
    size: workload.size,
    keys: workload.keys,
    ...(workload.tls ? { port: server.tlsPort, ca: certificates.ca } : { port: server.port }),
    warmup: Math.min(400, duration),
    duration,
  });
  if (result.crashed) throw new Error(`${checkout ?? contender}: ${result.crashed}`);
  return result;
}

/** @param {import("./lib/workloads.mjs").Workload} workload */
async function takeTurns(workload) {
  /** @type {Record<string, { opsPerSecond: number, cpuPerOp: number }[]>} */
  const results = Object.fromEntries(chosen.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = chosen.map((_, i) => chosen[(i + round) % chosen.length] ?? "");
    for (const contender of order) results[contender]?.push(await measureOnce(workload, contender));
  }
  return results;
}
