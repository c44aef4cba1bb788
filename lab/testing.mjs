/**
 * `ioredoubt/testing`: real servers that are thrown away, relays that break on command, and an account of what was executed. Bound to no
 * test runner; needs a `redis-server` on the PATH, or where `REDIS_SERVER` says.
 */
import { startProxy as start } from "./fault-proxy.mjs";
import { startRedis } from "./redis-server.mjs";

export { chaos, startChaos } from "./chaos.mjs";
export { startCluster } from "./redis-cluster.mjs";
export { startRedis } from "./redis-server.mjs";
export { startSentinelSet } from "./sentinel-set.mjs";

/**
 * @typedef {import("./chaos.mjs").Chaos} Chaos
 * @typedef {import("./chaos.mjs").ChaosClient} ChaosClient
 * @typedef {import("./chaos-rules.mjs").ChaosRule} ChaosRule
 * @typedef {import("./chaos-rules.mjs").Fault} Fault
 * @typedef {Omit<import("./fault-proxy.mjs").FaultProxy, "links" | "orders" | "shape" | "forget" | "fired" | "random" | "listen">} FaultProxy
 * @typedef {import("./fault-proxy.mjs").ProxyOptions} FaultProxyOptions
 * @typedef {import("./redis-cluster.mjs").RedisCluster} RedisCluster
 * @typedef {import("./redis-server.mjs").RedisServer} RedisServer
 * @typedef {import("./redis-server.mjs").RedisOptions} RedisServerOptions
 * @typedef {import("./sentinel-set.mjs").SentinelSet} SentinelSet
 */

/**
 * Starts a TCP relay that breaks on command, whatever is spoken through it.
 * @param {FaultProxyOptions} options
 * @returns {Promise<FaultProxy>} in mode `pass`
 */
export function startProxy(options) {
  return start(options);
}

/**
 * Starts a replica of a server, and resolves when it is in step with it.
 * @param {RedisServer} master
 * @param {RedisServerOptions} [options]
 * @returns {Promise<RedisServer>}
 */
export async function startReplica(master, options = {}) {
  // By default a master waits for further replicas before it begins.
  await master.call("CONFIG", "SET", "repl-diskless-sync-delay", 0);
  const config = [`replicaof ${master.host} ${master.port}`, ...(options.config ?? [])];
  const replica = await startRedis({ ...options, config });
  try {
    for (const until = Date.now() + FOLLOWS_WITHIN; ;) {
      const info = await replica.cli("INFO", "replication");
      if (info.includes("master_link_status:up")) return replica;
      if (Date.now() > until) throw new Error(`the replica did not follow within ${FOLLOWS_WITHIN} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } catch (error) {
    await replica.stop();
    throw error;
  }
}

/** Milliseconds, on a busy machine. */
const FOLLOWS_WITHIN = 30_000;
