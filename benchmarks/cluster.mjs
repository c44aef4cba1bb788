/**
 * A real cluster of three masters and three replicas, and what happens to clusters: plain ioredis beside ours, each under the same
 * load with the same account of what became of every write. Prints a table; the columns that must be 0 are first.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster as PlainCluster } from "ioredis";
import { Cluster } from "ioredoubt";
import { ClusterLoad } from "../lab/cluster-load.mjs";
import { ClusterProxies } from "../lab/cluster-proxies.mjs";
import { storm } from "../lab/cluster-storm.mjs";
import { startCluster } from "../lab/redis-cluster.mjs";
import { ReplicationRecord } from "../lab/replication-record.mjs";
import { markdownTable } from "../lab/text-table.mjs";
import { speed } from "./cluster/speed.mjs";
import { list, readOptions } from "./lib/options.mjs";
import { SVG_OPTION, writePicture } from "./lib/picture.mjs";
import { machine } from "./lib/report.mjs";
import { Timeline } from "./lib/timeline.mjs";

/**
 * @typedef {import("../lab/redis-cluster.mjs").RedisCluster} RealCluster
 * @typedef {{ cluster: RealCluster, proxies: ClusterProxies, record: ReplicationRecord, seed: number, timeline: Timeline }} Ground
 * @typedef {(ground: Ground) => Promise<unknown>} Scene
 */

/** Rounds a second; a round is a command or a batch. */
const RATE = 400;

/** Tells what our client logs among the faults. */
const LOG = /** @type {any} */ (
  Object.fromEntries(
    ["debug", "info", "warn", "error"].map((level) => [
      level,
      /** @param {unknown[]} args */
      (...args) => tell(`${level}: ${String(args.at(-1))}`),
    ]),
  )
);

/** @type {Record<string, Scene>} */
const SCENES = {
  storm: ({ cluster, proxies, record, seed, timeline }) =>
    storm(cluster, {
      seed,
      proxies,
      tell: (what) => {
        tell(what);
        // Without the port: `kill 7001`.
        timeline.begin(what.split(" ")[0] ?? what);
      },
      failing: (master, fail) => record.failing(master, fail),
    }),
  kill: async ({ cluster, record, timeline }) => {
    const owner = await cluster.owner(0);
    const isReplaced = timeline.begin("a master killed, until it is replaced");
    await record.failing(owner, () => owner.server.kill());
    await cluster.whenReplaced(owner);
    isReplaced();
    await sleep(1000);
  },
  freeze: async ({ cluster, record, timeline }) => {
    const owner = await cluster.owner(0);
    const isThawed = timeline.begin("a master frozen");
    await record.failing(owner, () => owner.server.freeze());
    await sleep(6000);
    owner.server.thaw();
    isThawed();
    await sleep(2500);
  },
  migrate: async ({ cluster, timeline }) => {
    const to = await cluster.owner(16_383);
    const isDone = timeline.begin("150 slots move");
    await cluster.migrate(
      Array.from({ length: 150 }, (_, at) => at * 30),
      to,
    );
    isDone();
  },
  failover: async ({ cluster, timeline }) => {
    for (const slot of [0, 6000, 12_000]) {
      const isDone = timeline.begin("failover");
      await cluster.failover(await cluster.replicaOf(await cluster.owner(slot)));
      isDone();
      await sleep(700);
      await cluster.whenReplicated();
    }
  },
  down: async ({ cluster, timeline }) => {
    const isBack = timeline.begin("all nodes dead");
    await Promise.all(cluster.nodes.map(({ server }) => server.kill()));
    await sleep(10_000);
    await Promise.all(cluster.nodes.map(({ server }) => server.restart()));
    await cluster.whenOk();
    isBack();
    await sleep(2000);
  },
};

const options = readOptions("node benchmarks/cluster.mjs [options]", {
  only: {
    type: "string",
    default: [...Object.keys(SCENES), "speed"].join(","),
    help: "scenes, separated by commas; default: all",
  },
  seeds: { type: "string", default: "1,2,3", help: "seeds of the storm, default 1,2,3" },
  clients: { type: "string", default: "plain,ours", help: "plain, ours or both; default: both" },
  rounds: { type: "string", default: "5", help: "of 2 seconds each for every measure of speed; default 5" },
  verbose: { type: "boolean", help: "tell each fault, and each write that is lost or failed" },
  svg: { ...SVG_OPTION.svg, help: "file that gets a picture of every scene, the speed and pushes to lists aside" },
});
const CLIENTS = /** @type {Record<string, string>} */ ({ plain: "plain ioredis", ours: "ioredoubt" });

// What was acknowledged and had not reached the replica when its master failed is lost with it: no client can know.
const HEAD = ["scene", "client", "twice", "lost (with its master)", "unsettled", "untrue", "out of order"];
const rows = [[...HEAD, "issued", "acknowledged", "failed", "unknown", "slowest ms"]];
/** @type {import("./lib/picture.mjs").Scene[]} */
const pictured = [];
for (const name of list(options.only)) {
  if (name === "speed") continue;
  const scene = SCENES[name];
  if (scene === undefined) throw new Error(`there is no scene ${name}: ${Object.keys(SCENES).join(", ")}, speed`);
  for (const seed of name === "storm" ? list(options.seeds).map(Number) : [0]) {
    const clients = [];
    for (const client of list(options.clients)) {
      const { row, columns } = await run(name, scene, client, seed);
      rows.push(row);
      clients.push({ label: CLIENTS[client] ?? client, columns });
    }
    pictured.push({ title: nameOf(name, seed), clients });
  }
}
if (rows.length > 1) console.log(markdownTable(rows));
writePicture(options.svg, {
  title: "Calls to a cluster of three masters",
  note: machine(["ioredis"]),
  scenes: pictured,
});
if (list(options.only).includes("speed")) console.log(markdownTable(await speeds()));

async function speeds() {
  const cluster = await startCluster();
  const clients = {
    plain: new PlainCluster(cluster.startNodes),
    ours: new Cluster(cluster.startNodes, { resilience: { profile: "production", logger: false } }),
  };
  try {
    return await speed(clients, { rounds: Number(options.rounds), seconds: 2 });
  } finally {
    for (const client of Object.values(clients)) client.disconnect();
    await cluster.stop();
  }
}

/**
 * @param {string} name
 * @param {Scene} scene
 * @param {string} which
 * @param {number} seed
 */
async function run(name, scene, which, seed) {
  const cluster = await startCluster({ server: { persistence: "aof" } });
  const proxies = await ClusterProxies.start(cluster);
  const { startNodes, natMap } = proxies;
  const client =
    which === "ours"
      ? new Cluster(startNodes, {
          natMap,
          resilience: { profile: "production", logger: options.verbose ? LOG : false },
        })
      : new PlainCluster(startNodes, { natMap });
  client.on("error", () => {});
  const reader = new PlainCluster(cluster.startNodes);
  reader.on("error", () => {});
  const record = new ReplicationRecord(cluster);
  try {
    await cluster.whenReplicated();
    await client.set("warm", "up");
    const load = new ClusterLoad(client);
    const timeline = new Timeline();
    load.start(RATE);
    record.start();
    await sleep(1000);
    await scene({ cluster, proxies, record, seed, timeline });
    await load.stop();
    await load.settled(20_000);
    await record.stop();
    await cluster.whenOk(60_000);
    const told = await load.account(reader, record);
    for (const { what, key, at } of told.ours) tell(`lost: ${what} of ${key}, acknowledged at ${seconds(at)}`);
    for (const [error, count] of load.errors) tell(`${count} × ${error}`);
    const zeros = [told.twice, `${told.lost} (+${told.beyond})`, told.unsettled, told.untrue, told.disorder];
    const counts = [told.issued, told.acknowledged, told.failed, told.unknown, told.slowest];
    for (const { issuedAt, settledAt, outcome } of load.entries) {
      const settled = outcome === "pending" ? undefined : settledAt;
      timeline.add({ issued: issuedAt, settled, isAnswered: outcome === "acknowledged" });
    }
    const row = [nameOf(name, seed), which, ...zeros, ...counts].map(String);
    return { row, columns: timeline.columns() };
  } finally {
    client.disconnect();
    reader.disconnect();
    await proxies.stop();
    await cluster.stop();
  }
}

/** Only a storm has seeds. @param {string} name @param {number} seed */
function nameOf(name, seed) {
  return seed === 0 ? name : `${name} ${seed}`;
}

/** @param {string} what */
function tell(what) {
  if (options.verbose) console.error(`${seconds(performance.now())} ${what}`);
}

/** @param {number} at */
function seconds(at) {
  return `${(at / 1000).toFixed(3)} s`;
}
