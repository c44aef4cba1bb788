/**
 * Starts a real Redis Cluster on free loopback ports, all nodes at the same time, and does to it what happens to clusters: nodes
 * are killed, stand still and come back, slots move, replicas take over. The nodes know each other from their first moment,
 * through the file in which a node keeps the cluster, so nothing waits for them to meet.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.mjs";
import { RedisServer } from "./redis-server.mjs";

const SLOTS = 16_384;
const LOOK = 20;
/** Bytes by which a replica may be behind that is in step. */
const ON_ITS_WAY = 20_000;

/**
 * @typedef {object} ClusterOptions
 * @property {number} [masters] default 3
 * @property {number} [replicas] of each master; default 1
 * @property {number} [nodeTimeout] milliseconds after which a silent node is suspected; default 2000
 * @property {import("./redis-server.mjs").RedisOptions} [server] for every node. With `tls`, all that nodes say to each other and
 *   all that they announce is TLS
 *
 * @typedef {object} ClusterNode
 * @property {string} id
 * @property {RedisServer} server
 */

/**
 * Starts a cluster and resolves when every node says that it serves.
 * @param {ClusterOptions} [options]
 */
export async function startCluster(options = {}) {
  for (let tries = 1; ; tries++) {
    const cluster = await RedisCluster.make(options);
    try {
      await cluster.launch();
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (tries >= 3) throw error;
    }
  }
}

export class RedisCluster {
  /** Masters first, then replicas. @type {ClusterNode[]} */
  nodes = [];

  /** @param {ClusterOptions} options */
  static async make({ masters = 3, replicas = 1, nodeTimeout = 2000, server = {} }) {
    const cluster = new RedisCluster();
    const count = masters * (1 + replicas);
    for (let at = 0; at < count; at++) {
      const port = await freePort();
      const tlsPort = server.tls && (await freePort());
      const config = [
        ...(tlsPort === undefined ? [] : ["tls-cluster yes", "tls-replication yes"]),
        "cluster-enabled yes",
        "cluster-config-file nodes.conf",
        `cluster-node-timeout ${nodeTimeout}`,
        "cluster-replica-validity-factor 0",
        "repl-diskless-sync-delay 0",
        "repl-ping-replica-period 1",
        ...(server.config ?? []),
      ];
      const id = randomBytes(20).toString("hex");
      cluster.nodes.push({ id, server: new RedisServer({ ...server, config }, port, tlsPort) });
    }
    cluster.#writeFiles(masters);
    return cluster;
  }

  /** @param {number} masters */
  #writeFiles(masters) {
    for (const self of this.nodes) {
      const lines = this.nodes.map(({ id, server }, at) => {
        const master = at < masters ? undefined : this.nodes[at % masters];
        const mine = self.id === id ? "myself," : "";
        const epoch = (at % masters) + 1;
        const from = Math.floor((SLOTS * at) / masters);
        const to = Math.floor((SLOTS * (at + 1)) / masters) - 1;
        const role = master === undefined ? `${mine}master -` : `${mine}slave ${master.id}`;
        const slots = master === undefined ? ` ${from}-${to}` : "";
        const port = server.tlsPort ?? server.port;
        return `${id} 127.0.0.1:${port}@${port + 10_000} ${role} 0 0 ${epoch} connected${slots}`;
      });
      lines.push(`vars currentEpoch ${masters} lastVoteEpoch 0`, "");
      writeFileSync(join(self.server.dir, "nodes.conf"), lines.join("\n"));
    }
  }

  async launch() {
    await Promise.all(this.nodes.map(({ server }) => server.launch()));
    await this.whenOk();
  }

  /** Start nodes for a client. */
  get startNodes() {
    return this.nodes.map(({ server }) => ({ host: server.host, port: server.tlsPort ?? server.port }));
  }

  /** Nodes that run. */
  get running() {
    return this.nodes.filter(({ server }) => server.running);
  }

  /**
   * The node that listens on a port.
   * @param {number} port
   * @throws {Error} when there is none
   */
  at(port) {
    const node = this.nodes.find(({ server }) => server.port === port);
    if (node === undefined) throw new Error(`no node of the cluster listens on ${port}`);
    return node;
  }

  /**
   * The table of slots as one node sees it.
   * @param {ClusterNode} [from]
   * @returns {Promise<{ from: number, to: number, master: number, replicas: number[] }[]>} with ports
   */
  async table(from) {
    const node = from ?? this.running[0];
    if (node === undefined) throw new Error("no node runs");
    const reply = /** @type {[number, number, ...[string, number][]][]} */ (
      /** @type {unknown} */ (await node.server.call("CLUSTER", "SLOTS"))
    );
    return reply.map(([first, last, master, ...replicas]) => {
      return { from: first, to: last, master: Number(master?.[1]), replicas: replicas.map(([, port]) => port) };
    });
  }

  /**
   * The master of a slot.
   * @param {number} slot
   * @param {ClusterNode} [from]
   */
  async owner(slot, from) {
    const range = (await this.table(from)).find((one) => one.from <= slot && slot <= one.to);
    if (range === undefined) throw new Error(`nobody serves slot ${slot}`);
    return this.at(range.master);
  }

  /**
   * A replica of this master that is connected to it.
   * @param {ClusterNode} master
   */
  async replicaOf(master) {
    const lines = (await master.server.cli("CLUSTER", "REPLICAS", master.id)).split("\n");
    const found = lines.filter((line) => line.includes(" connected")).map((line) => line.split(" ")[0]);
    const replica = this.running.find(({ id }) => found.includes(id));
    if (replica === undefined) throw new Error(`${master.server.port} has no replica`);
    return replica;
  }

  /**
   * Whether a replica has all that this master has written, but for what is on its way.
   * @param {ClusterNode} master
   */
  async isReplicated(master) {
    const info = await master.server.cli("INFO", "replication");
    const written = Number(/master_repl_offset:(\d+)/.exec(info)?.[1]);
    const [, received] = /slave0:.*state=online,offset=(\d+)/.exec(info) ?? [];
    return received !== undefined && written - Number(received) < ON_ITS_WAY;
  }

  /** The slot of a key. @param {string} key */
  async slotOf(key) {
    return Number(await this.running[0]?.server.call("CLUSTER", "KEYSLOT", key));
  }

  /**
   * Waits until every running node says that the cluster serves, and all agree on who owns what.
   * @param {number} [limit] milliseconds
   */
  async whenOk(limit = 30_000) {
    await until(async () => {
      const views = await Promise.all(
        this.running.map(async (node) => {
          const info = await node.server.cli("CLUSTER", "INFO");
          const table = await this.table(node);
          const rows = table.map(({ from, to, master }) => `${from}-${to} ${master}`).sort();
          return info.includes("cluster_state:ok") ? rows.join() : undefined;
        }),
      );
      return views[0] !== undefined && views.every((view) => view === views[0]);
    }, limit);
  }

  /**
   * Waits until each master has so many replicas that are in step with it.
   * @param {number} [limit] milliseconds
   */
  async whenReplicated(limit = 30_000) {
    await until(async () => {
      for (const { master } of await this.table()) {
        const info = await this.at(master).server.cli("INFO", "replication");
        if (!/slave0:.*state=online/.test(info)) return false;
      }
      return true;
    }, limit);
  }

  /**
   * Moves slots to another master, with their keys, as redis-cli does.
   * @param {readonly number[]} slots
   * @param {ClusterNode} to
   * @param {{ readonly pause?: number }} [options] `pause`: milliseconds between two slots
   */
  async migrate(slots, to, { pause = 0 } = {}) {
    for (const slot of slots) {
      const from = await this.owner(slot, to);
      if (from === to) continue;
      await to.server.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
      await from.server.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
      for (;;) {
        const keys = /** @type {string[]} */ (
          /** @type {unknown} */ (await from.server.call("CLUSTER", "GETKEYSINSLOT", slot, 50))
        );
        if (keys.length === 0) break;
        await from.server.call("MIGRATE", "127.0.0.1", to.server.port, "", 0, 5000, "KEYS", ...keys);
      }
      await to.server.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
      await from.server.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
      if (pause > 0) await sleep(pause);
    }
  }

  /**
   * Lets a replica take over from its master, which agrees.
   * @param {ClusterNode} replica
   */
  async failover(replica) {
    await replica.server.call("CLUSTER", "FAILOVER");
    await until(async () => /role:master/.test(await replica.server.cli("INFO", "replication")), 15_000);
  }

  /**
   * Waits until another node owns what this one did, as the others see it.
   * @param {ClusterNode} old
   * @param {number} [limit] milliseconds
   */
  async whenReplaced(old, limit = 30_000) {
    const others = this.running.filter((node) => node !== old);
    await until(async () => {
      const tables = await Promise.all(others.map((node) => this.table(node).catch(() => [])));
      return tables.every((table) => table.length > 0 && table.every(({ master }) => master !== old.server.port));
    }, limit);
  }

  /** Ends all of it. */
  async stop() {
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}

/**
 * @param {() => Promise<boolean>} is
 * @param {number} limit milliseconds
 */
async function until(is, limit) {
  const end = performance.now() + limit;
  while (!(await is().catch(() => false))) {
    if (performance.now() > end) throw new Error(`the cluster did not become so within ${limit} ms`);
    await sleep(LOOK);
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
