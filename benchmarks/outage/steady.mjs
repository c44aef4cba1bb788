/** A steady trickle of calls through two outages, and what its callers saw over time. */
import { setTimeout as sleep } from "node:timers/promises";
import { arrivals } from "../../lab/clock.mjs";
import { Settlements } from "../lib/settlements.mjs";
import { Timeline } from "../lib/timeline.mjs";

/** Times in milliseconds. */
export const STEADY = { perSecond: 200, dead: 12_000, frozen: 8000 };
const CALM = 4000;
/** What a client with backoff takes to come back is part of the picture. */
const RECOVERY = 8000;

/**
 * @param {import("../lib/contenders.mjs").Contender} subject
 * @param {import("../../lab/redis-server.mjs").RedisServer} server
 * @param {number} patience milliseconds for everything to settle afterwards
 */
export async function goThrough(subject, server, patience) {
  const timeline = new Timeline();
  const all = new Settlements();
  const stop = arrivals(STEADY.perSecond, (n) => {
    const call = n % 2 === 0 ? subject.get(`k${n}`) : subject.incr(`n${n}`);
    all.watch(call);
    timeline.watch(call);
  });
  await sleep(CALM);
  const isBack = timeline.begin(`server dead for ${STEADY.dead / 1000} s`);
  await server.kill();
  await sleep(STEADY.dead);
  await server.restart();
  isBack();
  await sleep(RECOVERY);
  const isThawed = timeline.begin(`frozen for ${STEADY.frozen / 1000} s`);
  server.freeze();
  await sleep(STEADY.frozen);
  server.thaw();
  isThawed();
  await sleep(RECOVERY);
  stop();
  const unsettled = await all.all(patience);
  return {
    answered: all.settled - all.failed,
    failed: all.failed,
    unsettled,
    slowest: all.slowest,
    timeline: timeline.columns(),
  };
}
