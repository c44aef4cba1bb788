/** What the tests of clusters share: one real cluster for a file, and clients that end with their test. */
import { Cluster as PlainCluster } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { startCluster, type RedisCluster } from "../../lab/redis-cluster.mjs";
import { Cluster, type ClusterOptions } from "../../src/cluster.js";
import { createLogSink, type LogSink } from "../helpers/log-sink.js";
import { atEnd, ignore } from "./core-harness.js";

/** A cluster of three masters with a replica each, for all tests of the file. */
export function sharedCluster(): { readonly cluster: RedisCluster } {
  let started: RedisCluster | undefined;
  beforeAll(async () => {
    started = await startCluster({ nodeTimeout: 1000 });
    await started.whenReplicated();
  });
  afterAll(async () => started?.stop());
  return {
    get cluster() {
      if (started === undefined) throw new Error("the cluster is not started yet");
      return started;
    },
  };
}

/** A client. Nothing is late for it on a slow machine. */
export function clientOf(
  cluster: RedisCluster,
  options: ClusterOptions = {},
  startNodes = cluster.running.map(({ server }) => ({ host: "127.0.0.1", port: server.port })),
): Cluster & { readonly log: LogSink } {
  const log = createLogSink();
  const { resilience, ...rest } = options;
  const client = new Cluster(startNodes, {
    ...rest,
    resilience: { profile: "production", deadline: 20_000, logger: log, ...resilience },
  });
  client.on("error", ignore);
  atEnd(() => client.disconnect());
  return Object.assign(client, { log });
}

/** The same, connected. */
export async function readyClientOf(
  cluster: RedisCluster,
  options: ClusterOptions = {},
): Promise<Cluster & { readonly log: LogSink }> {
  const client = clientOf(cluster, options);
  await client.ping();
  return client;
}

/** Reads what the cluster has, with nothing of this package. */
export function plainReader(cluster: RedisCluster): PlainCluster {
  const reader = new PlainCluster(cluster.running.map(({ server }) => ({ host: "127.0.0.1", port: server.port })));
  reader.on("error", ignore);
  atEnd(() => reader.disconnect());
  return reader;
}
