/**
 * What happens to the fleets, and when. Every fleet has a proxy of its own and meets the same fault at the same moment;
 * the server is shared. Times are milliseconds.
 */

/**
 * @typedef {{ name: string, ms: number, begin?: () => unknown, end?: () => unknown, recovery?: string }} Phase
 * `recovery` names a phase that begins with the fault gone: from there on the time to the first success counts.
 */

/**
 * @param {import("../lab/redis-server.mjs").RedisServer} server
 * @param {readonly import("../lab/fault-proxy.mjs").FaultProxy[]} proxies
 * @returns {Phase[]}
 */
export function destructiveSchedule(server, proxies) {
  const each = (/** @type {(proxy: import("../lab/fault-proxy.mjs").FaultProxy) => unknown} */ act) =>
    Promise.all(proxies.map(act));
  /** @type {NodeJS.Timeout | undefined} */
  let resets;
  return [
    { name: "calm", ms: 3000 },
    {
      name: "link resets",
      ms: 4000,
      begin: () => {
        resets = setInterval(() => void each((proxy) => proxy.cutAll()), 200);
      },
      end: () => clearInterval(resets),
    },
    {
      name: "replies dropped",
      ms: 3000,
      begin: () => each((proxy) => proxy.dropReplies()),
      end: () => each((proxy) => proxy.pass()),
    },
    { name: "calm again", ms: 2000 },
    {
      name: "server killed",
      ms: 5000,
      // A dead server's port refuses; the proxies in front of it do the same.
      begin: () => Promise.all([server.kill(), each((proxy) => proxy.refuse())]),
      end: async () => {
        await server.restart();
        await each((proxy) => proxy.pass());
      },
    },
    { name: "server back", ms: 5000, recovery: "killed" },
    { name: "server frozen", ms: 4000, begin: () => server.freeze(), end: () => server.thaw() },
    { name: "server thawed", ms: 4000, recovery: "frozen" },
  ];
}

/**
 * The master is killed, and later a replica takes over by order: both fleets share the set and meet both at the same moment.
 * @param {import("../lab/sentinel-set.mjs").SentinelSet} set
 * @returns {Phase[]}
 */
export function failoverSchedule(set) {
  return [
    { name: "calm", ms: 3000 },
    {
      name: "master killed",
      ms: 50,
      begin: async () => {
        const master = await set.master();
        await master?.kill();
      },
    },
    { name: "a replica takes over", ms: 7000, recovery: "killed", end: () => restartDead(set) },
    { name: "calm again", ms: 3000, end: () => set.healthy() },
    {
      name: "planned failover",
      ms: 6000,
      begin: () => set.sentinels[0]?.call("SENTINEL", "FAILOVER", set.name),
    },
    // The old master is told that it is one no more about ten seconds after the new one is announced
    { name: "old master demoted", ms: 9000 },
  ];
}

/**
 * One master of three is killed, another one stands still until it has been replaced, slots move, and a replica takes over by order.
 * @param {import("../lab/redis-cluster.mjs").RedisCluster} cluster
 * @returns {Phase[]}
 */
export function clusterSchedule(cluster) {
  /** @type {import("../lab/redis-cluster.mjs").ClusterNode | undefined} */
  let failed;
  return [
    { name: "calm", ms: 3000 },
    {
      name: "master killed",
      ms: 50,
      begin: async () => {
        failed = await cluster.owner(0);
        await failed.server.kill();
      },
    },
    {
      name: "a replica takes over",
      ms: 7000,
      recovery: "killed",
      end: async () => {
        await failed?.server.restart();
        await cluster.whenOk();
        await cluster.whenReplicated();
      },
    },
    { name: "calm again", ms: 2000 },
    {
      name: "master frozen",
      ms: 6000,
      begin: async () => {
        failed = await cluster.owner(6000);
        failed.server.freeze();
      },
      end: () => failed?.server.thaw(),
    },
    { name: "master thawed", ms: 4000, recovery: "frozen", end: () => cluster.whenReplicated() },
    {
      name: "slots migrated",
      ms: 500,
      begin: async () => {
        const slots = Array.from({ length: 100 }, (_, at) => at * 50);
        await cluster.migrate(slots, await cluster.owner(16_383));
      },
    },
    {
      name: "planned failover",
      ms: 3000,
      begin: async () => cluster.failover(await cluster.replicaOf(await cluster.owner(12_000))),
      end: () => cluster.whenOk(),
    },
  ];
}

/** @param {import("../lab/sentinel-set.mjs").SentinelSet} set */
async function restartDead(set) {
  await Promise.all(set.nodes.filter((node) => !node.running).map((node) => node.restart()));
}

/** @returns {Phase[]} The part that harms nobody: ordinary load on somebody else's server. */
export function harmlessSchedule() {
  return [{ name: "calm", ms: 8000 }];
}
