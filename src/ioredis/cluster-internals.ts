/**
 * Every private part of ioredis's `Cluster` that this package touches, declared here and nowhere else, and how a start node is
 * asked. A contract test drives the real classes of ioredis 5.11 and 6 against these shapes.
 */
import { Redis as IORedis, type Cluster as IOCluster, type ClusterOptions, type RedisOptions } from "ioredis";
import { clock } from "../clock.js";
import { sanitizeError } from "../failure/redact.js";
import { internalsOf } from "./internals.js";

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

/**
 * Asks a start node who serves what, on a connection of its own that ends with the answer: the reply to CLUSTER SLOTS. `timeout`:
 * milliseconds for everything, connecting included.
 */
export async function askSeed(options: RedisOptions, timeout: number): Promise<unknown> {
  const own = {
    lazyConnect: true,
    connectTimeout: timeout,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    db: 0,
    // The shape of the reply is that of RESP2. Of another mapping ioredis says that it needs RESP3.
    protocol: 2,
    replyMapping: undefined,
  };
  const client = new IORedis({ ...options, ...own } as never);
  let reason: Error | undefined;
  client.on("error", (error: Error) => (reason ??= error));
  const end = (): void => {
    client.disconnect();
    internalsOf(client).stream?.destroy();
  };
  const timer = clock.setTimeout(end, timeout);
  try {
    return await client.cluster("SLOTS");
  } catch (error) {
    // A refused login has the password among the arguments that ioredis puts on the error.
    throw sanitizeError(reason ?? error);
  } finally {
    clock.clearTimeout(timer);
    end();
  }
}
