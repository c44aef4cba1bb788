/**
 * Random faults against a real server for a while, and then the reckoning: what clients were told against what the
 * server did. All contenders meet the same faults in the same order, each with a server and a proxy of its own. Exit 1 when
 * ioredoubt misses a bar.
 */
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { CONTENDERS } from "./lib/contenders.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { SVG_OPTION, writePicture } from "./lib/picture.mjs";
import { JSON_OPTION, machine, refuseUnknown, writeResults } from "./lib/report.mjs";
import { SEED_OPTIONS, seedsOf } from "./lib/seeds.mjs";

const { ioredis, ours } = CONTENDERS;
const AVAILABLE = 0.97;

const options = readOptions("node benchmarks/faults.mjs [options]", {
  ...SEED_OPTIONS,
  seconds: { type: "string", default: "60", help: "how long, default 60" },
  contenders: { type: "string", default: "ioredis,ours", help: "ioredis,ours by default; exit 1 only speaks of ours" },
  ...JSON_OPTION,
  ...SVG_OPTION,
});
const seconds = Number(options.seconds);
const chosen = list(options.contenders);
refuseUnknown(chosen, { ioredis, ours });

/** @type {{ label: string, show: (result: any) => string, bar?: { name: string, ok: (result: any) => boolean } }[]} */
const ROWS = [
  { label: "issued", show: (r) => count(r.issued) },
  { label: "acknowledged", show: (r) => count(r.acknowledged) },
  { label: "executed twice", ...zero((r) => r.executedTwice) },
  { label: "lost acknowledgements", ...zero((r) => r.lostAcknowledgements) },
  { label: "keys with acknowledged writes out of order", ...zero((r) => r.outOfOrder) },
  { label: "keys watched for that", show: (r) => count(r.keysInOrder) },
  { label: "unsettled", ...zero((r) => r.unsettled) },
  { label: "unhandled rejections", ...zero((r) => r.unhandled.length) },
  { label: "wrong replies", ...zero((r) => r.wrongReplies) },
  { label: "said “not applied” but was", ...zero((r) => r.falseNo) },
  { label: "transactions applied in part", ...zero((r) => r.torn) },
  { label: "outcome unknown: applied / not", show: (r) => `${count(r.unknownExecuted)} / ${count(r.unknownNot)}` },
  {
    label: "acknowledged while not killed or frozen",
    show: (r) => `${(r.availability * 100).toFixed(2)} %`,
    bar: { name: `≥ ${AVAILABLE * 100} %`, ok: (r) => r.availability >= AVAILABLE },
  },
  { label: "slowest settle", show: (r) => duration(r.slowest) },
  { label: "log lines", show: (r) => count(r.lines) },
];

/** @param {(result: any) => number} value */
function zero(value) {
  return {
    show: (/** @type {any} */ r) => count(value(r)),
    bar: { name: "0", ok: (/** @type {any} */ r) => value(r) === 0 },
  };
}

const script = new URL("faults-child.mjs", import.meta.url);
const labels = chosen.map((name) => CONTENDERS[name]?.label ?? name);
const bars = new Bars();
const all = [];
/** @type {import("./lib/picture.mjs").Scene[]} */
const scenes = [];
console.log(machine());
for (const seed of seedsOf(options)) {
  const results = await Promise.all(
    chosen.map((contender) => measure(script, { contender, seconds, seed }, { timeout: (seconds + 120) * 1000 })),
  );
  results.forEach((result, i) => {
    if (!result.crashed) return;
    console.error(`${chosen[i]} crashed: ${result.crashed}`);
    process.exit(1);
  });
  all.push({ seed, results: Object.fromEntries(chosen.map((name, i) => [name, results[i]])) });
  scenes.push({
    title: `seed ${seed}`,
    clients: results.map((result, i) => ({ label: labels[i] ?? "", columns: result.timeline })),
  });
  show(seed, results);
  const own = results[chosen.indexOf("ours")];
  if (own === undefined) continue;
  for (const { label, show, bar } of ROWS)
    if (bar) bars.note(`seed ${seed}: ${label} ${bar.name}`, bar.ok(own), show(own));
}
const missed = bars.all.filter((bar) => !bar.met);
if (missed.length > 0) console.log(`\nMissed: ${missed.map(({ name, seen }) => `${name}: ${seen}`).join("; ")}`);
writeResults(options.json, { seconds, runs: all, bars: bars.all });
writePicture(options.svg, { title: `${seconds} s of random faults`, note: machine(["ioredis"]), scenes });

/** @param {number} seed @param {any[]} results */
function show(seed, results) {
  console.log(`\n${seconds} s of random faults, seed ${seed}: ${count(results[0].faults.length)} faults\n`);
  console.log(
    markdownTable([
      ["", ...labels, "bar"],
      ...ROWS.map((row) => [row.label, ...results.map(row.show), row.bar?.name ?? ""]),
    ]),
  );
  const phases = [...new Set(results.flatMap((result) => Object.keys(result.phases)))];
  const share = (/** @type {any} */ result, /** @type {string} */ phase) => {
    const { issued = 0, acknowledged = 0 } = result.phases[phase] ?? {};
    return issued === 0 ? "" : `${((acknowledged / issued) * 100).toFixed(1)} % of ${count(issued)}`;
  };
  const head = ["issued during", ...labels.map((label) => `acknowledged: ${label}`)];
  console.log(`\n${markdownTable([head, ...phases.map((phase) => [phase, ...results.map((r) => share(r, phase))])])}`);
  results.forEach((result, i) => {
    const codes = Object.entries(result.codes).map(([code, n]) => `${code} ${count(Number(n))}`);
    console.log(`\nFailures of ${labels[i]}: ${codes.join(", ") || "none"}`);
  });
}
