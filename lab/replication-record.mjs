/**
 * What the replica of a master had when the master failed. Redis confirms a write before its replica has it, so a write that the
 * replica had not received is lost with the master, whoever was told that it was made; one that it had received must not be.
 * Offsets are looked at all the time and once more just before each fault. A write that was confirmed before a look lies below the
 * offset that the look found.
 */

/** Between two looks at the offsets, in milliseconds. */
const LOOK = 25;
/** A replica has what was on its way to it when its offset has stood still for so many looks. */
const STILL = 3;
/** It is not waited for longer than so many. */
const LOOKS = 40;
/** A reply that left before the fault is read so much later at most; nobody serves the slots again so soon. Milliseconds. */
const READ_LATE = 500;

/**
 * @typedef {import("./redis-cluster.mjs").RedisCluster} RedisCluster
 * @typedef {import("./redis-cluster.mjs").ClusterNode} ClusterNode
 *
 * @typedef {object} Look
 * @property {number} asked when the question left, by `performance.now()`
 * @property {number} offset
 *
 * @typedef {object} Fault
 * @property {number} at when the master failed, by `performance.now()`
 * @property {number} port
 * @property {readonly { from: number, to: number }[]} ranges slots that it served
 * @property {readonly Look[]} looks at the master, oldest first
 * @property {number} received the offset of the replica that had most, once nothing more came
 *
 * @typedef {"ours" | "beyond"} Verdict `beyond`: the replica had not received it. `ours`: it had, or the write was confirmed after
 *   its master had failed.
 */

export class ReplicationRecord {
  /** @type {Fault[]} */
  faults = [];
  #cluster;
  /** @type {Map<number, Look[]>} */
  #looks = new Map();
  #isStopped = true;
  /** @type {Promise<unknown>[]} */
  #open = [];

  /** @param {RedisCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
  }

  start() {
    this.#isStopped = false;
    // One that stands still keeps nobody else from being looked at.
    for (const node of this.#cluster.nodes) this.#open.push(this.#lookAt(node));
  }

  async stop() {
    this.#isStopped = true;
    await Promise.all(this.#open);
  }

  /** @param {ClusterNode} node */
  async #lookAt(node) {
    while (!this.#isStopped) {
      if (node.server.running) await this.#look(node).catch(() => {});
      await sleep(LOOK);
    }
  }

  /** @param {ClusterNode} node */
  async #look({ server }) {
    const asked = performance.now();
    const offset = await offsetOf(server);
    let looks = this.#looks.get(server.port);
    if (looks === undefined) this.#looks.set(server.port, (looks = []));
    looks.push({ asked, offset });
  }

  /**
   * Looks once more, then lets the master fail, and notes what its replicas have received.
   * @param {ClusterNode} master
   * @param {() => unknown} fail kills or freezes it
   */
  async failing(master, fail) {
    const { port } = master.server;
    const table = await this.#cluster.table(master);
    const ranges = table.filter((range) => range.master === port);
    const replicas = [...new Set(ranges.flatMap((range) => range.replicas))].map((other) => this.#cluster.at(other));
    await this.#look(master);
    const at = performance.now();
    /** @type {Fault} */
    const fault = { at, port, ranges, looks: [...(this.#looks.get(port) ?? [])], received: -1 };
    this.faults.push(fault);
    const received = Promise.all(replicas.map(({ server }) => finalOffsetOf(server)));
    this.#open.push(
      received.then((offsets) => {
        fault.received = Math.max(-1, ...offsets);
      }),
    );
    await fail();
  }

  /**
   * Judges a write that was confirmed and is not there.
   * @param {string} key
   * @param {number} confirmedAt by `performance.now()`
   */
  async judge(key, confirmedAt) {
    return judge(this.faults, await this.#cluster.slotOf(key), confirmedAt);
  }
}

/**
 * @param {readonly Fault[]} faults
 * @param {number} slot
 * @param {number} confirmedAt
 * @returns {Verdict}
 */
export function judge(faults, slot, confirmedAt) {
  const isBeyond = faults.some(({ at, ranges, looks, received }) => {
    if (confirmedAt > at + READ_LATE || !ranges.some(({ from, to }) => from <= slot && slot <= to)) return false;
    // Confirmed after the last look: where it lies is not known, and nobody can hold it against a client.
    const offset = looks.find(({ asked }) => asked >= confirmedAt)?.offset ?? Infinity;
    return offset > received;
  });
  return isBeyond ? "beyond" : "ours";
}

/** @param {import("./redis-server.mjs").RedisServer} server */
async function offsetOf(server) {
  const info = await server.cli("INFO", "replication");
  return Number(/^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(info)?.[1] ?? Number.NaN);
}

/**
 * The offset of a replica whose master says nothing more.
 * @param {import("./redis-server.mjs").RedisServer} server
 */
async function finalOffsetOf(server) {
  let last = -1;
  for (let still = 0, looks = 0; still < STILL && looks < LOOKS; looks++) {
    await sleep(LOOK);
    const offset = await offsetOf(server).catch(() => undefined);
    // It has failed, too, or is a master by now, which goes on from what it had.
    if (offset === undefined) return last;
    still = offset === last ? still + 1 : 0;
    last = offset;
  }
  return last;
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
