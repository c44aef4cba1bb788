/**
 * A failover behind one name that cuts no connection: how long after the first moment a new dial reaches the new primary
 * does the first write succeed? For the name that moves and for the target behind it, for several kinds of writes and
 * clients. Exit 1 when a client of ioredoubt misses the bar. Linux: it needs 127.0.0.2.
 */
import { duration, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, median, refuseUnknown, writeResults } from "./lib/report.mjs";
import { CLIENTS, WRITES } from "./demotion/clients.mjs";

const BAR = 1500;
/** @type {Record<string, string>} */
const HOWS = { name: "the name moves", target: "the target behind the name moves" };
const FULL = { after: "0,2,8,30", writes: Object.keys(WRITES).join(","), how: Object.keys(HOWS).join(","), runs: "3" };
const QUICK = { after: "0,2", writes: "set,mixed", how: "name,target", runs: "1" };

const options = readOptions("node benchmarks/demotion.mjs [options]", {
  quick: {
    type: "boolean",
    default: false,
    help: `as if: ${Object.entries(QUICK)
      .map(([name, value]) => `--${name} ${value}`)
      .join(" ")}`,
  },
  after: {
    type: "string",
    help: `seconds from the demotion until a new dial reaches the new primary, default ${FULL.after}`,
  },
  writes: { type: "string", help: `default ${FULL.writes}` },
  how: { type: "string", help: `default ${FULL.how}` },
  clients: {
    type: "string",
    default: Object.keys(CLIENTS).join(","),
    help: `default ${Object.keys(CLIENTS).join(",")}`,
  },
  runs: { type: "string", help: "runs, default 3; the median is held against the bar" },
  watch: { type: "string", default: "15", help: "seconds after which a first write is said never to come, default 15" },
  every: { type: "string", default: "50", help: "milliseconds between two writes of one client, default 50" },
  together: { type: "string", default: "8", help: "demotions that run at the same time, default 8" },
  ...JSON_OPTION,
});
const preset = options.quick ? QUICK : FULL;
const chosen = {
  after: list(options.after ?? preset.after).map(Number),
  writes: list(options.writes ?? preset.writes),
  how: list(options.how ?? preset.how),
  clients: list(options.clients),
};
refuseUnknown(chosen.writes, WRITES);
refuseUnknown(chosen.how, HOWS);
refuseUnknown(chosen.clients, CLIENTS);
const runs = Number(options.runs ?? preset.runs);
const watch = Number(options.watch) * 1000;

// A demotion for each moment and way; all clients and kinds of writes go through it together, each at an endpoint of its own.
const clients = chosen.clients.flatMap((who) => chosen.writes.map((writes) => ({ who, writes })));
// The longest first: what is short fills up the end.
const scenes = [...chosen.after].sort((a, b) => b - a).flatMap((after) => chosen.how.map((how) => ({ how, after })));
const waiting = Array.from({ length: runs }, () => scenes).flat();
/** @type {Map<string, number[]>} */
const firsts = new Map();
const cell = (
  /** @type {string} */ how,
  /** @type {number} */ after,
  /** @type {string} */ who,
  /** @type {string} */ writes,
) => `${how} ${after} ${who} ${writes}`;

async function next() {
  for (let scene = waiting.shift(); scene !== undefined; scene = waiting.shift()) {
    const { how, after } = scene;
    const job = { how, after: after * 1000, watch, every: Number(options.every), clients };
    const { crashed, result } = await measure(new URL("demotion/child.mjs", import.meta.url), job, {
      timeout: after * 1000 + watch + 60_000,
    });
    if (crashed) throw new Error(`${how}, ${after} s: ${crashed}`);
    for (const { who, writes, first } of result) {
      const key = cell(how, after, who, writes);
      firsts.set(key, [...(firsts.get(key) ?? []), first ?? Number.POSITIVE_INFINITY]);
    }
    process.stderr.write(`${how}, ${after} s: done, ${waiting.length} left\n`);
  }
}

console.log(machine());
await Promise.all(Array.from({ length: Number(options.together) }, next));
const bars = new Bars();
const rows = [
  ["", "client", ...chosen.after.flatMap((after) => chosen.writes.map((writes) => `${after} s ${WRITES[writes]}`))],
];
const results = [];
for (const how of chosen.how) {
  for (const who of chosen.clients) {
    const { label = who, ours = false } = CLIENTS[who] ?? {};
    const cells = [];
    for (const after of chosen.after) {
      for (const writes of chosen.writes) {
        const seen = firsts.get(cell(how, after, who, writes)) ?? [];
        const middle = median(seen);
        cells.push(duration(middle));
        results.push({ how, after, who, writes, firsts: seen.map((ms) => (Number.isFinite(ms) ? ms : null)) });
        if (ours) bars.note(`${HOWS[how]}, ${after} s, ${WRITES[writes]}, ${label}`, middle <= BAR, duration(middle));
      }
    }
    rows.push([HOWS[how] ?? how, label, ...cells]);
  }
}
console.log(
  `First write after the first moment a new dial reaches the new primary, median of ${runs}. "never": not within ${options.watch} s.\n`,
);
console.log(markdownTable(rows));
const missed = bars.all.filter((bar) => !bar.met);
console.log(`\n${bars.all.length - missed.length} of ${bars.all.length} within ${duration(BAR)}`);
for (const bar of missed) console.log(`MISSED  ${bar.name}: ${bar.seen}`);
writeResults(options.json, { results, bars: bars.all });
