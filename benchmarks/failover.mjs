/**
 * Failovers of real Sentinel sets, plain ioredis beside ours: what is lost, what is executed twice, how long everybody takes
 * to be at the new master, and what the log says of it. Exit 1 when ioredoubt misses a bar.
 */
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { SVG_OPTION, writePicture } from "./lib/picture.mjs";
import { JSON_OPTION, machine, median, refuseUnknown, writeResults } from "./lib/report.mjs";
import { DEADLINE } from "./failover/fleet.mjs";
import { SCENARIOS } from "./failover/scenarios.mjs";

const KINDS = { ioredis: "plain ioredis", ours: "ioredoubt" };
const FIRST_WITHIN = 300;
const ALL_BACK_WITHIN = 1000;
const LATE = 200;
const LINES = { most: 6, least: 2 };
const CHILD_TIMEOUT = 150_000;

const options = readOptions("node benchmarks/failover.mjs [options]", {
  only: {
    type: "string",
    default: Object.keys(SCENARIOS).join(","),
    help: `scenarios, separated by commas: ${Object.keys(SCENARIOS).join(", ")}; default: all`,
  },
  clients: { type: "string", default: "ioredis,ours", help: "ioredis,ours by default; exit 1 only speaks of ours" },
  runs: { type: "string", default: "1", help: "runs of each; medians and worst counts are shown, default 1" },
  together: { type: "string", default: "3", help: "sets at the same time, six servers each, default 3" },
  log: { type: "boolean", default: false, help: "print what each client logged" },
  ...JSON_OPTION,
  svg: { ...SVG_OPTION.svg, help: "file that gets a picture of what became of the writes, of the first run of each" },
});
const scenarios = list(options.only);
const kinds = list(options.clients);
refuseUnknown(scenarios, SCENARIOS);
refuseUnknown(kinds, KINDS);

const script = new URL("failover/child.mjs", import.meta.url);
const waiting = scenarios.flatMap((scenario) =>
  Array.from({ length: Number(options.runs) }, () => kinds.map((kind) => ({ scenario, kind }))).flat(),
);
/** @type {Map<string, any[]>} */
const results = new Map();

async function next() {
  for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
    const key = `${job.scenario} ${job.kind}`;
    const result = await measure(script, job, { timeout: CHILD_TIMEOUT });
    if (result.crashed) throw new Error(`${key}: ${result.crashed}`);
    results.set(key, [...(results.get(key) ?? []), result]);
    process.stderr.write(`${key}: done, ${waiting.length} left\n`);
  }
}

console.log(machine());
await Promise.all(Array.from({ length: Number(options.together) }, next));

const never = (/** @type {number | null} */ ms) => ms ?? Number.POSITIVE_INFINITY;
const middle = (/** @type {any[]} */ runs, /** @type {string} */ what) => median(runs.map((run) => never(run[what])));
const worst = (/** @type {any[]} */ runs, /** @type {string} */ what) => Math.max(...runs.map((run) => run[what]));

const bars = new Bars();
const rows = [
  [
    "scenario",
    "client",
    "failover",
    "first write",
    "message heard",
    "popped",
    "all 20 back",
    "lost, of that late",
    "twice",
    "false no",
    "unsettled",
    "slowest",
    "left open",
    "log",
  ],
];
for (const scenario of scenarios) {
  for (const kind of kinds) {
    const runs = results.get(`${scenario} ${kind}`) ?? [];
    const { label = scenario, switches = true } = SCENARIOS[scenario] ?? {};
    const time = (/** @type {string} */ what) => (switches ? duration(middle(runs, what)) : "");
    rows.push([
      label,
      KINDS[/** @type {keyof typeof KINDS} */ (kind)],
      time("failover"),
      time("firstWrite"),
      time("firstMessage"),
      time("firstPop"),
      duration(middle(runs, "allBack")),
      `${count(worst(runs, "lost"))}, ${count(worst(runs, "lostLate"))}`,
      ...["executedTwice", "falseNo", "unsettled"].map((what) => count(worst(runs, what))),
      duration(middle(runs, "slowest")),
      count(worst(runs, "left")),
      count(worst(runs, "lines")),
    ]);
    if (kind === "ours") judge(scenario, runs);
  }
}

/** @param {string} scenario @param {any[]} runs */
function judge(scenario, runs) {
  const { label = scenario, switches = true, firstWithin = FIRST_WITHIN } = SCENARIOS[scenario] ?? {};
  for (const what of ["executedTwice", "falseNo", "unsettled", "left"])
    bars.note(`${label}: 0 ${what}`, worst(runs, what) === 0, count(worst(runs, what)));
  const slowest = middle(runs, "slowest");
  bars.note(`${label}: slowest settle ≤ deadline + ${LATE} ms`, slowest <= DEADLINE + LATE, duration(slowest));
  const lines = worst(runs, "lines");
  bars.note(`${label}: at most ${LINES.most} log lines`, lines <= LINES.most, count(lines));
  const back = middle(runs, "allBack");
  bars.note(`${label}: all 20 back within ${duration(ALL_BACK_WITHIN)}`, back <= ALL_BACK_WITHIN, duration(back));
  if (!switches) return;
  bars.note(
    `${label}: it switched`,
    runs.every((run) => run.switched),
    String(runs.length),
  );
  bars.note(`${label}: at least ${LINES.least} log lines`, lines >= LINES.least, count(lines));
  const first = middle(runs, "firstWrite");
  bars.note(`${label}: first write within ${duration(firstWithin)}`, first <= firstWithin, duration(first));
  const late = worst(runs, "lostLate");
  bars.note(`${label}: nothing lost that was acknowledged 100 ms after the announcement`, late === 0, count(late));
}

console.log(
  `\nTimes from +switch-master (failover: from the fault to it), median of ${options.runs}; counts: the worst run.\n`,
);
console.log(markdownTable(rows));
if (options.log) {
  for (const [key, runs] of results) console.log(`\n${key}:\n${runs.map((run) => run.log.join("\n")).join("\n--\n")}`);
}
const missed = bars.all.filter((bar) => !bar.met);
if (bars.all.length > 0) console.log(`\n${bars.all.length - missed.length} of ${bars.all.length} bars met`);
for (const bar of missed) console.log(`MISSED  ${bar.name}: ${bar.seen}`);
writeResults(options.json, { results: Object.fromEntries(results), bars: bars.all });
writePicture(options.svg, {
  title: "Writes through failovers of a Sentinel set",
  note: machine(["ioredis"]),
  scenes: scenarios.map((scenario) => ({
    title: SCENARIOS[scenario]?.label ?? scenario,
    clients: kinds.map((kind) => ({
      label: KINDS[/** @type {keyof typeof KINDS} */ (kind)],
      columns: results.get(`${scenario} ${kind}`)?.[0].timeline,
    })),
  })),
});
