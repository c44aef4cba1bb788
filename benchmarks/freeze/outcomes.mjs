/**
 * A server that stands still for 6 s under a steady mix of calls: of how many does nobody know the outcome afterwards, and
 * how many that cannot be repeated were written before the silence could be noticed? Started by freeze.mjs.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { arrivals } from "../../lab/clock.mjs";
import { Ledger } from "../../lab/ledger.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { exchange } from "../../lab/resp.mjs";
import { job, report } from "../lib/child.mjs";
import { makeOurs } from "./client.mjs";

const PER_SECOND = 400;
const FROZEN = 6000;
/** What is written in this time after the freeze may be left unclear. */
const GRACE = 600;
const SETTLE_WITHIN = 20_000;

const { option } = job();
const server = await startRedis();
const redis = await makeOurs({ port: server.port, hold: "on", option });
await redis.set("read", "1");
const ledger = new Ledger();
/** @type {{ at: number, entry: import("../../lab/ledger.mjs").Entry }[]} units whose second execution would be seen */
const unsafe = [];
/** @type {import("../../lab/ledger.mjs").Entry[]} */
const safe = [];

const counter = (/** @type {string} */ key) => ({ key, kind: /** @type {const} */ ("counter") });
/** @param {string[]} keys @param {Promise<unknown>} promise */
function cannotRepeat(keys, promise) {
  unsafe.push({ at: performance.now(), entry: ledger.track("", keys.map(counter), promise) });
}
/** @param {Promise<unknown>} promise */
function canRepeat(promise) {
  safe.push(ledger.track("", [], promise));
}
/** @param {Promise<any>} batch @param {number} at */
const member = async (batch, at) => {
  const [error, reply] = (await batch)[at];
  if (error) throw error;
  return reply;
};

/** @type {((n: number) => void)[]} */
const kinds = [
  (n) => cannotRepeat([`i:${n}`], redis.incr(`i:${n}`)),
  (n) => cannotRepeat([`a:${n}`, `b:${n}`], member(redis.multi().incr(`a:${n}`).incr(`b:${n}`).exec(), 0)),
  (n) => {
    const batch = redis.pipeline().incr(`p:${n}`).get("read").incr(`q:${n}`).exec();
    cannotRepeat([`p:${n}`], member(batch, 0));
    canRepeat(member(batch, 1));
    cannotRepeat([`q:${n}`], member(batch, 2));
  },
  (n) => canRepeat(redis.mset(`x:${n}`, 1, `y:${n}`, 1)),
  () => canRepeat(redis.get("read")),
];

const stop = arrivals(PER_SECOND, (n) => kinds[n % kinds.length]?.(n));
await sleep(2000);
const owed = unsafe.filter(({ entry }) => entry.outcome === "pending").length;
server.freeze();
const frozenAt = performance.now();
await sleep(FROZEN);
server.thaw();
await sleep(3000);
const issued = stop();
const unsettled = await ledger.drained(SETTLE_WITHIN);
const verdict = await ledger.audit((commands) => exchange({ path: server.path }, commands, { timeout: 30_000 }));
const count = (/** @type {import("../../lab/ledger.mjs").Entry[]} */ entries, /** @type {string} */ outcome) =>
  entries.filter((entry) => entry.outcome === outcome).length;
const result = {
  issued,
  acknowledged: ledger.acknowledged,
  // A read that failed changed nothing, whatever its error says.
  unknown: count(
    unsafe.map(({ entry }) => entry),
    "maybe",
  ),
  allowed: owed + unsafe.filter(({ at }) => at >= frozenAt && at < frozenAt + GRACE).length,
  safeFailed: count(safe, "maybe") + count(safe, "no"),
  saidNo: ledger.saidNo,
  twice: verdict.executedTwice,
  lost: verdict.lostAcknowledgements,
  falseNo: verdict.falseNo,
  unsettled,
  codes: Object.fromEntries(ledger.codes),
};
redis.disconnect();
await server.stop();
report(result);
