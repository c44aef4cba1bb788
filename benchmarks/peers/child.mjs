/** One contender through the schedule, and then the reckoning. Started by peers.mjs. */
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy } from "../../lab/fault-proxy.mjs";
import { Random } from "../../lab/random.mjs";
import { startRedis } from "../../lab/redis-server.mjs";
import { exchange } from "../../lab/resp.mjs";
import { job, report } from "../lib/child.mjs";
import { median } from "../lib/report.mjs";
import { find, PEERS } from "./contenders.mjs";
import { Load, READABLE } from "./load.mjs";
import { runSchedule } from "./schedule.mjs";

/** After this long without a success the connection is not back. */
const GIVE_UP = 3000;

const { contender, seed, patience, packages } = job();
const config = ["repl-diskless-sync-delay 0"];
const primary = await startRedis({ persistence: "aof", config });
const successor = await startRedis({ persistence: "aof", config });
const proxy = await startProxy({ target: { port: primary.port }, seed });
await exchange(
  { path: primary.path },
  Array.from({ length: READABLE }, (_, i) => ["SET", `read:${i}`, String(i)]),
);

let lines = 0;
let phase = "start";
/** What ioredoubt logged, with the phase that was on. @type {string[]} */
const log = [];
/** @param {unknown} _fields @param {unknown} message */
function noteLine(_fields, message) {
  lines++;
  if (typeof message === "string" && log.length < 100) log.push(`${phase}: ${message}`);
}
let unhandled = 0;
process.on("unhandledRejection", () => unhandled++);
// A client that ends the process by an exception would take the measurement with it.
process.on("uncaughtException", () => unhandled++);

const peer = await PEERS[contender]?.make({
  host: proxy.host,
  port: proxy.port,
  line: noteLine,
  load: (name) => import(find(name, packages) ?? name),
});
if (peer === undefined) throw new Error("no such contender");
const { get } = peer;

/** Milliseconds from each reset to the first success of a call that was issued after it. @type {number[]} */
const back = [];

function watchReset() {
  const start = performance.now();
  let isOver = false;
  const ask = setInterval(() => {
    if (performance.now() - start > GIVE_UP) return settle(Number.POSITIVE_INFINITY);
    get("read:0").then(
      () => settle(performance.now() - start),
      () => {},
    );
  }, 1);
  /** @param {number} ms */
  function settle(ms) {
    clearInterval(ask);
    if (!isOver) back.push(ms);
    isOver = true;
  }
}

await peer.get("read:0");
const load = new Load(peer);
load.start();
const scene = { primary, successor, proxy, random: new Random(seed), onReset: watchReset };
const late = await runSchedule(scene, (name) => (phase = load.phases.current = name));
load.stop();
const { ledger, phases } = load;
const unsettled = await ledger.drained(patience);
// What was acknowledged by now is judged; a command that comes after it is judged as unsettled.
await sleep(100);
// The truth: past the proxy, from the server that is the primary in the end.
const ask = (/** @type {string[][]} */ commands) => exchange({ path: successor.path }, commands, { timeout: 30_000 });
const [verdict, counters] = [await ledger.audit(ask), await load.counters(ask)];
// First: what a log still holds back is told with the end of its client, and counts.
peer.close();
await sleep(100);
const result = {
  issued: phases.issued,
  acknowledged: phases.share(),
  phases: phases.rows(),
  twice: verdict.executedTwice + counters.twice,
  lost: verdict.lostAcknowledgements + counters.lost,
  torn: verdict.torn,
  unclear: ledger.failed - ledger.saidNo,
  certainNo: ledger.saidNo,
  falseNo: verdict.falseNo,
  wrong: ledger.wrong,
  unsettled,
  unhandled,
  slowest: ledger.slowest,
  back: median(back),
  lines,
  log,
  codes: Object.fromEntries(ledger.codes),
  late,
};
await proxy.stop();
await Promise.all([primary.stop(), successor.stop()]);
report(result);
