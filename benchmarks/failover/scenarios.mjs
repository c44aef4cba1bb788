/**
 * What happens to a Sentinel set. A scenario says what the set is like and does its fault; it returns once the fault is
 * done or under way, and what it left frozen is thawed by what it returns.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy } from "../../lab/fault-proxy.mjs";

/**
 * @typedef {import("../../lab/sentinel-set.mjs").SentinelSet} SentinelSet
 * @typedef {import("../../lab/redis-server.mjs").RedisServer} RedisServer
 * @typedef {{
 *   set: SentinelSet, master: RedisServer, doors: Map<number, import("../../lab/fault-proxy.mjs").FaultProxy>,
 *   switched: () => Promise<void>,
 * }} Scene `switched` resolves when the Sentinels announce another master.
 *
 * @typedef {object} Scenario
 * @property {string} label
 * @property {import("../../lab/sentinel-set.mjs").SentinelSetOptions} [set]
 * @property {boolean} [secure] passwords and TLS on servers and Sentinels
 * @property {boolean} [doors] clients reach the servers through natMap only
 * @property {number} [after] milliseconds of watching after the fault, default 5000
 * @property {number} [firstWithin] milliseconds from `+switch-master` to the first write, default 300
 * @property {false} [switches] nobody becomes master
 * @property {number} [lateFrom] milliseconds after the announcement from which nothing acknowledged may be lost, default 100
 * @property {(scene: Scene) => Promise<void>} act
 */

const failover = async (/** @type {SentinelSet} */ set) => {
  await set.sentinels[0]?.call("SENTINEL", "FAILOVER", set.name);
};

/** @type {Record<string, Scenario>} */
export const SCENARIOS = {
  kill: { label: "kill -9", act: ({ master }) => master.kill() },
  freeze: {
    label: "SIGSTOP 8 s",
    act: async ({ master }) => {
      master.freeze();
      await sleep(8000);
      master.thaw();
    },
  },
  planned: { label: "SENTINEL FAILOVER", after: 13_000, act: ({ set }) => failover(set) },
  shutdown: {
    label: "SHUTDOWN",
    act: async ({ master }) => {
      await master.call("SHUTDOWN", "NOSAVE").catch(() => {});
    },
  },
  "one-sentinel": {
    label: "one Sentinel killed, then the master",
    act: async ({ set, master }) => {
      await set.sentinels[0]?.kill();
      await sleep(1000);
      await master.kill();
    },
  },
  "no-sentinel": {
    label: "two, then all Sentinels killed",
    switches: false,
    act: async ({ set }) => {
      await Promise.all(set.sentinels.slice(0, 2).map((one) => one.kill()));
      await sleep(1500);
      await set.sentinels[2]?.kill();
    },
  },
  "next-frozen": {
    label: "the next Sentinel frozen, master killed",
    firstWithin: 2000,
    act: async ({ set, master, switched }) => {
      set.sentinels[0]?.freeze();
      await master.kill();
      await switched();
      await sleep(4000);
      set.sentinels[0]?.thaw();
    },
  },
  "all-frozen": {
    label: "all Sentinels frozen, connections cut",
    switches: false,
    act: async ({ set, master }) => {
      for (const one of set.sentinels) one.freeze();
      await master.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await sleep(3000);
      for (const one of set.sentinels) one.thaw();
    },
  },
  blackhole: {
    label: "master blackholed",
    set: { proxied: true },
    act: async ({ set, switched }) => {
      set.proxies[0]?.blackhole();
      await switched();
      await sleep(4000);
      await set.proxies[0]?.pass();
    },
  },
  secure: { label: "auth and TLS on both, kill -9", secure: true, act: ({ master }) => master.kill() },
  names: { label: "host names, kill -9", set: { hostNames: true }, act: ({ master }) => master.kill() },
  "nat-map": { label: "natMap, kill -9", doors: true, act: ({ master }) => master.kill() },
  lagging: {
    label: "lagging replicas, then kill -9",
    act: async ({ set, master }) => {
      const replicas = set.nodes.filter((node) => node !== master);
      for (const node of replicas) node.freeze();
      await sleep(700);
      await master.kill();
      for (const node of replicas) node.thaw();
    },
  },
  pause: {
    label: "CLIENT PAUSE and failover",
    after: 13_000,
    act: async ({ set, master }) => {
      await master.call("CLIENT", "PAUSE", 3000, "WRITE");
      await failover(set);
    },
  },
  "failover-to": {
    label: "FAILOVER TO",
    after: 15_000,
    firstWithin: 2000,
    act: async ({ set, master }) => {
      const other = set.nodes.find((node) => node !== master);
      await master.call("FAILOVER", "TO", "127.0.0.1", other === undefined ? 0 : set.portOf(other));
    },
  },
  "min-replicas": {
    label: "min-replicas and SIGSTOP 8 s",
    set: { config: ["min-replicas-to-write 1", "min-replicas-max-lag 2"] },
    act: async ({ master }) => {
      master.freeze();
      await sleep(8000);
      master.thaw();
    },
  },
  three: {
    label: "three failovers in a row",
    after: 13_000,
    act: async ({ set }) => {
      for (let i = 0; i < 3; i++) {
        const before = await set.master();
        // A set refuses the next one until the last has ended
        for (let done = false; !done;) {
          done = await failover(set).then(
            () => true,
            () => false,
          );
          if (!done) await sleep(200);
        }
        while ((await set.master()) === before) await sleep(50);
        if (i < 2) await sleep(3000);
      }
    },
  },
  disagree: {
    label: "a Sentinel that names the old master",
    firstWithin: 2000,
    act: async ({ set, master, switched }) => {
      set.sentinels[0]?.freeze();
      await master.kill();
      await switched();
      await master.restart();
      set.sentinels[0]?.thaw();
    },
  },
};

/** A proxy in front of each server, which only natMap knows. @param {SentinelSet} set */
export async function openDoors(set) {
  const doors = new Map();
  for (const { port } of set.nodes) doors.set(port, await startProxy({ target: { port } }));
  return doors;
}
