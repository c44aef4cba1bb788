/** A cluster client that is plain ioredis, by `resilience: false` or `IOREDOUBT_OFF`, with what ioredis has not in its simplest form. */
import type { Cluster as IOCluster, Redis as IORedis, RedisKey } from "ioredis";
import { healthOf, transact, type PlainWays } from "../client/plain.js";
import { clock, sleep, within } from "../clock.js";
import { zeroCounters } from "../engine/counters.js";
import { CLUSTER, clusterInternalsOf } from "../ioredis/cluster-internals.js";
import { slotOf } from "../ioredis/commands.js";
import type { TransactionOptions } from "../lease/transaction.js";
import type { ClusterHealth } from "./health.js";
import { addressesOf, clusterLabel } from "./options.js";
import type { ClusterStats } from "./stats.js";

const STARTUP = 10_000;
/** Between two looks whether the client is connected, in milliseconds. */
const LOOK = 10;
const DRAIN = 5_000;

const METHODS = {
  with: itself,
  withDeadline: itself,
  async withConnection(this: IOCluster, fn: (connection: IORedis) => unknown, { key }: { readonly key: RedisKey }) {
    const connection = await masterOf(this, key);
    try {
      return await fn(connection);
    } finally {
      connection.disconnect();
    }
  },
  async transaction(this: IOCluster, keys: readonly RedisKey[], fn: never, options?: TransactionOptions) {
    const connection = await masterOf(this, keys[0] ?? "");
    try {
      return await transact(connection, keys, fn, options);
    } finally {
      connection.disconnect();
    }
  },
  stats: statsOf,
  health: clusterHealthOf,
  liveness(this: IOCluster) {
    const health = clusterHealthOf.call(this);
    return { alive: health.status !== "closed", health };
  },
  readiness(this: IOCluster, { required = true }: { readonly required?: boolean } = {}) {
    const health = clusterHealthOf.call(this);
    const isReady = health.status === "ready" || health.status === "idle";
    return Promise.resolve({ ready: required ? isReady : health.status !== "closed", health });
  },
  async startup(this: IOCluster, options: { readonly within?: number } = {}) {
    const until = clock.now() + (options.within ?? STARTUP);
    if (this.status === "wait") this.connect().catch(ignore);
    while (this.status !== "ready" && this.status !== "end" && clock.now() < until) await sleep(LOOK);
    return { ready: this.status === "ready", health: clusterHealthOf.call(this) };
  },
  onEvent: () => ignore,
  async close(this: IOCluster, { drain = DRAIN }: { readonly drain?: number } = {}) {
    if (this.status === "end") return;
    await within(this.quit().then(ignore, ignore), drain, ignore);
    this.disconnect();
  },
};

/** `theirs`: ioredis's own methods. */
export function plainCluster(theirs: typeof IOCluster.prototype): PlainWays {
  return {
    theirs,
    simple: METHODS as unknown as PlainWays["simple"],
    isPlain: (client) => !(CLUSTER in client),
  };
}

function itself(this: IOCluster): IOCluster {
  return this;
}

/** A connection of its own to the master of the key's slot. */
async function masterOf(cluster: IOCluster, key: RedisKey): Promise<IORedis> {
  // There is no table before the first command is answered.
  await cluster.ping();
  const { slots, connectionPool } = clusterInternalsOf(cluster);
  const node = connectionPool.getInstanceByKey(slots[slotOf(key)]?.[0] ?? "");
  if (node === undefined) throw new Error("No node is known to serve the slot of the key.");
  return node.duplicate({ readOnly: false });
}

function clusterHealthOf(this: IOCluster): ClusterHealth {
  const health = healthOf(this);
  return { ...health, mastersDown: [], slotsServed: health.status === "ready" ? 1 : 0 };
}

/** What ioredis knows; it counts nothing. */
function statsOf(this: IOCluster): ClusterStats {
  const { startupNodes } = clusterInternalsOf(this);
  return {
    status: this.status,
    endpoint: clusterLabel(addressesOf(startupNodes), undefined),
    ...zeroCounters(),
    inFlight: 0,
    waiting: { commands: 0, bytes: 0 },
    redirections: { moved: 0, asked: 0, fenced: 0, held: 0 },
    topology: { asked: 0, failed: 0, unservedSlots: 0 },
    nodes: [],
  };
}

function ignore(): void {
  // Plain ioredis has nobody who would be told.
}
