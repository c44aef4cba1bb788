/**
 * INCRs without a pause through a link that is reset all the time and now and then loses replies: what is acknowledged,
 * executed twice, lost. The server and the proxy run here, the client in a process of its own. Exit 1 when ioredoubt
 * misses a bar.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy } from "../lab/fault-proxy.mjs";
import { Random } from "../lab/random.mjs";
import { startRedis } from "../lab/redis-server.mjs";
import { count, duration, markdownTable } from "../lab/text-table.mjs";
import { Bars } from "./lib/bars.mjs";
import { measure } from "./lib/child.mjs";
import { CONTENDERS } from "./lib/contenders.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { JSON_OPTION, machine, refuseUnknown, writeResults } from "./lib/report.mjs";
import { SEED_OPTIONS, seedsOf } from "./lib/seeds.mjs";

const RESET_EVERY = 300;
const DROP_EVERY = 1100;
const DROP_FOR = 20;
/** Every time between two faults is this much longer or shorter, so that they do not fall in step with anything. */
const JITTER = 0.1;
const LEAST = 0.96;

const options = readOptions("node benchmarks/resets.mjs [options]", {
  ...SEED_OPTIONS,
  seconds: { type: "string", default: "20", help: "how long, default 20" },
  rate: { type: "string", default: "25000", help: "INCRs a second, default 25000" },
  contenders: {
    type: "string",
    default: "ioredis,ours",
    help: `default ioredis,ours; there are ${Object.keys(CONTENDERS).join(",")}`,
  },
  ...JSON_OPTION,
});
const chosen = list(options.contenders);
refuseUnknown(chosen, CONTENDERS);
const seconds = Number(options.seconds);
const rate = Number(options.rate);

/**
 * Breaks the link on two clocks until told to stop.
 * @param {import("../lab/fault-proxy.mjs").FaultProxy} proxy
 * @param {number} seed
 */
function breaking(proxy, seed) {
  const random = new Random(seed);
  let on = true;
  const every = async (/** @type {number} */ ms, /** @type {() => unknown} */ fault) => {
    while (on) {
      await sleep(random.between(ms * (1 - JITTER), ms * (1 + JITTER)));
      if (on) await fault();
    }
  };
  const resets = every(RESET_EVERY, () => proxy.cutAll());
  const drops = every(DROP_EVERY, async () => {
    proxy.dropReplies();
    await sleep(DROP_FOR);
    // The reset comes with it: a connection that lost replies is not relayed on.
    await proxy.pass();
  });
  return async () => {
    on = false;
    await Promise.all([resets, drops]);
    await proxy.pass();
  };
}

/** @param {string} contender @param {number} seed */
async function run(contender, seed) {
  // It never dies here, so its memory is the truth.
  const server = await startRedis();
  const proxy = await startProxy({ target: { port: server.port } });
  try {
    const job = { contender, seconds, rate, port: proxy.port, path: server.path };
    const child = measure(new URL("resets/child.mjs", import.meta.url), job, { timeout: (seconds + 90) * 1000 });
    let isOver = false;
    void child.then(() => (isOver = true));
    // The first commands are the child's greeting; what follows is the load.
    while (proxy.counters.requests < rate / 10 && !isOver) await sleep(5);
    const stop = breaking(proxy, seed);
    await Promise.race([child, sleep(seconds * 1000)]);
    await stop();
    return { ...(await child), cuts: proxy.counters.cuts, connections: proxy.counters.connections };
  } finally {
    await proxy.stop();
    await server.stop();
  }
}

const bars = new Bars();
const results = [];
const rows = [
  ["", "issued", "acknowledged", "twice", "lost", "unknown", "not applied", "unsettled", "slowest", "connections"],
];
console.log(machine());
for (const seed of seedsOf(options)) {
  for (const contender of chosen) {
    const result = await run(contender, seed);
    results.push({ seed, contender, ...result });
    const label = `${CONTENDERS[contender]?.label ?? contender}, seed ${seed}`;
    if (result.crashed) {
      rows.push([label, "crashed", ...Array.from({ length: 8 }, () => "")]);
      bars.note(label, contender !== "ours", `crashed: ${result.crashed}`);
      continue;
    }
    const { issued, acknowledged, twice, lost, unknown, saidNo, unsettled, slowest, connections } = result;
    const share = acknowledged / issued;
    const counts = [twice, lost, unknown, saidNo, unsettled].map(count);
    const percent = `${(share * 100).toFixed(2)} %`;
    rows.push([label, count(issued), percent, ...counts, duration(slowest), count(connections)]);
    if (contender !== "ours") continue;
    bars.note(`seed ${seed}: acknowledged ≥ ${LEAST * 100} %`, share >= LEAST, percent);
    for (const [what, n] of Object.entries({ twice, lost, unsettled, "false no": result.falseNo }))
      bars.note(`seed ${seed}: 0 ${what}`, n === 0, count(n));
    bars.note(
      `seed ${seed}: the load was issued`,
      issued >= rate * seconds * 0.9,
      `${count(issued)} of ${count(rate * seconds)}`,
    );
  }
}
console.log(
  `${count(rate)} INCRs a second for ${seconds} s; a reset about every ${RESET_EVERY} ms, and about every ${DROP_EVERY} ms replies dropped for ${DROP_FOR} ms, then a reset\n`,
);
console.log(markdownTable(rows));
if (bars.all.length > 0) console.log(`\n${bars.text()}`);
writeResults(options.json, { results, bars: bars.all });
