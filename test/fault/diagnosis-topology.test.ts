/** Real cluster nodes in the states in which they send clients elsewhere, and Sentinels that are not there. */
import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { expectDiagnosis, failureOf, plainRedis } from "./diagnosis-harness.js";

const NODE = ["cluster-enabled yes", "cluster-node-timeout 2000", "cluster-require-full-coverage no"];
/** Nodes get to know each other by gossip, once a second. */
const LIMIT = { withinMs: 20_000 };
const DOWN = { applied: "no", retryable: true, breaker: "read-write" } as const;
const CALLER = { applied: "no", retryable: false, breaker: "none" } as const;

describe("diagnosis of a cluster", () => {
  let left: RedisServer;
  let right: RedisServer;

  beforeAll(async () => {
    [left, right] = await Promise.all([startRedis({ config: NODE }), startRedis({ config: NODE })]);
    await left.call("cluster", "addslotsrange", 0, 8191);
    await right.call("cluster", "addslotsrange", 8192, 16382);
    await right.call("cluster", "set-config-epoch", 2);
    await left.call("cluster", "meet", "127.0.0.1", right.port);
    await eventually(async () => {
      for (const node of [left, right])
        expect(await node.cli("cluster", "info")).toMatch(/cluster_slots_assigned:16383[\s\S]*cluster_size:2/);
      for (const node of [left, right]) expect(await node.cli("cluster", "info")).toContain("cluster_state:ok");
    }, LIMIT);
  });

  afterAll(async () => {
    await Promise.all([left.stop(), right.stop()]);
  });

  it("CLUSTER_DOWN: a slot that nobody serves", async () => {
    const redis = plainRedis({ port: left.port });
    // Slot 16383 was left out.
    const error = await failureOf(redis.get(await keyInSlot(left, 16_383)));
    redis.disconnect();
    expectDiagnosis(error, { written: true }, "CLUSTER_DOWN", DOWN);
  });

  it("MOVED: a plain client asks the wrong node", async () => {
    const redis = plainRedis({ port: left.port });
    const error = await failureOf(redis.incr(await keyInSlot(left, 9000)));
    redis.disconnect();
    const { why } = expectDiagnosis(error, { written: true }, "MOVED", CALLER);
    expect(why[0]).toContain("new Cluster(");
  });

  it("CROSS_SLOT: keys without a common slot", async () => {
    const redis = plainRedis({ port: left.port });
    const error = await failureOf(redis.mget("a", "b"));
    redis.disconnect();
    expectDiagnosis(error, { written: true }, "CROSS_SLOT", CALLER);
  });

  it("ASK: a key of a slot that moves, which has gone ahead", async () => {
    await migrating(100, async (redis) => {
      expectDiagnosis(await failureOf(redis.get(await keyInSlot(left, 100))), { written: true }, "ASK", CALLER);
    });
  });

  it("TRY_AGAIN: keys of a slot that moves, split between two nodes", async () => {
    const [here, gone] = await keysInSlot(left, 101, 2);
    await left.call("set", here ?? "", "v");
    await migrating(101, async (redis) => {
      const error = await failureOf(redis.mget(here ?? "", gone ?? ""));
      expectDiagnosis(error, { written: true }, "TRY_AGAIN", { applied: "no", retryable: true, breaker: "none" });
    });
  });

  it("CLUSTER_UNREACHABLE: no startup node answers", async () => {
    const cluster = new Cluster([{ port: await freePort() }, { port: await freePort() }], {
      clusterRetryStrategy: () => null,
      lazyConnect: true,
    });
    cluster.on("error", () => undefined);
    const error = await failureOf(cluster.connect());
    cluster.disconnect();
    expectDiagnosis(error, {}, "CLUSTER_UNREACHABLE", DOWN);
  });

  it("CLUSTER_DISABLED: a cluster client at a standalone server", async () => {
    await using single = await startRedis();
    const error = await clusterFailure(single.port, {});
    expectDiagnosis(error, {}, "CLUSTER_DISABLED", CALLER);
  });

  it("AUTH_REQUIRED: a cluster that wants a password is named as such, not as unreachable", async () => {
    await using guarded = await startRedis({ config: NODE, password: "right" });
    expectDiagnosis(await clusterFailure(guarded.port, {}), {}, "AUTH_REQUIRED", CALLER);
  });

  /** Runs with this slot on its way from left to right. */
  async function migrating(slot: number, body: (redis: ReturnType<typeof plainRedis>) => Promise<void>): Promise<void> {
    const target = await right.cli("cluster", "myid");
    await left.call("cluster", "setslot", slot, "migrating", target);
    const redis = plainRedis({ port: left.port });
    try {
      await body(redis);
    } finally {
      redis.disconnect();
      await left.call("cluster", "setslot", slot, "stable");
    }
  }
});

describe("diagnosis of Sentinel", () => {
  it("SENTINELS_UNREACHABLE: no Sentinel answers", async () => {
    const redis = plainRedis({
      sentinels: [{ host: "127.0.0.1", port: await freePort() }],
      name: "mymaster",
      sentinelRetryStrategy: () => null,
    });
    const endpoint = { sentinelName: "mymaster", sentinels: ["127.0.0.1:26379"] };
    const error = await failureOf(redis.connect());
    redis.disconnect();
    const { next } = expectDiagnosis(error, { endpoint }, "SENTINELS_UNREACHABLE", DOWN);
    expect(next[0]?.run).toBe("redis-cli -h 127.0.0.1 -p 26379 sentinel get-master-addr-by-name mymaster");
  });
});

async function clusterFailure(port: number, redisOptions: object): Promise<unknown> {
  const cluster = new Cluster([{ host: "127.0.0.1", port }], {
    clusterRetryStrategy: () => null,
    lazyConnect: true,
    redisOptions,
  });
  const failed = new Promise<unknown>((resolve) => cluster.on("error", resolve));
  void failureOf(cluster.connect());
  const error = await failed;
  cluster.disconnect();
  return error;
}

async function keyInSlot(server: RedisServer, slot: number): Promise<string> {
  const [key = ""] = await keysInSlot(server, slot, 1);
  return key;
}

/** Hash tags are tried until one falls into the slot; keys share it. */
async function keysInSlot(server: RedisServer, slot: number, count: number): Promise<string[]> {
  for (let tag = 0; ; tag++) {
    if (slotOf(String(tag)) !== slot) continue;
    expect(await server.call("cluster", "keyslot", `{${tag}}`)).toBe(slot);
    return Array.from({ length: count }, (_, i) => `{${tag}}:${i}`);
  }
}

/** CRC16 (XMODEM) modulo the number of slots. */
function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % 16_384;
}
