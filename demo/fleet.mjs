/**
 * One fleet: a process with several clients of one kind under a steady load of reads, writes and counted INCRs. It is
 * told the phase by the main process, reports twice a second, and at the end settles up and hands in its ledger's verdict.
 * Arrivals are on a clock, not after the last answer: callers do not stop coming because Redis is slow.
 */
import { Cluster as PlainCluster, Redis } from "ioredis";
import { pino } from "pino";
import { Ledger } from "../lab/ledger.mjs";
import { exchange } from "../lab/resp.mjs";

/**
 * @typedef {{ host: string, port: number }} Address
 * @type {{ kind: "ioredis" | "ioredoubt", target: { port: number } | { url: string } | { name: string, sentinels: Address[] } | { nodes: Address[] }, prefix: string }}
 */
const job = JSON.parse(process.argv[2] ?? "{}");

const CLIENTS = 4;
const TICK = 10;
/** Seconds a key lives on a server that is not ours, in case this process is killed before it has cleaned up. */
const TTL = 300;
/** How long the fleet may go on settling after the last phase. */
const PATIENCE = 12_000;

const ledger = new Ledger();
/** @type {string[]} */
const log = [];
let logLines = 0;
let phase = "start";
let issued = 0;
/** @type {Record<string, number>} */
const recovered = {};
/** @type {{ name: string, at: number, missing: Set<number> } | undefined} */
let recovering;

/** @param {string} line */
function keepLine(line) {
  logLines++;
  if (log.length < 40) log.push(line.trimEnd());
}

process.on("unhandledRejection", (reason) => keepLine(`unhandled rejection: ${String(reason)}`));

async function makeClients() {
  if ("nodes" in job.target) return makeClusterClients(job.target.nodes);
  const where =
    "url" in job.target ? job.target.url : "port" in job.target ? { ...job.target, host: "127.0.0.1" } : job.target;
  /** @type {any[]} */
  const clients = [];
  if (job.kind === "ioredis") {
    for (let i = 0; i < CLIENTS; i++) {
      const client = typeof where === "string" ? new Redis(where) : new Redis(where);
      // What a service does with this event is write it to its log.
      client.on("error", (error) => keepLine(`error event: ${error.message}`));
      clients.push(client);
    }
    return clients;
  }
  const { createRedis } = await import("ioredoubt");
  const resilience = { logger: ownLogger() };
  for (let i = 0; i < CLIENTS; i++) {
    clients.push(
      typeof where === "string" ? createRedis(where, { resilience }) : createRedis({ ...where, resilience }),
    );
  }
  return clients;
}

/** @param {Address[]} nodes */
async function makeClusterClients(nodes) {
  /** @type {any[]} */
  const clients = [];
  const resilience = { logger: ownLogger() };
  for (let i = 0; i < CLIENTS; i++) {
    if (job.kind === "ioredis") {
      const client = new PlainCluster(nodes);
      // What a service does with these events is write them to its log.
      for (const event of ["error", "node error"]) {
        client.on(event, (/** @type {Error} */ error) => keepLine(`${event} event: ${error.message}`));
      }
      clients.push(client);
    } else {
      const { createCluster } = await import("ioredoubt");
      clients.push(createCluster(nodes, { resilience }));
    }
  }
  return clients;
}

function ownLogger() {
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: keepLine });
}

const clients = await makeClients();
for (const client of clients) client.on?.("error", () => {});

/** @param {number} index */
function succeeded(index) {
  if (recovering === undefined || !recovering.missing.delete(index)) return;
  // A fleet has recovered when its last client has.
  recovered[recovering.name] = performance.now() - recovering.at;
}

/**
 * @param {number} index
 * @param {any[]} marks
 * @param {Promise<unknown>} promise
 */
function track(index, marks, promise) {
  issued++;
  const asked = phase;
  ledger.track(phase, marks, promise);
  // A late answer to an old question does not count as recovery.
  promise.then(
    () => asked === phase && succeeded(index),
    () => {},
  );
}

let next = 0;
let owed = 0;
let last = performance.now();

/** One arrival a tick and client of: two reads, one write, two counted INCRs. */
function arrive() {
  const now = performance.now();
  // A tick that came late brings the arrivals it missed, up to a limit.
  owed = Math.min(owed + (now - last) / TICK, 50);
  last = now;
  for (; owed >= 1; owed--) {
    clients.forEach((client, index) => {
      const page = `${job.prefix}page:${next % 1000}`;
      track(index, [], client.get(page));
      track(index, [], client.set(page, "x".repeat(64), "EX", TTL));
      track(index, [], client.get(page));
      for (let i = 0; i < 2; i++) {
        const key = `${job.prefix}n:${next++}`;
        const counted = client.incr(key);
        track(index, [{ key, kind: "counter" }], counted);
        if ("url" in job.target) counted.then(() => client.expire(key, TTL)).catch(() => {});
      }
    });
  }
}

let lastAcknowledged = 0;
let lastReport = performance.now();

function report() {
  const now = performance.now();
  const opsPerSecond = ((ledger.acknowledged - lastAcknowledged) / (now - lastReport)) * 1000;
  lastAcknowledged = ledger.acknowledged;
  lastReport = now;
  const seen = { breaker: "none", waiting: 0, inFlight: 0 };
  for (const client of clients) {
    if (job.kind === "ioredis") {
      for (const one of client.isCluster ? [client, ...client.nodes()] : [client]) {
        seen.waiting += one.offlineQueue.length;
        seen.inFlight += one.commandQueue?.length ?? 0;
      }
    } else {
      const stats = client.stats();
      seen.waiting += stats.waiting.commands;
      seen.inFlight += stats.inFlight;
      // The worst of the fleet: one open breaker is what an operator wants to see.
      const states = [seen.breaker];
      for (const { breaker } of stats.nodes ?? [stats]) states.push(breaker.readWrite.state, breaker.write.state);
      seen.breaker = ["open", "half-open", "closed"].find((state) => states.includes(state)) ?? "off";
    }
  }
  process.send?.({
    type: "status",
    phase,
    opsPerSecond,
    ...seen,
    pending: ledger.pending,
    codes: Object.fromEntries(ledger.codes),
  });
}

/** @param {string | undefined} path of the server that has the data */
async function finish(path) {
  clearInterval(arrivals);
  const unsettled = await ledger.drained(PATIENCE);
  clearInterval(reports);
  const verdict = await audit(path);
  // First: what a log still holds back is told with the end of its clients, and counts.
  for (const client of clients) client.disconnect();
  process.send?.({
    type: "result",
    issued,
    acknowledged: ledger.acknowledged,
    failed: ledger.failed,
    unsettled,
    slowest: ledger.slowest,
    recovered,
    logLines,
    log,
    codes: Object.fromEntries(ledger.codes),
    ...verdict,
  });
  process.disconnect?.();
}

/** The server's own data, read past proxy and clients when the server is ours. @param {string | undefined} path */
async function audit(path) {
  if (path !== undefined) return ledger.audit((commands) => exchange({ path }, commands, { timeout: 20_000 }));
  if ("nodes" in job.target) return auditCluster(job.target.nodes);
  if (!("url" in job.target)) throw new Error("nothing to audit");
  const reader = new Redis(job.target.url);
  try {
    const verdict = await ledger.audit(async (commands) =>
      ((await reader.pipeline(commands).exec()) ?? []).map(([error, reply]) => {
        if (error) throw error;
        return reply;
      }),
    );
    const keys = [
      ...ledger.entries.flatMap((entry) => entry.marks.map((mark) => mark.key)),
      ...Array.from({ length: 1000 }, (_, i) => `${job.prefix}page:${i}`),
    ];
    for (let at = 0; at < keys.length; at += 500) await reader.unlink(keys.slice(at, at + 500));
    return verdict;
  } finally {
    reader.disconnect();
  }
}

/** @param {Address[]} nodes */
async function auditCluster(nodes) {
  const reader = new PlainCluster(nodes);
  reader.on("error", () => {});
  try {
    return await ledger.audit((commands) =>
      Promise.all(commands.map(([name = "", ...args]) => reader.call(name, ...args))),
    );
  } finally {
    reader.disconnect();
  }
}

process.on("message", (/** @type {any} */ message) => {
  if (message.type === "phase") {
    phase = message.name;
    recovering = undefined;
    if (message.recovery) {
      recovering = { name: message.recovery, at: performance.now(), missing: new Set(clients.keys()) };
      recovered[message.recovery] = Infinity;
    }
  }
  if (message.type === "finish") {
    finish(message.audit).catch((error) => {
      // Not the fleet's failure but the demo's: said out loud, never counted as a log line.
      console.error(error);
      process.exit(1);
    });
  }
});
// The main process is gone: nobody wants the result.
process.on("disconnect", () => process.exit());

await Promise.all(clients.map((client) => client.ping()));
const arrivals = setInterval(arrive, TICK);
const reports = setInterval(report, 500);
last = performance.now();
process.send?.({ type: "ready" });
