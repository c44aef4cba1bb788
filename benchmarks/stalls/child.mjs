/**
 * Many commands in flight, and then what ends them all at once: the longest turn of the event loop from there until the
 * last of them has settled. Started by stalls.mjs.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startRedis } from "../../lab/redis-server.mjs";
import { job, report } from "../lib/child.mjs";
import { Settlements } from "../lib/settlements.mjs";

/** Issued in one turn: few enough that the issuing is no stall itself. */
const AT_ONCE = 500;
const SETTLE_WITHIN = 20_000;
/** Turns that are watched beyond the last settlement: what is tidied up afterwards counts too. */
const AFTERWARDS = 300;

/** Longer than all of this takes: nothing but what is measured may end a command. */
const LIMIT = 120_000;

/** @param {string} contender @param {number} port @returns {Promise<any>} */
async function make(contender, port) {
  const where = { port, host: "127.0.0.1" };
  // What is held back from a silent server would not be in flight.
  const resilience = /** @type {const} */ ({
    logger: false,
    silenceHold: false,
    deadline: LIMIT,
    heartbeat: { timeout: LIMIT },
  });
  const made =
    contender === "ours"
      ? (await import("ioredoubt")).createRedis({ ...where, resilience })
      : new (await import("ioredis")).Redis(where);
  made.on("error", () => {});
  return made;
}

const { contender, scenario, commands } = job();
const server = await startRedis();
const client = await make(contender, server.port);
await client.set("warm", "up");
const abort = new AbortController();
const issuer = scenario === "signal" ? client.with({ signal: abort.signal }) : client;
const all = new Settlements();

// Writes wait in the server while the administrator's commands go on: nothing is answered, everything is in flight.
await server.call("CLIENT", "PAUSE", 600_000, "WRITE");
for (let n = 0; n < commands; n++) {
  // What comes back after a reconnect is what can be repeated; elsewhere half and half.
  all.watch(scenario === "reconnect" || n % 2 === 0 ? issuer.set(`k${n}`, "v") : issuer.incr(`n${n}`));
  if (n % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
}
await sleep(100);
const early = all.settled;
const earlyFailed = all.failed;

/** @type {Record<string, () => Promise<unknown> | void>} */
const ends = {
  async cut() {
    await server.kill();
  },
  async reconnect() {
    await server.call("CLIENT", "KILL", "TYPE", "normal");
    await server.call("CLIENT", "UNPAUSE");
  },
  disconnect: () => client.disconnect(),
  signal: () => abort.abort(),
};

let longest = 0;
/** CPU time of the process in the longest turn: much less than the turn means that the machine had other things to do. */
let busy = 0;
let last = performance.now();
let spent = process.cpuUsage();
let on = true;
const turn = () => {
  const now = performance.now();
  const { user, system } = process.cpuUsage(spent);
  if (now - last > longest) {
    longest = now - last;
    busy = (user + system) / 1000;
  }
  last = now;
  spent = process.cpuUsage();
  if (on) setImmediate(turn);
};
setImmediate(turn);
// The turn in which it is ended counts: the clock runs before the call.
await new Promise((resolve) => setImmediate(resolve));
longest = 0;
await ends[scenario]?.();
const unsettled = await all.all(SETTLE_WITHIN);
await sleep(AFTERWARDS);
on = false;
const result = {
  longest,
  busy,
  unsettled,
  inFlight: commands - early,
  failed: all.failed - earlyFailed,
  took: all.slowest,
};
client.disconnect();
await server.stop();
report(result);
