/** A cluster behind TLS whose users may do little, as the environment or the code tells a client of it. On a real cluster. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, type RedisCluster } from "../../lab/redis-cluster.mjs";
import { diagnosisOf } from "../../src/failure/attach.js";
import { Cluster, createCluster, createRedis, Redis } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { createLogSink } from "../helpers/log-sink.js";
import { makeCertificates, type Certificates } from "../helpers/tls.js";
import { atEnd, ignore, outcomeOf } from "./core-harness.js";

const PASSWORD = "hush-hush-9";
/** Keys in slots of all masters. */
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"].map((key) => `app:${key}`);

let certificates: Certificates;
let cluster: RedisCluster;
beforeAll(async () => {
  certificates = await makeCertificates();
  cluster = await startCluster({
    replicas: 0,
    server: {
      tls: certificates.valid,
      acl: ["user default off", `user app on >${PASSWORD} ~app:* &app:* +@all -@dangerous`],
    },
  });
});
afterAll(async () => {
  await cluster.stop();
  await certificates.remove();
});

/** Start nodes by name: that is what their certificates are for. */
const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  REDIS_CLUSTER_NODES: cluster.startNodes.map(({ port }) => `localhost:${String(port)}`).join(","),
  REDIS_USERNAME: "app",
  REDIS_PASSWORD: PASSWORD,
  REDIS_TLS_CA_FILE: certificates.ca,
  ...more,
});

function kept<T extends Cluster | Redis>(client: T): T {
  client.on("error", ignore);
  atEnd(() => client.disconnect());
  return client;
}

async function works(client: Cluster): Promise<void> {
  for (const key of KEYS) expect(await client.set(key, key)).toBe("OK");
  expect((await client.pipeline(KEYS.map((key) => ["get", key])).exec())?.map(([, value]) => value)).toEqual(KEYS);
  const refused = await outcomeOf(client.set("other", 1));
  expect(diagnosisOf(refused.error)).toMatchObject({ code: "PERMISSION_DENIED", applied: "no" });
  const heard = new Promise((resolve) => client.once("message", (_channel, message) => resolve(message)));
  await client.subscribe("app:news");
  await eventually(async () => {
    await client.publish("app:news", "hello");
    expect(await Promise.race([heard, Promise.resolve("not yet")])).toBe("hello");
  });
}

describe("a Cluster from the environment", () => {
  it("has its nodes, login, TLS, policy and prefix from there, and so have its duplicates", async () => {
    const log = createLogSink();
    const env = environment({ REDIS_LAZY_CONNECT: "on", IOREDOUBT_DEADLINE: "9s" });
    const client = kept(createCluster.fromEnv(env, { resilience: { logger: log } }));
    expect([client.status, client.policy.deadline]).toEqual(["wait", 9_000]);
    await works(client);
    expect(kept(client.duplicate()).policy).toEqual(client.policy);
    expect(log.text()).not.toContain(PASSWORD);
  });

  it("is what `createRedis.fromEnv` makes where the caller takes either", async () => {
    const prefixed = Object.fromEntries(Object.entries(environment()).map(([name, value]) => [`JOBS_${name}`, value]));
    const given = { prefix: "JOBS", cluster: { keyPrefix: "app:" }, resilience: { logger: createLogSink() } } as const;
    const client = kept(createRedis.fromEnv(prefixed, given));
    expect(client).toBeInstanceOf(Cluster);
    expect(await client.set("either", 1)).toBe("OK");
    const one = kept(createRedis.fromEnv({ JOBS_REDIS_HOST: "h", JOBS_REDIS_LAZY_CONNECT: "on" }, given));
    expect(one).toBeInstanceOf(Redis);
  });

  it("is plain ioredis while this package is off", async () => {
    const env = environment({ IOREDOUBT_OFF: "1", IOREDOUBT_DEADLINE: "nonsense" });
    const client = kept(createCluster.fromEnv(env, { redis: { enableReadyCheck: false } }));
    expect(client.policy.profile).toBe("off");
    expect(await client.set("app:off", 1)).toBe("OK");
  });
});

describe("a Cluster whose options name it", () => {
  it.each([2, 3])("works over RESP%i", async (protocol) => {
    const client = new Cluster(cluster.startNodes, {
      redisOptions: {
        username: "app",
        password: PASSWORD,
        tls: { ca: certificates.caPem },
        ...({ protocol } as object),
      },
      resilience: { logger: createLogSink() },
    });
    await works(kept(client));
  });

  it("says what is wrong with a login, and never the login", async () => {
    const log = createLogSink();
    const env = environment({ REDIS_PASSWORD: "wrong-wrong-3" });
    const client = kept(createCluster.fromEnv(env, { resilience: { deadline: 1_000, logger: log } }));
    const { error } = await outcomeOf(client.get("app:a"));
    expect(error).toMatchObject({ applied: "no" });
    expect(client.health()).toMatchObject({ status: "down", code: "AUTH_WRONG" });
    expect(await client.startup({ within: 20_000 })).toMatchObject({ ready: false });
    expect(log.text() + String(error)).not.toContain("wrong-wrong-3");
  });
});
