/** A flood against a server that stands still: what the process keeps in memory, and what never settles. Started by freeze.mjs. */
import { setTimeout as sleep } from "node:timers/promises";
import { arrivals } from "../../lab/clock.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { job, report } from "../lib/child.mjs";
import { Settlements } from "../lib/settlements.mjs";
import { makeOurs } from "./client.mjs";

const LOOK_EVERY = 500;
const SETTLE_WITHIN = 20_000;
const VALUE = "x".repeat(100);

const { option, rate, seconds } = job();
const gc = /** @type {() => void} */ (globalThis.gc);
const server = await startRedis();
const redis = await makeOurs({ port: server.port, hold: "on", option });
await redis.set("warm", "up");
/** @type {((key: string) => Promise<unknown>)[]} */
const kinds = [(key) => redis.set(key, VALUE), (key) => redis.get(key), (key) => redis.incr(key)];
const all = new Settlements();
server.freeze();
gc();
const start = process.memoryUsage();
let heapGrowth = 0;
let rssGrowth = 0;
const look = () => {
  gc();
  const now = process.memoryUsage();
  heapGrowth = Math.max(heapGrowth, now.heapUsed - start.heapUsed);
  rssGrowth = Math.max(rssGrowth, now.rss - start.rss);
};
// All of them, also where the collections hold it up: what is measured is so many commands.
const stop = arrivals(
  rate,
  (n) => {
    if (n < rate * seconds) all.watch(/** @type {Promise<unknown>} */ (kinds[n % kinds.length]?.(`k${n}`)));
  },
  Number.POSITIVE_INFINITY,
);
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  await sleep(LOOK_EVERY);
  look();
}
stop();
look();
// Frozen until everything is settled: nothing but the client's own limits ends it.
const unsettled = await all.all(SETTLE_WITHIN);
server.thaw();
redis.disconnect();
await server.stop();
report({ issued: all.issued, failed: all.failed, slowest: all.slowest, unsettled, heapGrowth, rssGrowth });
