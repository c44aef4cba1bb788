/**
 * A storm over a real cluster: masters are killed and started again, stand still, lose all their connections, hand slots over and
 * are replaced by their replicas, one fault after the other at moments that a seed decides.
 */
import { Random } from "./random.mjs";

const KINDS = /** @type {const} */ (["kill", "freeze", "reset", "migrate", "failover"]);
/** Slots that one migration moves. */
const MOVED = 20;

/**
 * @param {import("./redis-cluster.mjs").RedisCluster} cluster
 * @param {object} options
 * @param {number} options.seed
 * @param {number} [options.faults] default 23
 * @param {number} [options.seconds] default 60
 * @param {() => void} [options.failing] called just before a master is killed or frozen
 * @param {(what: string) => void} [options.tell] hears of each fault as it begins and ends
 * @returns {Promise<Record<string, number>>} how many faults of each kind there were
 */
export async function storm(cluster, { seed, faults = 23, seconds = 60, failing = () => {}, tell = () => {} }) {
  const random = new Random(seed);
  /** @type {Record<string, number>} */
  const done = {};
  const begun = performance.now();
  const moments = Array.from({ length: faults }, () => random.between(0, seconds * 1000)).sort((a, b) => a - b);
  /** @type {Promise<unknown>[]} */
  const endings = [];
  for (const moment of moments) {
    await sleep(Math.max(0, moment - (performance.now() - begun)));
    const kind = KINDS[Math.floor(random.next() * KINDS.length)] ?? "reset";
    const slot = Math.floor(random.next() * 16_384);
    try {
      if (await one(kind, slot)) done[kind] = (done[kind] ?? 0) + 1;
    } catch {
      // The cluster was in no state for it: it has its trouble already.
      done["impossible"] = (done["impossible"] ?? 0) + 1;
    }
  }
  await Promise.all(endings);
  await cluster.whenOk(60_000);
  return done;

  /**
   * @param {typeof KINDS[number]} kind
   * @param {number} slot
   */
  async function one(kind, slot) {
    const owner = await cluster.owner(slot, quiet());
    tell(`${kind} ${owner.server.port}`);
    if (kind === "reset") {
      await owner.server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      return true;
    }
    if (kind === "migrate") {
      const masters = [...new Set((await cluster.table(quiet())).map(({ master }) => master))];
      const to = cluster.at(masters.find((port) => port !== owner.server.port) ?? owner.server.port);
      const slots = Array.from({ length: MOVED }, (_, at) => (slot + at) % 16_384);
      await within(cluster.migrate(slots, to), 5000);
      return true;
    }
    if (kind === "failover") {
      await within(cluster.failover(await cluster.replicaOf(owner)), 5000);
      return true;
    }
    // With a master that has no replica, or another fault at work, the cluster itself would be down.
    await cluster.replicaOf(owner);
    // One that is not in step would lose what was acknowledged, whoever was told so.
    if (!(await cluster.isReplicated(owner))) return false;
    if (cluster.running.length < cluster.nodes.length || frozen.size > 0) return false;
    failing();
    if (kind === "kill") {
      await owner.server.kill();
      endings.push(
        sleep(random.between(3000, 6000)).then(() => {
          tell(`restart ${owner.server.port}`);
          return owner.server.restart();
        }),
      );
    } else {
      owner.server.freeze();
      frozen.add(owner);
      endings.push(
        sleep(random.between(1000, 6000)).then(() => {
          tell(`thaw ${owner.server.port}`);
          owner.server.thaw();
          frozen.delete(owner);
        }),
      );
    }
    return true;
  }

  /** A node that answers. */
  function quiet() {
    return cluster.running.find((node) => !frozen.has(node));
  }
}

/** @type {Set<import("./redis-cluster.mjs").ClusterNode>} */
const frozen = new Set();

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} limit milliseconds
 */
function within(promise, limit) {
  promise.catch(() => {});
  return Promise.race([
    promise,
    sleep(limit).then(() => {
      throw new Error("too slow");
    }),
  ]);
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
