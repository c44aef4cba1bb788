/**
 * Every private part of ioredis's `Cluster` that this package touches, declared here and nowhere else. A contract test drives
 * the real classes of ioredis 5.11 and 6 against these shapes.
 */
import type { Redis as IORedis, Cluster as IOCluster, ClusterOptions } from "ioredis";

/** On clusters of this package: what hangs on one. */
export const CLUSTER: unique symbol = Symbol("ioredoubt.cluster");

/** A node as ioredis's pool of connections knows it. */
export interface PoolOfNodes {
  readonly nodes: Readonly<Record<"all" | "master" | "slave", Readonly<Record<string, IORedis>>>>;
  getNodes(role?: "all" | "master" | "slave"): IORedis[];
  getInstanceByKey(key: string): IORedis | undefined;
  getSampleInstance(role: "all" | "master" | "slave"): IORedis | undefined;
}

/** Start nodes once their names are looked up. */
export interface ResolvedNode {
  readonly host: string;
  readonly port: number;
}

/** The private members of `Cluster`, as they are in 5.11 and 6.x. */
export interface ClusterInternals {
  options: ClusterOptions;
  status: string;
  /** Keys of the nodes that serve each slot, the master first. */
  slots: string[][];
  /** Numbers slots that the same nodes serve; pipelines of plain ioredis compare them. */
  _groupsBySlot: (number | undefined)[];
  connectionPool: PoolOfNodes;
  startupNodes: readonly unknown[];
  setStatus(status: string): void;
  /** What `natMap` gives is whatever the caller gives. */
  natMapper(address: { host: string; port: number } | string): { readonly host: unknown; readonly port: unknown };
  resolveStartupNodeHostnames(): Promise<readonly ResolvedNode[]>;
  invokeReadyDelayedCallbacks(error: Error | undefined): void;
}

/** The same object, with its private members visible. */
export function clusterInternalsOf(cluster: IOCluster): ClusterInternals {
  return cluster as unknown as ClusterInternals;
}
