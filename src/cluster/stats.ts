/** Numbers of a cluster client: of all its nodes together, and of each. Plain data, nothing live. */
import { STATE } from "../client/state.js";
import { snapshot, type Stats } from "../client/stats.js";
import { addCounters, zeroCounters } from "../engine/counters.js";
import type { EngineCounters } from "../engine/ports.js";
import type { ClusterCore } from "./core.js";
import type { RouterCounts } from "./router.js";

/** One node of `stats().nodes`. */
export interface NodeStats extends Stats {
  readonly role: "master" | "replica";
}

/** What `stats()` of a cluster returns: counters since the client was made, and what is the case now. */
export interface ClusterStats extends EngineCounters {
  /** ioredis's status of the client. */
  readonly status: string;
  /** What the log calls the cluster. */
  readonly endpoint: string;
  readonly inFlight: number;
  /** Commands that wait: for a table, for their slot, and at nodes. */
  readonly waiting: { readonly commands: number; readonly bytes: number };
  /** Redirections that were followed, connections that were cut for a successor, and slots that waited for their old owner. */
  readonly redirections: Readonly<RouterCounts>;
  /** Questions for the table of slots, by all clients of the cluster in this process; slots that nobody serves now. */
  readonly topology: { readonly asked: number; readonly failed: number; readonly unservedSlots: number };
  readonly nodes: readonly NodeStats[];
}

/** `status`: ioredis's own. */
export function clusterStats(status: string, core: ClusterCore): ClusterStats {
  const { lobby, layout, holds, router, membership } = core;
  const nodes = layout.all.map(({ client, isReplica }): NodeStats => {
    return { ...snapshot(client.status, client[STATE]), role: isReplica ? "replica" : "master" };
  });
  const sum = zeroCounters();
  for (const counters of [lobby.counters, core.past, ...nodes]) addCounters(sum, counters);
  const { waiting } = lobby;
  const of = (key: "commands" | "bytes"): number =>
    nodes.reduce((total, node) => total + node.waiting[key], waiting[key]);
  const { asked, failed } = membership.topology.counts;
  return {
    status,
    endpoint: lobby.endpoint.label,
    ...sum,
    inFlight: nodes.reduce((total, node) => total + node.inFlight, 0),
    waiting: { commands: of("commands") + holds.waiting, bytes: of("bytes") },
    redirections: { ...router.counts },
    topology: { asked, failed, unservedSlots: layout.unserved },
    nodes,
  };
}
