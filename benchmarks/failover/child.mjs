/** One scenario for one kind of client: a set of its own, twenty clients, one fault, and the reckoning. Started by failover.mjs. */
import { setTimeout as sleep } from "node:timers/promises";
import { Ledger } from "../../lab/ledger.mjs";
import { exchange } from "../../lab/resp.mjs";
import { SentinelEvents } from "../../lab/sentinel-events.mjs";
import { startSentinelSet } from "../../lab/sentinel-set.mjs";
import { makeCertificates } from "../../lab/tls.mjs";
import { job, report } from "../lib/child.mjs";
import { Timeline } from "../lib/timeline.mjs";
import { Fleet } from "./fleet.mjs";
import { openDoors, SCENARIOS } from "./scenarios.mjs";

const WARM = 1500;
/** A failover takes about two seconds with these Sentinels. */
const SWITCH_WITHIN = 15_000;
const WATCH = 5000;
const BACK_WITHIN = 12_000;
const SETTLE_WITHIN = 12_000;
/** Sentinels that tell of one switch are not further apart, in milliseconds. */
const SAME_SWITCH = 3000;
const PASSWORD = "of-the-lab";

/** @type {{ scenario: string, kind: "ioredis" | "ours" }} */
const { scenario: name, kind } = job();
const scenario = SCENARIOS[name];
if (scenario === undefined) throw new Error(`no scenario ${name}`);
const { secure = false, switches = true } = scenario;
const certificates = secure ? await makeCertificates() : undefined;
const keys = certificates?.valid;
const set = await startSentinelSet({
  ...scenario.set,
  ...(keys && { tls: keys, sentinelTls: keys, password: PASSWORD, sentinelPassword: PASSWORD }),
});
const events = new SentinelEvents(set.sentinels, secure ? PASSWORD : undefined);
const doors = scenario.doors ? await openDoors(set) : new Map();
const tls = certificates && { ca: certificates.caPem, servername: "localhost" };
const where = {
  ...set.addresses,
  ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true, password: PASSWORD, sentinelPassword: PASSWORD }),
  ...(doors.size > 0 && { natMap: throughDoor }),
};

/** @param {string} key `host:port` as the Sentinels announce it */
function throughDoor(key) {
  const door = doors.get(Number(key.split(":").at(-1)));
  return door && { host: door.host, port: door.port };
}

const ledger = new Ledger();
const fleet = new Fleet(kind, ledger);
await fleet.start(where);
const timeline = new Timeline();
await sleep(WARM);
const master = await set.healthy();
// The line of the first connection is not about the fault
fleet.log = [];
const start = performance.now();
timeline.begin(scenario.label);
const lastSwitch = () => events.all.findLast((event) => event.name === "+switch-master")?.at;

async function switched() {
  for (const until = performance.now() + SWITCH_WITHIN; performance.now() < until;) {
    const at = events.at("+switch-master", start);
    if (at !== undefined) return;
    await sleep(5);
  }
}

const acting = scenario.act({ set, master, doors, switched });
if (switches) await switched();
const back = fleet.allBack(BACK_WITHIN);
await acting;
const allBack = await back;
await sleep(scenario.after ?? WATCH);
const at = lastSwitch() ?? start;
fleet.stop();
const unsettled = await ledger.drained(SETTLE_WITHIN);
for (const one of [...set.sentinels, ...set.nodes]) one.thaw();
const last = switches ? await set.healthy(set.sentinels.filter((one) => one.running)) : master;
const login = secure ? [["AUTH", PASSWORD]] : [];
const verdict = await ledger.audit(async (commands) =>
  (await exchange({ path: last.path }, [...login, ...commands], { timeout: 30_000 })).slice(login.length),
);
const gone = ledger.entries.filter((entry) => entry.outcome === "acknowledged" && entry.executed === false);
const firstAfter = (/** @type {number[]} */ times) => (times.find((time) => time >= at) ?? Infinity) - at;
// An old master may acknowledge after the announcement: the first write counts whose data is on the new one
const kept = ledger.entries.filter(({ outcome, executed }) => outcome === "acknowledged" && executed === true);
const firstWrite = firstAfter(kept.map(({ settled }) => settled).sort((a, b) => a - b));
const ports = [
  ...set.sentinels.flatMap(({ port, tlsPort }) => [port, tlsPort ?? port]),
  ...(doors.size > 0 ? [...doors.values()].map(({ port }) => port) : set.nodes.map((node) => set.portOf(node))),
];
const left = await fleet.close(new Set(ports));
events.stop();
for (const { issued, settled, outcome } of ledger.entries) {
  const isPending = outcome === "pending";
  timeline.add({ issued, settled: isPending ? undefined : settled, isAnswered: outcome === "acknowledged" });
}
for (const moment of announcements()) timeline.begin("new master", moment);
await Promise.all([...doors.values()].map((door) => door.stop()));
await set.stop();
await certificates?.remove();
report({
  switched: lastSwitch() !== undefined,
  failover: at - start,
  firstWrite: finite(firstWrite),
  firstMessage: finite(firstAfter(fleet.heard)),
  firstPop: finite(firstAfter(fleet.popped)),
  allBack: finite(allBack),
  issued: ledger.acknowledged + ledger.failed + unsettled,
  acknowledged: ledger.acknowledged,
  lost: gone.length,
  lostLate: gone.filter((entry) => entry.settled > at + 100).length,
  executedTwice: verdict.executedTwice,
  falseNo: verdict.falseNo,
  unsettled,
  slowest: ledger.slowest,
  left,
  lines: fleet.log.length,
  log: fleet.log.slice(0, 40),
  codes: Object.fromEntries(ledger.codes),
  timeline: timeline.columns(),
});

/** When a new master was announced: by the first of the Sentinels that tell of the same one. */
function announcements() {
  const all = events.all.filter(({ name, at }) => name === "+switch-master" && at >= start);
  return all
    .filter((one, i) => !all.slice(0, i).some(({ text, at }) => text === one.text && one.at - at < SAME_SWITCH))
    .map(({ at }) => at);
}

/** JSON has no Infinity: what never came is null. @param {number} ms */
function finite(ms) {
  return Number.isFinite(ms) ? ms : null;
}
