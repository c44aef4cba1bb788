/**
 * The popular clients under one fault schedule: what each acknowledges, executes twice, loses, leaves unclear. Each has a
 * process, two servers and a proxy of its own; what they were told is held against the server's data. Exit 1 when
 * ioredoubt's production profile misses a bar.
 */
import { count, duration, markdownTable, plainTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, refuseUnknown, writeResults } from "./lib/report.mjs";
import { SEED_OPTIONS, seedsOf } from "./lib/seeds.mjs";
import { writeTable } from "./lib/table-in-page.mjs";
import { find, PEERS, versionOf } from "./peers/contenders.mjs";
import { SCHEDULE, SECONDS } from "./peers/schedule.mjs";

const options = readOptions("node benchmarks/peers.mjs [options]", {
  ...SEED_OPTIONS,
  contenders: {
    type: "string",
    help: `separated by commas; default: all that are installed of ${Object.keys(PEERS).join(", ")}`,
  },
  together: { type: "string", default: "1", help: "contenders that run at the same time, default 1" },
  packages: {
    type: "string",
    help: "folder in which iovalkey and @valkey/valkey-glide are installed; default: this project's",
  },
  patience: {
    type: "string",
    default: "20000",
    help: "milliseconds for everything to settle after the schedule, default 20000",
  },
  log: { type: "boolean", help: "print what ioredoubt logged, with the phase that was on" },
  write: { type: "string", help: "page whose table is replaced by this run's, such as docs/verification.md" },
  ...JSON_OPTION,
});
const seeds = seedsOf(options);
const isInstalled = (/** @type {string} */ name) => {
  const optional = PEERS[name]?.optional;
  return optional === undefined || find(optional, options.packages) !== undefined;
};
const wanted = options.contenders === undefined ? Object.keys(PEERS) : list(options.contenders);
refuseUnknown(wanted, PEERS);
const chosen = wanted.filter(isInstalled);
const missing = wanted.filter((name) => !isInstalled(name));
if (missing.length > 0) {
  const packages = [...new Set(missing.map((name) => PEERS[name]?.optional ?? name))].join(" ");
  console.error(
    `Left out, because not installed: ${missing.join(", ")}. To have them take part:\n  npm install --prefix /tmp/peers ${packages}\n  node benchmarks/peers.mjs --packages /tmp/peers`,
  );
}
if (chosen.length === 0) process.exit(2);
const optional = [...new Set(chosen.flatMap((name) => PEERS[name]?.optional ?? []))];
const machineLine = [machine(), ...optional.map((name) => versionOf(name, options.packages))].join(" · ");

/** Least share acknowledged, by what was on when a unit was issued. Percent. */
const BY_FAULT = {
  resets: 99.5,
  "dropped replies": 93,
  blackhole: 99.5,
  kill: 95,
  freeze: 99.5,
  READONLY: 75,
  "accept-then-close": 98,
};
const OVERALL = 95;
const UNCLEAR = 800;
const BACK = 20;
const LOG_LINES = 20;

const script = new URL("peers/child.mjs", import.meta.url);
const phases = [...new Set(SCHEDULE.map((phase) => phase.name))];
const percent = (/** @type {number} */ share) => (share * 100).toFixed(1);
const shareOf = (/** @type {any} */ result, /** @type {string} */ phase) => {
  const { issued = 0, acknowledged = 0 } = result.phases[phase] ?? {};
  return acknowledged / issued;
};

/** @type {Record<string, (result: any) => string>} */
const COLUMNS = {
  "acked %": (r) => percent(r.acknowledged),
  twice: (r) => count(r.twice),
  lost: (r) => count(r.lost),
  unclear: (r) => count(r.unclear),
  "certain no": (r) => count(r.certainNo),
  "false no": (r) => count(r.falseNo),
  unsettled: (r) => count(r.unsettled),
  slowest: (r) => duration(r.slowest),
  back: (r) => duration(r.back ?? Number.POSITIVE_INFINITY),
  log: (r) => count(r.lines + r.printed),
};

/** @type {Record<string, any[]>} */
const results = Object.fromEntries(chosen.map((name) => [name, []]));
const bars = new Bars();
console.log(machineLine);
for (const seed of seeds) {
  const waiting = [...chosen];
  const next = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const task = { contender: name, seed, patience: Number(options.patience), packages: options.packages };
      const result = await measure(script, task, { timeout: SECONDS * 1000 + Number(options.patience) + 120_000 });
      results[name]?.push(result);
      process.stderr.write(`seed ${seed}: ${name} ${result.crashed ? `crashed: ${result.crashed}` : "done"}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.together) }, next));
  const row = (/** @type {string} */ name, /** @type {(result: any) => string[]} */ cells) => {
    const result = results[name]?.at(-1);
    return [PEERS[name]?.label ?? name, ...(result.crashed ? ["crashed"] : cells(result))];
  };
  console.log(`\n${SECONDS} s, seed ${seed}\n`);
  console.log(
    plainTable([
      ["", ...Object.keys(COLUMNS)],
      ...chosen.map((name) => row(name, (result) => Object.values(COLUMNS).map((show) => show(result)))),
    ]),
  );
  console.log("\nacknowledged %, by what was on when it was issued\n");
  console.log(
    plainTable([
      ["", ...phases],
      ...chosen.map((name) => row(name, (result) => phases.map((phase) => percent(shareOf(result, phase))))),
    ]),
  );
  for (const name of chosen) {
    const result = results[name]?.at(-1);
    if (result.late?.length > 0) console.log(`\n${name}: the machine was too busy, late: ${result.late.join(", ")}`);
    if (result.torn + result.wrong + result.unhandled > 0)
      console.log(
        `\n${name}: ${result.torn} torn, ${result.wrong} wrong replies, ${result.unhandled} unhandled errors`,
      );
  }
  if (options.log) for (const name of chosen) print(name, results[name]?.at(-1).log ?? []);
  if (chosen.includes("ours")) judge(seed, results["ours"]?.at(-1));
}
if (bars.all.length > 0) console.log(`\n${bars.text()}`);
writeResults(options.json, { seeds, packages: machineLine, results, bars: bars.all });
if (options.write !== undefined) await writeTable(options.write, pageText());

/** One table of all seeds: what differs between them stands in their order. */
function pageText() {
  const cell = (/** @type {string} */ name, /** @type {(result: any) => string} */ show) => {
    const shown = (results[name] ?? []).map((result) => (result.crashed ? "crashed" : show(result)));
    return new Set(shown).size === 1 ? (shown[0] ?? "") : shown.join(" / ");
  };
  const columns = /** @type {[string, (result: any) => string][]} */ (Object.entries(COLUMNS));
  const shares = phases.map((phase) => (/** @type {any} */ result) => percent(shareOf(result, phase)));
  const table = (/** @type {readonly string[]} */ head, /** @type {readonly ((result: any) => string)[]} */ shows) =>
    markdownTable([
      head,
      ...chosen.map((name) => [PEERS[name]?.label ?? name, ...shows.map((show) => cell(name, show))]),
    ]);
  return [
    `${machineLine}; ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(" and ")}.`,
    table(
      ["client", ...columns.map(([name]) => name)],
      columns.map(([, show]) => show),
    ),
    "Acknowledged, in percent, by what was on when a unit was issued:",
    table(["client", ...phases], shares),
  ].join("\n\n");
}

/** @param {string} name @param {readonly string[]} log */
function print(name, log) {
  if (log.length > 0) console.log(`\n${name} logged\n  ${log.join("\n  ")}`);
}

/** @param {number} seed @param {any} ours */
function judge(seed, ours) {
  if (ours.crashed) {
    bars.note(`seed ${seed}`, false, ours.crashed);
    return;
  }
  const least = (/** @type {string} */ what, /** @type {number} */ share, /** @type {number} */ least) =>
    bars.note(`seed ${seed}: ${what}, acknowledged ≥ ${least} %`, share * 100 >= least, `${percent(share)} %`);
  const none = (/** @type {string} */ what) =>
    bars.note(`seed ${seed}: 0 ${what}`, ours[what] === 0, count(ours[what]));
  least("overall", ours.acknowledged, OVERALL);
  for (const [fault, share] of Object.entries(BY_FAULT)) least(fault, shareOf(ours, fault), share);
  for (const what of ["twice", "lost", "unsettled", "falseNo", "torn", "wrong", "unhandled"]) none(what);
  bars.note(`seed ${seed}: unclear ≤ ${UNCLEAR}`, ours.unclear <= UNCLEAR, count(ours.unclear));
  const back = ours.back ?? Number.POSITIVE_INFINITY;
  bars.note(`seed ${seed}: log lines ≤ ${LOG_LINES}`, ours.lines <= LOG_LINES, count(ours.lines));
  bars.note(`seed ${seed}: back after a reset ≤ ${BACK} ms, median`, back <= BACK, duration(back));
}
