/** Credentials that change, of all nodes of a cluster. `npm run test:more` rotates for a minute. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RedisCluster } from "../../lab/redis-cluster.mjs";
import type { Credentials, CredentialsRequest } from "../../src/credentials/provider.js";
import { Cluster } from "../../src/cluster.js";
import { clientOf } from "./cluster-harness.js";
import { ignore } from "./core-harness.js";
import { expectGentleCluster, rotateCluster, startLockedCluster } from "./cluster-rotation.js";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startLockedCluster();
});
afterAll(async () => cluster.stop());

it("are asked for by the address of each node, start nodes too, and once more where one refuses", async () => {
  const asked: CredentialsRequest[] = [];
  const known = new Set<number | undefined>();
  const client = clientOf(cluster, {
    redisOptions: {
      credentials: (request) => {
        asked.push(request);
        const isFirst = !known.has(request.endpoint.port);
        known.add(request.endpoint.port);
        return { username: "app", password: isFirst ? "old" : "p0", expiresAt: Date.now() + 600_000 };
      },
    },
  });
  await Promise.all(Array.from({ length: 50 }, (_, i) => client.set(`k${i}`, "1")));
  expect(await client.call("ACL", "WHOAMI")).toBe("app");
  const ports = cluster.nodes.map(({ server }) => server.port);
  for (const { endpoint } of asked) {
    expect(endpoint).toEqual({ host: "127.0.0.1", port: endpoint.port, isSentinel: false });
    expect(ports).toContain(endpoint.port);
    const reasons = asked.filter((one) => one.endpoint.port === endpoint.port).map(({ reason }) => reason);
    // One that was prepared for and not asked knows the first only.
    expect(["connect,rejected", "connect"]).toContain(reasons.join());
  }
  const masters = new Set((await cluster.table()).map(({ master }) => master));
  expect(asked.filter(({ reason, endpoint }) => reason === "rejected" && masters.has(endpoint.port ?? 0))).toHaveLength(3); // prettier-ignore
  expect(client.log.at("fatal")).toEqual([]);
  const twins = [client.duplicate(), client.duplicate([], { redisOptions: { username: "repl", password: "repl" } })];
  const users = await Promise.all(twins.map((twin) => twin.call("ACL", "WHOAMI")));
  for (const twin of twins) twin.disconnect();
  expect(users).toEqual(["app", "repl"]);
});

it("that one client is not given keep no other client away", async () => {
  const resilience = { logger: false } as const;
  const sealed = (): never => {
    throw new Error("the vault is sealed");
  };
  const kept = clientOf(cluster, { redisOptions: { credentials: sealed }, resilience });
  const waiting = kept.ping().catch(ignore);
  const credentials = (): Credentials => ({ username: "app", password: "p0" });
  const other = clientOf(cluster, { redisOptions: { credentials }, resilience });
  expect(await other.ping()).toBe("PONG");
  kept.disconnect();
  await waiting;
});

it("stand among the options of the nodes", () => {
  const wrong = { credentials: () => ({ password: "p0" }), lazyConnect: true };
  expect(() => new Cluster([7000], wrong)).toThrow(/^credentials: is an option of the nodes/);
});

it("fail no command but those in flight at a cut, end no connection, and reach each of them", async () => {
  expectGentleCluster(await rotateCluster(cluster, 5));
});
