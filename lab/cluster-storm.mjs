/**
 * A storm over a real cluster: masters are killed and started again, stand still, lose all their connections, answer without being
 * heard, hand slots over and are replaced by their replicas, one fault after the other at moments that a seed decides.
 */
import { Random } from "./random.mjs";

const KINDS = /** @type {const} */ (["kill", "freeze", "reset", "drop", "migrate", "failover"]);
/** Slots that one migration moves. */
const MOVED = 20;
/** How long what the cluster does by itself may take before the next fault comes, in milliseconds. */
const PATIENCE = 5_000;

/**
 * @typedef {import("./redis-cluster.mjs").ClusterNode} ClusterNode
 *
 * @typedef {object} StormOptions
 * @property {number} seed
 * @property {import("./cluster-proxies.mjs").ClusterProxies} proxies what the client's connections go through
 * @property {number} [faults] default 23
 * @property {number} [seconds] default 60
 * @property {(master: ClusterNode, fail: () => unknown) => unknown} [failing] calls `fail`, which kills or freezes the master
 * @property {(what: string) => void} [tell] hears of each fault as it begins and ends
 */

/**
 * @param {import("./redis-cluster.mjs").RedisCluster} cluster
 * @param {StormOptions} options
 * @returns {Promise<Record<string, number>>} how many faults of each kind there were
 */
export async function storm(cluster, options) {
  const { seed, proxies, faults = 23, seconds = 60, failing = (_, fail) => fail(), tell = () => {} } = options;
  const random = new Random(seed);
  /** @type {Record<string, number>} */
  const done = {};
  /** @type {Set<ClusterNode>} */
  const frozen = new Set();
  const begun = performance.now();
  const moments = Array.from({ length: faults }, () => random.between(0, seconds * 1000)).sort((a, b) => a - b);
  /** @type {Promise<unknown>[]} */
  const endings = [];
  /** Slots that are on their way: a master that fails meanwhile loses them, and not by what a client does. */
  let moving = 0;
  for (const moment of moments) {
    await sleep(Math.max(0, moment - (performance.now() - begun)));
    const kind = KINDS[Math.floor(random.next() * KINDS.length)] ?? "reset";
    const slot = Math.floor(random.next() * 16_384);
    const lasts = random.next();
    // What the cluster is in no state for would be the cluster's own loss: its connections suffer instead.
    const happened = (await one(kind, slot, lasts).catch(() => false)) ? kind : await reset(slot);
    done[happened] = (done[happened] ?? 0) + 1;
  }
  await Promise.all(endings);
  await cluster.whenOk(60_000);
  return done;

  /**
   * @param {typeof KINDS[number]} kind
   * @param {number} slot
   * @param {number} lasts from 0 to 1
   * @returns {Promise<boolean>} whether it could be done
   */
  async function one(kind, slot, lasts) {
    if (kind === "reset") return false;
    const owner = await cluster.owner(slot, quiet());
    const { server } = owner;
    if (kind === "drop") {
      tell(`drop ${server.port}`);
      const proxy = proxies.of(owner);
      proxy.dropReplies();
      endings.push(sleep(50 + lasts * 200).then(() => proxy.pass()));
      return true;
    }
    if (moving > 0 || cluster.running.length < cluster.nodes.length || frozen.size > 0) return false;
    if (kind === "migrate") {
      const masters = [...new Set((await cluster.table(quiet())).map(({ master }) => master))];
      const to = cluster.at(masters.find((port) => port !== server.port) ?? server.port);
      tell(`migrate ${server.port} to ${to.server.port}`);
      const slots = Array.from({ length: MOVED }, (_, at) => (slot + at) % 16_384);
      moving++;
      const migration = toTheEnd(() => cluster.migrate(slots, to)).finally(() => moving--);
      endings.push(migration);
      await within(migration, PATIENCE);
      return true;
    }
    // With a master that has no replica the cluster itself would be down, and one that is not in step would lose what it had confirmed.
    const replica = await cluster.replicaOf(owner);
    if (!(await cluster.isReplicated(owner))) return false;
    if (kind === "failover") {
      tell(`failover ${server.port} to ${replica.server.port}`);
      await within(cluster.failover(replica), PATIENCE);
      return true;
    }
    tell(`${kind} ${server.port}`);
    if (kind === "kill") {
      await failing(owner, () => server.kill());
      endings.push(
        sleep(3000 + lasts * 3000).then(() => {
          tell(`restart ${server.port}`);
          return server.restart();
        }),
      );
    } else {
      await failing(owner, () => server.freeze());
      frozen.add(owner);
      endings.push(
        sleep(1000 + lasts * 5000).then(() => {
          tell(`thaw ${server.port}`);
          server.thaw();
          frozen.delete(owner);
        }),
      );
    }
    return true;
  }

  /** @param {number} slot */
  async function reset(slot) {
    const owner = await cluster.owner(slot, quiet()).catch(() => quiet());
    if (owner === undefined) return "nothing";
    tell(`reset ${owner.server.port}`);
    proxies.of(owner).cutAll();
    return "reset";
  }

  /** A node that answers. */
  function quiet() {
    return cluster.running.find((node) => !frozen.has(node));
  }
}

/**
 * Tries again what has stopped half way.
 * @param {() => Promise<unknown>} run
 */
async function toTheEnd(run) {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (tries >= 50) throw error;
      await sleep(200);
    }
  }
}

/**
 * Waits for it, `limit` milliseconds at most.
 * @param {Promise<unknown>} promise
 * @param {number} limit
 */
async function within(promise, limit) {
  await Promise.race([promise, sleep(limit)]);
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
