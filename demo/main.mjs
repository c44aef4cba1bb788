/**
 * The demo: a real redis-server, a fault proxy per fleet, and two fleets side by side through the same faults, plain
 * ioredis and ioredoubt. Every number in the table at the end was measured in this run.
 * `REDIS_URL=redis://… npm run demo` runs the part that harms nobody on that server instead.
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { startProxy } from "../lab/fault-proxy.mjs";
import { startRedis } from "../lab/redis-server.mjs";
import { count, duration, plainTable } from "../lab/text-table.mjs";
import { destructiveSchedule, harmlessSchedule } from "./schedule.mjs";
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

async function main() {
  const url = process.env["REDIS_URL"];
  const reason = url === undefined ? undefined : await whyUnusable(url);
  if (reason !== undefined) {
    console.error(
      `The demo needs a server that answers at REDIS_URL: ${reason}\nNext: npx ioredoubt doctor, or leave REDIS_URL away to start a server of its own.`,
    );
    return 1;
  }
  const server = url === undefined ? await startRedis({ persistence: "aof" }) : undefined;
  const proxies =
    server === undefined ? [] : await Promise.all(KINDS.map(() => startProxy({ target: { port: server.port } })));
  const run = randomBytes(4).toString("hex");
  say(
    server === undefined
      ? "Two fleets on the server of REDIS_URL: ordinary load only, nothing is killed, frozen or cut.\n"
      : `Two fleets of 4 clients on redis-server (port ${server.port}, appendfsync always), each through a fault proxy of its own.\n`,
  );
  const fleets = KINDS.map(([label, kind], i) =>
    startFleet(label, {
      kind,
      target: server === undefined ? { url } : { port: proxies[i]?.port },
      prefix: `ioredoubt-demo:${run}:${kind}:`,
      audit: server?.path,
    }),
  );
  const show = () => draw(fleets.map((fleet) => /** @type {const} */ ([fleet.label, fleet.status])));
  /** @type {NodeJS.Timeout | undefined} */
  let screen;
  try {
    await Promise.all(fleets.map((fleet) => fleet.ready));
    screen = setInterval(show, process.stdout.isTTY ? 250 : 1000);
    const schedule = server === undefined ? harmlessSchedule() : destructiveSchedule(server, proxies);
    for (const phase of schedule) {
      for (const { child } of fleets) child.send({ type: "phase", name: phase.name, recovery: phase.recovery });
      await phase.begin?.();
      await sleep(phase.ms);
      await phase.end?.();
    }
    for (const { child } of fleets) {
      child.send({ type: "phase", name: "settling" });
      child.send({ type: "finish" });
    }
    const results = await Promise.all(fleets.map((fleet) => fleet.result));
    clearInterval(screen);
    show();
    return summary(fleets, results, server !== undefined);
  } finally {
    clearInterval(screen);
    for (const { child } of fleets) child.kill();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await server?.stop();
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
 * @param {boolean} faults
 */
function summary(fleets, results, faults) {
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
    row("lost acknowledgements", (r) => count(r.lostAcknowledgements)),
    row("unsettled", (r) => count(r.unsettled)),
    row("slowest settle", (r) => (r.unsettled > 0 ? `> ${duration(r.slowest)}` : duration(r.slowest))),
    ...(faults
      ? [
          row("time to recover after the kill", (r) => duration(r.recovered.killed ?? undefined)),
          row("time to recover after the freeze", (r) => duration(r.recovered.frozen ?? undefined)),
        ]
      : []),
    row("log lines", (r, i) => count(r.logLines + fleets[i].printed)),
  ];
  say(`\n${plainTable(rows)}`);
  const ours = results.at(-1);
  if (ours.log.length > 0)
    say(`\nWhat ioredoubt logged, the message of each line:\n${ours.log.map(readable).join("\n")}`);
  const kept = ours.executedTwice + ours.lostAcknowledgements + ours.unsettled === 0;
  if (!kept)
    say(
      "\nioredoubt broke its promise in this run: executed twice, lost acknowledgements and unsettled must all be 0.",
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
