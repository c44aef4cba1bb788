/** A cluster client that is plain ioredis, by `resilience: false` or `IOREDOUBT_OFF`, with what ioredis has not in its simplest form. */
import type { Cluster as IOCluster, Redis as IORedis, RedisKey } from "ioredis";
import { plainHealth, plainMethods } from "../client/plain-methods.js";
import type { PlainWays } from "../client/plain.js";
import { zeroCounters } from "../engine/counters.js";
import { CLUSTER, clusterInternalsOf } from "../ioredis/cluster-internals.js";
import { slotOf } from "../ioredis/commands.js";
import type { ClusterHealth } from "./health.js";
import { addressesOf, clusterLabel } from "./options.js";
import type { ClusterStats } from "./stats.js";

const METHODS = {
  ...plainMethods<IOCluster>({ healthOf: clusterHealthOf, connectionOf: (cluster, key) => masterOf(cluster, key()) }),
  stats: statsOf,
};

/** `theirs`: ioredis's own methods. */
export function plainCluster(theirs: typeof IOCluster.prototype): PlainWays {
  return {
    theirs,
    simple: METHODS as unknown as PlainWays["simple"],
    isPlain: (client) => !(CLUSTER in client),
  };
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

function clusterHealthOf(cluster: IOCluster): ClusterHealth {
  const health = plainHealth(cluster);
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
