/** The 62 seconds that every contender goes through. Times are the same for the same seed; the sum is always the same. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {object} Scene
 * @property {import("../../lab/redis-server.mjs").RedisServer} primary
 * @property {import("../../lab/redis-server.mjs").RedisServer} successor empty until it is made the primary's replica
 * @property {import("../../lab/fault-proxy.mjs").FaultProxy} proxy the one address that the client knows
 * @property {import("../../lab/random.mjs").Random} random
 * @property {() => void} onReset told right after each link reset
 */

/** @typedef {{ name: string, seconds: number, run?: (scene: Scene) => Promise<void> }} Phase each lasts until the next, what it takes to recover included */

/** @type {readonly Phase[]} */
export const SCHEDULE = [
  { name: "calm", seconds: 5 },
  {
    name: "resets",
    seconds: 8,
    async run({ proxy, random, onReset }) {
      for (let i = 0; i < 10; i++) {
        if (i > 0) await sleep(random.between(600, 850));
        proxy.cutAll();
        onReset();
      }
    },
  },
  {
    name: "dropped replies",
    seconds: 8,
    async run({ proxy, random }) {
      for (let i = 0; i < 5; i++) {
        if (i > 0) await sleep(random.between(1200, 1500));
        proxy.dropReplies();
        await sleep(random.between(100, 160));
        // The reset comes with it: a connection that lost replies is not relayed on.
        await proxy.pass();
      }
    },
  },
  {
    name: "blackhole",
    seconds: 6.5,
    async run({ proxy }) {
      proxy.blackhole();
      await sleep(3000);
      await proxy.pass();
    },
  },
  {
    name: "kill",
    seconds: 9.5,
    async run({ primary, proxy }) {
      // Nobody listens while it is dead, as on a host of its own.
      await Promise.all([primary.kill(), proxy.refuse()]);
      await sleep(5000);
      await primary.restart();
      await proxy.pass();
    },
  },
  {
    name: "freeze",
    seconds: 7.5,
    async run({ primary, successor }) {
      primary.freeze();
      await sleep(4000);
      primary.thaw();
      await sleep(500);
      await follow(successor, primary);
    },
  },
  {
    name: "READONLY",
    seconds: 8,
    async run({ primary, successor, proxy }) {
      await primary.call("FAILOVER", "TO", successor.host, successor.port);
      await until(async () => (await successor.cli("INFO", "replication")).includes("role:master"));
      await sleep(3000);
      // The address moves; nobody cuts what is open.
      proxy.switchTarget(successor.port);
    },
  },
  {
    name: "accept-then-close",
    seconds: 6,
    async run({ proxy }) {
      proxy.acceptThenClose();
      proxy.cutAll();
      await sleep(2000);
      await proxy.pass();
    },
  },
  { name: "calm after", seconds: 3.5 },
];

/** How long it takes, in seconds. */
export const SECONDS = SCHEDULE.reduce((sum, phase) => sum + phase.seconds, 0);

/**
 * Goes through it once.
 * @param {Scene} scene
 * @param {(phase: string) => void} enter
 * @returns {Promise<string[]>} phases that took longer than their time, which only a machine that is too busy makes them do
 */
export async function runSchedule(scene, enter) {
  const late = [];
  for (const { name, seconds, run } of SCHEDULE) {
    const end = performance.now() + seconds * 1000;
    enter(name);
    await run?.(scene);
    const left = end - performance.now();
    if (left < -50) late.push(`${name} by ${Math.round(-left)} ms`);
    await sleep(Math.max(0, left));
  }
  return late;
}

/**
 * Makes one server the other's replica, and waits until it has everything.
 * @param {import("../../lab/redis-server.mjs").RedisServer} replica
 * @param {import("../../lab/redis-server.mjs").RedisServer} primary
 */
async function follow(replica, primary) {
  await replica.call("REPLICAOF", primary.host, primary.port);
  await until(async () => (await replica.cli("INFO", "replication")).includes("master_link_status:up"));
}

/** @param {() => Promise<boolean>} condition */
async function until(condition) {
  const limit = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error("the servers did not reach the state that the schedule needs");
    await sleep(10);
  }
}
