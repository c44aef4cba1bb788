/** INCRs on the clock, each of a key of its own, and the reckoning past the proxy. Started by resets.mjs. */
import { setTimeout as sleep } from "node:timers/promises";
import { arrivals } from "../../lab/clock.mjs";
import { Ledger } from "../../lab/ledger.mjs";
import { exchange } from "../../lab/resp.mjs";
import { job, report } from "../lib/child.mjs";
import { makeContender } from "../lib/contenders.mjs";

const SETTLE_WITHIN = 20_000;

const { contender, seconds, rate, port, path } = job();
const subject = await makeContender(contender, { port });
await subject.get("warm");
const ledger = new Ledger();
const stop = arrivals(rate, (n) => {
  const key = `i:${n}`;
  ledger.track("", [{ key, kind: "counter" }], subject.incr(key), (reply) => reply === 1);
});
await sleep(seconds * 1000);
const issued = stop();
const unsettled = await ledger.drained(SETTLE_WITHIN);
const { acknowledged, slowest } = ledger;
const verdict = await ledger.audit((commands) => exchange({ path }, commands, { timeout: 30_000 }));
report({
  issued,
  acknowledged,
  slowest,
  unsettled,
  twice: verdict.executedTwice,
  lost: verdict.lostAcknowledgements,
  unknown: ledger.failed - ledger.saidNo,
  saidNo: ledger.saidNo,
  falseNo: verdict.falseNo,
  codes: Object.fromEntries(ledger.codes),
});
