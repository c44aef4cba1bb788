/**
 * The demo: a real redis-server, a fault proxy per fleet, and two fleets side by side through the same faults, plain
 * ioredis and ioredoubt. Every number in the table at the end was measured in this run.
 * `REDIS_URL=redis://… npm run demo` runs the part that harms nobody on that server instead; `npm run demo -- --sentinel`
 * fails over a Sentinel set, once by a kill and once by order, and `npm run demo -- --cluster` does what happens to clusters.
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { startProxy } from "../lab/fault-proxy.mjs";
import { startCluster } from "../lab/redis-cluster.mjs";
import { startRedis } from "../lab/redis-server.mjs";
import { startSentinelSet } from "../lab/sentinel-set.mjs";
import { count, duration, plainTable } from "../lab/text-table.mjs";
import { clusterSchedule, destructiveSchedule, failoverSchedule, harmlessSchedule } from "./schedule.mjs";
import { draw, say } from "./screen.mjs";

const KINDS = /** @type {const} */ ([
  ["plain ioredis", "ioredis"],
  ["ioredoubt", "ioredoubt"],
]);

/**
 * @param {string} label
 * @param {object} job
 */
function startFleet(label, job) {
  const child = fork(new URL("fleet.mjs", import.meta.url), [JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  /** @type {any} */
  const fleet = { label, child, status: undefined, printed: 0, output: "" };
  // Whatever a library prints by itself is a log line too.
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      fleet.printed += text.split("\n").length - 1;
      fleet.output = (fleet.output + text).slice(-4000);
    });
  }
  fleet.ready = new Promise((resolve, reject) => {
    fleet.result = new Promise((done) => {
      child.on("message", (/** @type {any} */ message) => {
        if (message.type === "ready") resolve(undefined);
        if (message.type === "status") fleet.status = message;
        if (message.type === "result") done(message);
      });
      child.on("exit", (code, signal) => {
        reject(new Error(`the ${label} fleet ended early (${signal ?? code}):\n${fleet.output}`));
        done(undefined);
      });
    });
  });
  return fleet;
}

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * What the fleets are set on. `path`: where the server that has the data in the end is read past every fault.
 * @typedef {{
 *   title: string, targets: object[], schedule: import("./schedule.mjs").Phase[], faults: [string, string][],
 *   path: () => Promise<string | undefined>, stop: () => Promise<unknown>,
 * }} Ground
 */

/** @returns {Promise<Ground>} */
async function oneServer() {
  const server = await startRedis({ persistence: "aof" });
  const proxies = await Promise.all(KINDS.map(() => startProxy({ target: { port: server.port } })));
  return {
    title: `Two fleets of 4 clients on redis-server (port ${server.port}, appendfsync always), each through a fault proxy of its own.\n`,
    targets: proxies.map(({ port }) => ({ port })),
    schedule: destructiveSchedule(server, proxies),
    faults: [
      ["killed", "the kill"],
      ["frozen", "the freeze"],
    ],
    path: () => Promise.resolve(server.path),
    stop: () => Promise.all([...proxies.map((proxy) => proxy.stop()), server.stop()]),
  };
}

/** @returns {Promise<Ground>} */
async function sentinelSet() {
  say("Starting a master, two replicas and three Sentinels…");
  const set = await startSentinelSet();
  return {
    title: `Two fleets of 4 clients on one Sentinel set (master on port ${set.nodes[0]?.port}, down-after-milliseconds 1000).\n`,
    targets: KINDS.map(() => set.addresses),
    schedule: failoverSchedule(set),
    faults: [["killed", "the kill, failover included"]],
    path: async () => (await set.healthy()).path,
    stop: () => set.stop(),
  };
}

/** @returns {Promise<Ground>} */
async function cluster() {
  say("Starting a cluster of three masters with a replica each…");
  const servers = await startCluster({ server: { persistence: "aof" } });
  await servers.whenReplicated();
  const ports = servers.nodes.map(({ server }) => server.port);
  return {
    title: `Two fleets of 4 clients on one cluster (ports ${ports.join(", ")}, cluster-node-timeout 2000).\n`,
    targets: KINDS.map(() => ({ nodes: servers.startNodes })),
    schedule: clusterSchedule(servers),
    faults: [
      ["killed", "the kill, failover included"],
      ["frozen", "the freeze"],
    ],
    path: () => Promise.resolve(undefined),
    stop: () => servers.stop(),
  };
}

/** @param {string} url @returns {Ground} */
function serverOf(url) {
  return {
    title: "Two fleets on the server of REDIS_URL: ordinary load only, nothing is killed, frozen or cut.\n",
    targets: KINDS.map(() => ({ url })),
    schedule: harmlessSchedule(),
    faults: [],
    path: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  };
}

async function main() {
  const [own, replicates] = process.argv.includes("--sentinel")
    ? /** @type {const} */ ([sentinelSet, true])
    : process.argv.includes("--cluster")
      ? /** @type {const} */ ([cluster, true])
      : /** @type {const} */ ([oneServer, false]);
  const url = replicates ? undefined : process.env["REDIS_URL"];
  const reason = url === undefined ? undefined : await whyUnusable(url);
  if (reason !== undefined) {
    console.error(
      `The demo needs a server that answers at REDIS_URL: ${reason}\nNext: npx ioredoubt doctor, or leave REDIS_URL away to start a server of its own.`,
    );
    return 1;
  }
  const ground = url === undefined ? await own() : serverOf(url);
  const run = randomBytes(4).toString("hex");
  say(ground.title);
  const fleets = KINDS.map(([label, kind], i) =>
    startFleet(label, { kind, target: ground.targets[i], prefix: `ioredoubt-demo:${run}:${kind}:` }),
  );
  const show = () => draw(fleets.map((fleet) => /** @type {const} */ ([fleet.label, fleet.status])));
  /** @type {NodeJS.Timeout | undefined} */
  let screen;
  try {
    await Promise.all(fleets.map((fleet) => fleet.ready));
    screen = setInterval(show, process.stdout.isTTY ? 250 : 1000);
    for (const phase of ground.schedule) {
      for (const { child } of fleets) child.send({ type: "phase", name: phase.name, recovery: phase.recovery });
      await phase.begin?.();
      await sleep(phase.ms);
      await phase.end?.();
    }
    const path = await ground.path();
    for (const { child } of fleets) {
      child.send({ type: "phase", name: "settling" });
      child.send({ type: "finish", audit: path });
    }
    const results = await Promise.all(fleets.map((fleet) => fleet.result));
    clearInterval(screen);
    show();
    return summary(fleets, results, ground.faults, replicates);
  } finally {
    clearInterval(screen);
    for (const { child } of fleets) child.kill();
    await ground.stop();
  }
}

/** What ioredoubt says of a server that does not answer: of the connection, which a command would wait for. @param {string} url */
async function whyUnusable(url) {
  const { createRedis } = await import("ioredoubt");
  let redis;
  try {
    redis = createRedis(url, { lazyConnect: true, resilience: { logger: false } });
    await redis.connect();
    await redis.ping();
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return /** @type {any} */ (error).diagnosis?.title ?? error.message;
  } finally {
    await redis?.close({ drain: 0 });
  }
}

/**
 * @param {readonly any[]} fleets
 * @param {readonly any[]} results
 * @param {[string, string][]} faults phases after which the time to recover was taken, and how they are called
 * @param {boolean} replicates a failover may lose what the old master acknowledged and had not yet handed on
 */
function summary(fleets, results, faults, replicates) {
  const missing = fleets.find((_, i) => results[i] === undefined);
  if (missing) throw new Error(`the ${missing.label} fleet ended without a result:\n${missing.output}`);
  const row = (/** @type {string} */ label, /** @type {(result: any, i: number) => string} */ cell) => [
    label,
    ...results.map(cell),
  ];
  const rows = [
    ["", ...fleets.map((fleet) => fleet.label)],
    row("issued", (r) => count(r.issued)),
    row("acknowledged", (r) => count(r.acknowledged)),
    row("executed twice", (r) => count(r.executedTwice)),
    row(replicates ? "lost by replication" : "lost acknowledgements", (r) => count(r.lostAcknowledgements)),
    row("unsettled", (r) => count(r.unsettled)),
    row("slowest settle", (r) => (r.unsettled > 0 ? `> ${duration(r.slowest)}` : duration(r.slowest))),
    ...faults.map(([phase, fault]) =>
      row(`time to recover after ${fault}`, (r) => duration(r.recovered[phase] ?? undefined)),
    ),
    row("log lines", (r, i) => count(r.logLines + fleets[i].printed)),
  ];
  say(`\n${plainTable(rows)}`);
  const ours = results.at(-1);
  if (ours.log.length > 0)
    say(`\nWhat ioredoubt logged, the message of each line:\n${ours.log.map(readable).join("\n")}`);
  const kept = ours.executedTwice + ours.unsettled + (replicates ? 0 : ours.lostAcknowledgements) === 0;
  if (!kept)
    say(
      `\nioredoubt broke its promise in this run: executed twice${replicates ? "" : ", lost acknowledgements"} and unsettled must all be 0.`,
    );
  return kept ? 0 : 1;
}

/** A pino line as a person reads it; anything else as it came. @param {string} line */
function readable(line) {
  if (!line.startsWith("{")) return `  ${line}`;
  const { time, level, msg } = JSON.parse(line);
  const name = level >= 50 ? "ERROR" : level >= 40 ? "WARN " : "INFO ";
  return `  ${String(time).slice(11, 23)} ${name} ${msg}`;
}

const code = await main();
if (code !== 0) process.exitCode = code;
