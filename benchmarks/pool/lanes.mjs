/** When more than one shared connection pays: small replies beside a large one. And when it does not: small ones only. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRedis } from "ioredoubt";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { count, duration } from "../../lab/text-table.mjs";
import { quantile } from "../lib/report.mjs";
import { QUIET } from "./ground.mjs";

const SMALL = 100;
/** What one connection carries on the slow link, in bytes a second. */
const SLOW_LINK = 25_000_000;

/** @param {import("./ground.mjs").Ground} ground */
export async function lanes({ kept }) {
  const server = kept(await startRedis());
  const proxy = kept(await startProxy({ target: server }));
  proxy.throttle(SLOW_LINK);
  await server.call("SET", "large", "x".repeat(10_000_000));
  for (let i = 0; i < SMALL; i++) await server.call("SET", `small:${i}`, "x".repeat(100));
  const links = { loopback: server.port, [`a link of ${SLOW_LINK / 1e6} MB/s a connection`]: proxy.port };
  for (const [link, port] of Object.entries(links)) {
    const seen = new Map();
    for (let round = 0; round < 3; round++) {
      for (const size of [1, 2, 4]) {
        const row = seen.get(size) ?? { p50: [], p99: [], late: [], rate: [] };
        seen.set(size, row);
        const redis = createRedis({ port, host: "127.0.0.1", resilience: { ...QUIET, pool: { size } } });
        // Each key has its lane once all lanes are connected.
        const isSpread = () => size === 1 || redis.stats().pool?.lanes?.filter(isReady).length === size;
        while (!isSpread()) await Promise.all([redis.ping(), sleep(1)]);
        await Promise.all(Array.from({ length: SMALL }, (_, i) => redis.get(`small:${i}`)));
        const beside = await besideLarge(redis);
        row.p50.push(quantile(beside, 0.5));
        row.p99.push(quantile(beside, 0.99));
        row.late.push(beside.filter((ms) => ms > 20).length / beside.length);
        row.rate.push(await rateOfGets(redis, 2000));
        redis.disconnect();
      }
    }
    for (const [size, { p50, p99, late, rate }] of seen) {
      const held = `${(quantile(late, 0.5) * 100).toFixed(1)} % over 20 ms`;
      console.log(
        `        ${link}, pool.size ${size}: small GET beside 10 MB replies p50 ${duration(quantile(p50, 0.5))}, p99 ${duration(quantile(p99, 0.5))}, ${held}; small GETs only, 200 at once: ${count(Math.round(quantile(rate, 0.5)))}/s`,
      );
    }
  }
}

/** @param {any} redis */
async function besideLarge(redis) {
  let on = true;
  const large = (async () => {
    while (on) {
      await redis.getBuffer("large");
      await sleep(100);
    }
  })();
  const times = await clockedGets(redis, 3000);
  on = false;
  await large;
  return times;
}

/** Answers a second with 200 loops. @param {any} redis @param {number} ms */
async function rateOfGets(redis, ms) {
  let answered = 0;
  const until = performance.now() + ms;
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      while (performance.now() < until) {
        await redis.get(`small:${i % SMALL}`);
        answered++;
      }
    }),
  );
  return (answered * 1000) / ms;
}

/**
 * One GET a millisecond by the clock, whatever the answers: a loop that waits for each answer would send nothing while
 * it is held up, and so hardly notice. @param {any} redis @param {number} ms
 */
async function clockedGets(redis, ms) {
  /** @type {Promise<number>[]} */
  const times = [];
  const since = performance.now();
  while (times.length < ms) {
    for (; times.length < Math.min(ms, performance.now() - since);) {
      const due = since + times.length;
      times.push(redis.get(`small:${times.length % SMALL}`).then(() => performance.now() - due));
    }
    await sleep(1);
  }
  return Promise.all(times);
}

/** @param {{ readonly status: string }} lane */
function isReady({ status }) {
  return status === "ready";
}
