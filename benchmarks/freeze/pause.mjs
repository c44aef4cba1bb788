/** A script that holds the server up for a moment beside a stream of SETs, with the hold on or off. Started by freeze.mjs. */
import { setTimeout as sleep } from "node:timers/promises";
import { arrivals } from "../../lab/clock.mjs";
import { codeOf } from "../../lab/ledger.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { job, report } from "../lib/child.mjs";
import { quantile } from "../lib/report.mjs";
import { makeOurs } from "./client.mjs";

const BUSY = `local function now() local t = redis.call("TIME") return t[1] * 1000 + t[2] / 1000 end
local until_ = now() + tonumber(ARGV[1])
while now() < until_ do end
return 1`;
/** What is still catching up is not "after it". */
const CATCH_UP = 1000;
const WATCHED = 3000;
const SETTLE_WITHIN = 15_000;

const { option, hold, pause, rate } = job();
// Scripts may not see the clock move in some versions; this one asks it again and again, which all of them allow.
const server = await startRedis();
const redis = await makeOurs({ port: server.port, hold, option });
if (redis === undefined) {
  await server.stop();
  report({ absent: true });
} else {
  await redis.set("warm", "up");
  let isAfter = false;
  let pending = 0;
  let succeeded = 0;
  /** @type {Record<string, number>} */
  const codes = {};
  /** @type {number[]} */
  const before = [];
  /** @type {number[]} */
  const after = [];
  let isBefore = true;
  const stop = arrivals(rate, (n) => {
    const start = performance.now();
    const times = isBefore ? before : isAfter ? after : undefined;
    pending++;
    redis.set(`k:${n % 1000}`, "v").then(
      () => {
        pending--;
        succeeded++;
        times?.push(performance.now() - start);
      },
      (/** @type {unknown} */ error) => {
        pending--;
        const code = codeOf(error);
        codes[code] = (codes[code] ?? 0) + 1;
      },
    );
  });
  await sleep(2000);
  isBefore = false;
  await server.call("EVAL", BUSY, 0, pause);
  await sleep(CATCH_UP);
  isAfter = true;
  await sleep(WATCHED);
  const issued = stop();
  const until = performance.now() + SETTLE_WITHIN;
  while (pending > 0 && performance.now() < until) await sleep(5);
  redis.disconnect();
  await server.stop();
  report({
    issued,
    succeeded,
    codes,
    unsettled: pending,
    p99Before: quantile(before, 0.99),
    p99: quantile(after, 0.99),
  });
}
