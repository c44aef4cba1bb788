/**
 * Random faults against a real server for a while, and then the reckoning: what clients were told against what the
 * server did. Both contenders meet the same faults in the same order, each with a server and a proxy of its own.
 */
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { measure } from "./lib/child.mjs";
import { CONTENDERS } from "./lib/contenders.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { machine } from "./lib/report.mjs";

const options = readOptions("node benchmarks/faults.mjs [options]", {
  seconds: { type: "string", default: "60", help: "how long, default 60" },
  seed: { type: "string", help: "repeats a run's faults; default: a new one" },
  contenders: { type: "string", default: "ioredis,ours", help: "ioredis,ours by default; exit 1 only speaks of ours" },
});
const seconds = Number(options.seconds);
const seed = Number(options.seed ?? Math.floor(Math.random() * 1e6));
const chosen = list(options.contenders);
const unknown = chosen.filter((name) => name !== "ioredis" && name !== "ours");
if (unknown.length > 0) {
  console.error(`unknown name: ${unknown.join(", ")}`);
  process.exit(2);
}

const script = new URL("faults-child.mjs", import.meta.url);
const results = await Promise.all(
  chosen.map((contender) => measure(script, { contender, seconds, seed }, { timeout: (seconds + 120) * 1000 })),
);
results.forEach((result, i) => {
  if (!result.crashed) return;
  console.error(`${chosen[i]} crashed: ${result.crashed}`);
  process.exit(1);
});

/** @type {{ label: string, show: (result: any) => string, bar?: { name: string, ok: (result: any) => boolean } }[]} */
const ROWS = [
  { label: "issued", show: (r) => count(r.issued) },
  { label: "acknowledged", show: (r) => count(r.acknowledged) },
  { label: "executed twice", ...zero((r) => r.executedTwice) },
  { label: "lost acknowledgements", ...zero((r) => r.lostAcknowledgements) },
  { label: "unsettled", ...zero((r) => r.unsettled) },
  { label: "unhandled rejections", ...zero((r) => r.unhandled.length) },
  { label: "wrong replies", ...zero((r) => r.wrongReplies) },
  { label: "said “not applied” but was", ...zero((r) => r.falseNo) },
  { label: "transactions applied in part", ...zero((r) => r.torn) },
  { label: "outcome unknown: applied / not", show: (r) => `${count(r.unknownExecuted)} / ${count(r.unknownNot)}` },
  {
    label: "acknowledged while not killed or frozen",
    show: (r) => `${(r.availability * 100).toFixed(2)} %`,
    bar: { name: "≥ 95 %", ok: (r) => r.availability >= 0.95 },
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

const labels = chosen.map((name) => CONTENDERS[name]?.label ?? name);
console.log(`${machine()}\n${seconds} s of random faults, seed ${seed}: ${count(results[0].faults.length)} faults\n`);
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
console.log(
  `\n${markdownTable([["issued during", ...labels.map((label) => `acknowledged: ${label}`)], ...phases.map((phase) => [phase, ...results.map((r) => share(r, phase))])])}`,
);
results.forEach((result, i) => {
  const codes = Object.entries(result.codes).map(([code, n]) => `${code} ${count(/** @type {number} */ (n))}`);
  console.log(`\nFailures of ${labels[i]}: ${codes.join(", ") || "none"}`);
});

const ours = results[chosen.indexOf("ours")];
const missed = ours === undefined ? [] : ROWS.filter((row) => row.bar !== undefined && !row.bar.ok(ours));
if (missed.length > 0) {
  console.log(
    `\nMissed: ${missed.map((row) => `${row.label} ${row.show(ours)} (the bar is ${row.bar?.name})`).join("; ")}`,
  );
  process.exitCode = 1;
}
