/**
 * A real cluster of three masters and three replicas, and what happens to clusters: plain ioredis beside ours, each under the same
 * load with the same account of what became of every write. Prints a table; the columns that must be 0 are first.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster as PlainCluster } from "ioredis";
import { Cluster } from "ioredoubt";
import { ClusterLoad } from "../lab/cluster-load.mjs";
import { storm } from "../lab/cluster-storm.mjs";
import { startCluster } from "../lab/redis-cluster.mjs";
import { markdownTable } from "../lab/text-table.mjs";
import { list, readOptions } from "./lib/options.mjs";

/**
 * @typedef {import("../lab/redis-cluster.mjs").RedisCluster} RealCluster
 * @typedef {(cluster: RealCluster, load: ClusterLoad, seed: number) => Promise<unknown>} Scene
 */

/** Rounds a second; a round is a command or a batch. */
const RATE = 400;

/** @type {Record<string, Scene>} */
const SCENES = {
  storm: (cluster, load, seed) => storm(cluster, { seed, failing: () => load.faultsAt.push(performance.now()) }),
  kill: async (cluster, load) => {
    const owner = await cluster.owner(0);
    load.faultsAt.push(performance.now());
    await owner.server.kill();
    await cluster.whenReplaced(owner);
    await sleep(1000);
  },
  freeze: async (cluster, load) => {
    const { server } = await cluster.owner(0);
    load.faultsAt.push(performance.now());
    server.freeze();
    await sleep(6000);
    server.thaw();
    await sleep(2500);
  },
  migrate: async (cluster) => {
    const to = await cluster.owner(16_383);
    await cluster.migrate(
      Array.from({ length: 150 }, (_, at) => at * 30),
      to,
    );
  },
  failover: async (cluster) => {
    for (const slot of [0, 6000, 12_000]) {
      await cluster.failover(await cluster.replicaOf(await cluster.owner(slot)));
      await sleep(700);
      await cluster.whenReplicated();
    }
  },
  down: async (cluster) => {
    await Promise.all(cluster.nodes.map(({ server }) => server.kill()));
    await sleep(10_000);
    await Promise.all(cluster.nodes.map(({ server }) => server.restart()));
    await cluster.whenOk();
    await sleep(2000);
  },
};

const options = readOptions("node benchmarks/cluster.mjs [options]", {
  only: { type: "string", default: Object.keys(SCENES).join(","), help: "scenes, separated by commas; default: all" },
  seeds: { type: "string", default: "1,2,3", help: "seeds of the storm, default 1,2,3" },
  clients: { type: "string", default: "plain,ours", help: "plain, ours or both; default: both" },
});

const HEAD = ["scene", "client", "twice", "lost", "unsettled", "untrue", "out of order"];
const rows = [[...HEAD, "issued", "acknowledged", "failed", "unknown", "slowest ms"]];
for (const name of list(options.only)) {
  const scene = SCENES[name];
  if (scene === undefined) throw new Error(`there is no scene ${name}: ${Object.keys(SCENES).join(", ")}`);
  for (const seed of name === "storm" ? list(options.seeds).map(Number) : [0]) {
    for (const client of list(options.clients)) rows.push(await run(name, scene, client, seed));
  }
}
console.log(markdownTable(rows));

/**
 * @param {string} name
 * @param {Scene} scene
 * @param {string} which
 * @param {number} seed
 */
async function run(name, scene, which, seed) {
  const cluster = await startCluster({ server: { persistence: "aof" } });
  const client =
    which === "ours"
      ? new Cluster(cluster.startNodes, { resilience: { profile: "production", logger: false } })
      : new PlainCluster(cluster.startNodes);
  client.on("error", () => {});
  const reader = new PlainCluster(cluster.startNodes);
  reader.on("error", () => {});
  try {
    await cluster.whenReplicated();
    await client.set("warm", "up");
    const load = new ClusterLoad(client);
    load.start(RATE);
    await sleep(1000);
    await scene(cluster, load, seed);
    await load.stop();
    await load.settled(20_000);
    await cluster.whenOk(60_000);
    const told = await load.account(reader);
    // What was acknowledged just before its master failed had not reached the replica: no client can know.
    const lost = `${told.lost - told.lostBesideFaults} (+${told.lostBesideFaults} with its master)`;
    const zeros = [told.twice, lost, told.unsettled, told.untrue, told.disorder];
    const counts = [told.issued, told.acknowledged, told.failed, told.unknown, told.slowest];
    return [seed === 0 ? name : `${name} ${seed}`, which, ...zeros, ...counts].map(String);
  } finally {
    client.disconnect();
    reader.disconnect();
    await cluster.stop();
  }
}
