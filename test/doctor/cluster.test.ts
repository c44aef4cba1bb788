/** What the doctor finds out about a cluster by asking every node of it. On a real one. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startCluster, type RedisCluster } from "../../lab/redis-cluster.mjs";
import { eventually } from "../helpers/eventually.js";
import { examine, expectHealthy, findingsOf } from "./ground.js";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startCluster({ replicas: 1 });
  await cluster.whenReplicated();
});
afterAll(() => cluster.stop());

const at = (port: number): string => `127.0.0.1:${String(port)}`;

it("tells each node in one line, and that all agree", async () => {
  const [{ server } = { server: undefined }] = cluster.nodes;
  const report = await examine(at(server?.port ?? 0), { cluster: true });
  expectHealthy(report);
  const [whole, ...nodes] = findingsOf(report, "cluster");
  expect(whole).toMatchObject({ status: "ok", meaning: "All 6 nodes that answered name the same owners." });
  expect(whole?.evidence).toMatch(/^16384 of 16384 slots, 3 masters, 3 replicas, epoch \d+$/);
  expect(nodes.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
  expect(nodes.filter(({ evidence }) => / master, \d+ slots, 1 replica, epoch \d+$/.test(evidence))).toHaveLength(3);
  expect(nodes.filter(({ evidence }) => / replica of 127\.0\.0\.1:\d+, epoch \d+$/.test(evidence))).toHaveLength(3);
});

it("says that a node tells other owners, and that one that others reach gives no answer here", async () => {
  const masters = new Set((await cluster.table()).map(({ master }) => master));
  const [one, other, odd] = [...masters].map((port) => cluster.at(port));
  if (one === undefined || other === undefined || odd === undefined) throw new Error("there are no three masters");
  const natMap = { [at(other.server.port)]: { host: "127.0.0.1", port: 1 } };
  const slots = [...new Set((await cluster.table()).filter(({ master }) => master === one.server.port))];
  await odd.server.call("CLUSTER", "DELSLOTS", slots[0]?.from ?? 0);
  try {
    await eventually(async () => {
      const report = await examine({ host: "127.0.0.1", port: one.server.port, natMap }, { cluster: true });
      const [whole, ...nodes] = findingsOf(report, "cluster");
      expect(whole).toMatchObject({ status: "warn" });
      expect(whole?.evidence).toContain(`${at(odd.server.port)} tells another owner of 1 slot`);
      const [hidden] = nodes.filter(({ status }) => status === "warn");
      expect(hidden).toMatchObject({ code: "CLUSTER_UNREACHABLE" });
      expect(hidden?.meaning).toContain("the other nodes reach it");
    });
  } finally {
    await odd.server.call("CLUSTER", "SETSLOT", slots[0]?.from ?? 0, "NODE", one.id);
    await cluster.whenOk();
  }
});
