/**
 * One outage, seen by one client: issues commands, breaks a server of its own, and measures what the caller, the event
 * loop and the heap go through. Started by outage.mjs.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { startRedis } from "../lab/redis-server.mjs";
import { job, report } from "./lib/child.mjs";
import { makeContender } from "./lib/contenders.mjs";
import { quantile } from "./lib/report.mjs";
import { Settlements } from "./lib/settlements.mjs";
import { goThrough } from "./outage/steady.mjs";

const { scenario, contender, patience, commands } = job();

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

const server = await startRedis();
const subject = await makeContender(contender, { port: server.port });

/** The client's whole opinion of the breaker, if it has one. */
function breakerState() {
  return typeof subject.client.stats === "function" ? subject.client.stats().breaker.readWrite.state : undefined;
}

/** Half reads, half writes: what may be sent again and what may not. @param {number} n @param {Settlements} all */
function issue(n, all) {
  for (let i = 0; i < n; i++) all.watch(i % 2 === 0 ? subject.get(`k${i}`) : subject.incr(`n${i}`));
}

/** Resolves with the milliseconds until a command issued from now on succeeds. @param {number} limit */
function firstSuccess(limit) {
  return new Promise((resolve) => {
    const start = performance.now();
    const settle = (/** @type {number} */ ms) => {
      clearInterval(asking);
      clearTimeout(giveUp);
      resolve(ms);
    };
    const giveUp = setTimeout(settle, limit, Infinity);
    const ask = () =>
      void subject.incr("probe").then(
        () => settle(performance.now() - start),
        () => {},
      );
    const asking = setInterval(ask, 10);
    ask();
  });
}

const scenarios = {
  /** The server stops answering with everything in flight, then dies and stays dead. */
  async killed() {
    await subject.set("warm", "up");
    server.freeze();
    const all = new Settlements();
    issue(commands, all);
    await sleep(200);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const killedAt = performance.now();
    await server.kill();
    const unsettled = await all.all(patience);
    delay.disable();
    return { unsettled, slowest: all.slowest, afterKill: all.lastAt - killedAt, stall: delay.max / 1e6 };
  },

  /** Nobody listens, and callers do not stop calling. */
  async down() {
    await subject.set("warm", "up");
    await server.kill();
    const gc = /** @type {() => void} */ (globalThis.gc);
    gc();
    const before = process.memoryUsage().heapUsed;
    let peak = 0;
    const all = new Settlements();
    const start = performance.now();
    /** @type {number | undefined} */
    let openedAfter;
    const batch = 500;
    for (let n = 0; n < commands; n += batch) {
      issue(batch, all);
      await new Promise((resolve) => setImmediate(resolve));
      if (openedAfter === undefined && breakerState() === "open") openedAfter = performance.now() - start;
      if (n % 50_000 === 0) {
        gc();
        peak = Math.max(peak, process.memoryUsage().heapUsed - before);
      }
    }
    gc();
    peak = Math.max(peak, process.memoryUsage().heapUsed - before);
    const issuing = performance.now() - start;
    const unsettled = await all.all(patience);
    // Enough time for the breaker to have opened in any case, before single rejections are timed.
    while (performance.now() - start < 3000) await sleep(10);
    if (openedAfter === undefined && breakerState() === "open") openedAfter = performance.now() - start;
    const rejections = await timeRejections(1000);
    return { unsettled, slowest: all.slowest, heapGrowth: peak / 2 ** 20, issuing, openedAfter, rejections };
  },

  /** Down for ten seconds under a trickle of calls, then back on the same port. */
  async back() {
    await subject.set("warm", "up");
    await server.kill();
    const all = new Settlements();
    const trickle = setInterval(() => all.watch(subject.incr("trickle")), 20);
    await sleep(10_000);
    await server.restart();
    const ms = await firstSuccess(30_000);
    clearInterval(trickle);
    return { firstSuccess: ms };
  },

  /** SIGSTOP: the kernel still accepts, nobody answers; later the process goes on as if nothing had been. */
  async frozen() {
    await subject.set("warm", "up");
    server.freeze();
    const all = new Settlements();
    issue(commands, all);
    const unsettled = await all.all(patience);
    server.thaw();
    const ms = await firstSuccess(30_000);
    return { unsettled, slowest: all.slowest, firstSuccess: ms };
  },

  /** Callers that call all the while, through two outages. */
  async steady() {
    await subject.set("warm", "up");
    return goThrough(subject, server, patience);
  },
};

/** How long single calls take to be refused, one after the other. @param {number} n */
async function timeRejections(n) {
  const times = [];
  const until = performance.now() + 15_000;
  while (times.length < n && performance.now() < until) {
    const start = performance.now();
    const settled = subject.get("k").then(
      () => true,
      () => true,
    );
    if (!(await Promise.race([settled, sleep(until - start).then(() => false)]))) break;
    times.push(performance.now() - start);
  }
  return times.length === 0
    ? undefined
    : { n: times.length, median: quantile(times, 0.5), p99: quantile(times, 0.99), max: Math.max(...times) };
}

const result = await scenarios[/** @type {keyof typeof scenarios} */ (scenario)]();
await server.stop();
report(result);
