/** A minute of rotations on a cluster under load; `test/fault/cluster-credentials.test.ts` is the short form. */
import { afterAll, beforeAll, it } from "vitest";
import type { RedisCluster } from "../../lab/redis-cluster.mjs";
import { expectGentleCluster, rotateCluster, startLockedCluster } from "../fault/cluster-rotation.js";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startLockedCluster();
});
afterAll(async () => cluster.stop());

it("fails no command but those in flight at a cut, ends no connection, and logs each in with every password", async () => {
  const rotation = await rotateCluster(cluster, 60, 1_500);
  const { answered, cut, heard, questions, connections, failed, inFlight, ended } = rotation;
  const figures = {
    answered,
    failed: failed.length,
    inFlight,
    cut,
    ended,
    passwords: new Set(connections.flatMap(({ given }) => given)).size,
    questions,
    heard,
    connections: connections.length,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expectGentleCluster(rotation);
});
