import { once } from "node:events";
import { Command } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClosedError, type Redis } from "../../src/index.js";
import { slotOf } from "../../src/ioredis/commands.js";
import { placeOf } from "../../src/routing/lane-plan.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { lanesOpen } from "./core-harness.js";
import { blocked, client, connections } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const KEYS = Array.from({ length: 30 }, (_, n) => `key:${n}`);

/** All its lanes carry commands, and the keys are gone. */
async function warm(redis: Redis): Promise<Redis> {
  await lanesOpen(redis);
  await Promise.all(KEYS.map((key) => redis.del(key)));
  return redis;
}

describe("several lanes (pool.size 4)", () => {
  it("use as many connections, and end them with the client", async () => {
    const redis = await warm(client(server.port, { pool: { size: 4 } }));
    expect(redis.stats().pool?.lanes).toHaveLength(4);
    expect(await connections(server)).toHaveLength(4);
    await redis.quit();
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
  });

  it("serve through the first as long as the others are not there, and keep the order when they come", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, { pool: { size: 4 }, queue: false });
    await once(redis, "ready");
    proxy.silent();
    const grown: Promise<unknown>[] = [];
    for (const key of KEYS) expect(await redis.set(key, "")).toBe("OK");
    expect(redis.health().status).toBe("ready");
    let length = 0;
    const grow = (): void => {
      length++;
      for (const key of KEYS) grown.push(redis.append(key, "x"));
    };
    grow();
    await proxy.pass();
    await eventually(() => {
      grow();
      expect(redis.stats().pool?.lanes?.map(({ status }) => status)).toEqual(Array(4).fill("ready"));
    });
    grow();
    const lengths = Array.from({ length }, (_, at) => KEYS.map(() => at + 1)).flat();
    expect(await Promise.all(grown)).toEqual(lengths);
    await eventually(async () => {
      await Promise.all(KEYS.map((key) => redis.get(key)));
      const busy = (await connections(server)).filter((line) => line.includes("cmd=get"));
      expect(busy).toHaveLength(4);
    });
  });

  it("keep the order of each key without any await", async () => {
    await using redis = await warm(client(server.port, { pool: { size: 4 } }));
    const replies = await Promise.all(
      KEYS.flatMap((key) => [
        redis.set(key, "1"),
        redis.append(key, "2"),
        redis.get(key),
        redis.del(key),
        redis.get(key),
      ]),
    );
    expect(replies).toEqual(KEYS.flatMap(() => ["OK", 2, "12", 1, null]));
  });

  it("keep the order between single keys, multi-key commands, keyless ones, pipelines and MULTI", async () => {
    await using redis = await warm(client(server.port, { pool: { size: 4 } }));
    const values = Object.fromEntries(KEYS.map((key) => [key, "m"]));
    const all = KEYS.map((key) => redis.set(key, "s"));
    const seen = redis.mget(...KEYS);
    const replaced = redis.mset(values);
    const after = KEYS.map((key) => redis.get(key));
    const size = redis.dbsize();
    const pipeline = redis.pipeline();
    for (const key of KEYS) pipeline.append(key, "p");
    const piped = pipeline.exec();
    const single = redis.get(KEYS[7] ?? "");
    const multi = redis.multi();
    for (const key of KEYS) multi.append(key, "x");
    const executed = multi.exec();
    const last = redis.get(KEYS[3] ?? "");
    const flushed = redis.flushdb();
    const gone = redis.get(KEYS[3] ?? "");
    expect(await Promise.all(all)).toEqual(KEYS.map(() => "OK"));
    expect(await seen).toEqual(KEYS.map(() => "s"));
    expect(await replaced).toBe("OK");
    expect(await Promise.all(after)).toEqual(KEYS.map(() => "m"));
    expect(await size).toBe(KEYS.length);
    expect(await piped).toEqual(KEYS.map(() => [null, 2]));
    expect(await single).toBe("mp");
    expect(await executed).toEqual(KEYS.map(() => [null, 3]));
    expect(await last).toBe("mpx");
    expect(await flushed).toBe("OK");
    expect(await gone).toBeNull();
  });

  it("let a multi-key command see all that was issued before it, however busy one lane is", async () => {
    await using redis = await warm(client(server.port, { pool: { size: 4 } }));
    const first = KEYS[0] ?? "";
    const lane = (key: string) => JSON.stringify(placeOf(new Command("get", [key]), 4, slotOf));
    const elsewhere = KEYS.find((key) => lane(key) !== lane(first)) ?? "";
    // It takes the server many reads to have it, while the lane of the first key is idle.
    const large = redis.set(elsewhere, "x".repeat(8_000_000));
    const seen = redis.mget(first, elsewhere);
    const removed = redis.del(first, elsewhere);
    const gone = redis.exists(elsewhere);
    expect((await seen).map((value) => value?.length)).toEqual([undefined, 8_000_000]);
    expect([await large, await removed, await gone]).toEqual(["OK", 1, 0]);
  });

  it("work with automatic pipelining, views with a deadline, transactions and loans", async () => {
    await using redis = await warm(client(server.port, { pool: { size: 4 } }, { enableAutoPipelining: true }));
    expect(await Promise.all(KEYS.map((key) => redis.incr(key)))).toEqual(KEYS.map(() => 1));
    expect(await Promise.all(KEYS.map((key) => redis.withDeadline(1000).incr(key)))).toEqual(KEYS.map(() => 2));
    await redis.transaction(["key:1"], ({ multi }) => void multi.incr("key:1"));
    expect(await redis.withConnection((conn) => conn.get("key:1"))).toBe("3");
  });

  it("refuse SELECT and interactive transactions with advice, sending nothing", async () => {
    await using redis = client(server.port, { pool: { size: 4 } });
    await expect(redis.select(1)).rejects.toThrow(/SELECT was not sent: .*`db` option/);
    await expect(redis.watch("k")).rejects.toThrow(/`transaction`/);
    await expect(redis.wait(1, 10)).rejects.toThrow(/writes of one connection/);
    expect(await redis.get("k")).toBeNull();
  });

  it("let blocking commands move aside, behind what was issued before on any lane", async () => {
    await using redis = await warm(client(server.port, { pool: { size: 4 } }));
    const popped = redis.blpop("list", 0);
    await blocked(server, 1);
    await redis.rpush("list", "v");
    expect(await popped).toEqual(["list", "v"]);
    await redis.rpush("list", "old");
    const removed = redis.del("list");
    expect(await redis.blpop("list", 0.05)).toBeNull();
    expect(await removed).toBe(1);
  });

  it("hear the messages of all channels on the client, sharded ones as well", async () => {
    const channels = KEYS.slice(0, 8);
    for (const enableAutoPipelining of [false, true]) {
      await using redis = client(server.port, { pool: { size: 4 } }, { enableAutoPipelining });
      const heard = new Set<string>();
      redis.on("smessage", (channel: string) => heard.add(channel));
      await Promise.all(channels.map((channel) => redis.ssubscribe(channel)));
      for (const channel of channels) await server.call("SPUBLISH", channel, "m");
      await eventually(() => expect([...heard].sort()).toEqual([...channels].sort()));
    }
  });

  it("keep deadline, signal and room of what waits behind a command that must be alone", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = await warm(client(proxy.port, { pool: { size: 4 }, queue: { maxCommands: 50 } }));
    proxy.blackhole();
    const all = redis.mget(...KEYS).catch((error: unknown) => error);
    const start = performance.now();
    const late = redis.withDeadline(150).get("key:1");
    const controller = new AbortController();
    const aborted = redis.with({ signal: controller.signal }).get("key:2");
    const flood = Promise.allSettled(Array.from({ length: 2000 }, (_, n) => redis.get(`key:${n % 30}`)));
    const batch = redis.pipeline().get("key:1").get("key:2").exec();
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", applied: "no" });
    await expect(late).rejects.toMatchObject({ code: "DEADLINE", applied: "no" });
    expect((await batch)?.map(([error]) => (error as { code?: string } | null)?.code)).toEqual(
      Array.from({ length: 2 }, () => "QUEUE_FULL"),
    );
    // Long before the time of what they wait behind is up.
    expect(performance.now() - start).toBeLessThan(10_000);
    await proxy.pass();
    const refused = (await flood).filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThanOrEqual(1950);
    for (const one of refused) expect((one as PromiseRejectedResult).reason).toMatchObject({ code: "QUEUE_FULL" });
    await all;
    expect(await redis.get("key:1")).toBeNull();
  });

  it("finish on close() what was issued before it, and take nothing after it", async () => {
    const redis = await warm(client(server.port, { pool: { size: 4 } }));
    const issued = [
      redis.mset("key:1", "1", "key:2", "2", "key:3", "3"),
      redis.get("key:2"),
      redis.pipeline().append("key:1", "x").append("key:3", "x").exec(),
    ];
    const closed = redis.close();
    await expect(redis.get("key:1")).rejects.toBeInstanceOf(ClosedError);
    expect(await Promise.all(issued)).toEqual([
      "OK",
      "2",
      [
        [null, 2],
        [null, 2],
      ],
    ]);
    await closed;
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
  });

  it("refuse at once what is issued while close() waits for the rest", async () => {
    await using proxy = await startProxy({ target: server });
    const redis = await warm(client(proxy.port, { pool: { size: 4 } }));
    proxy.blackhole();
    const last = redis.incr("n");
    const closed = redis.close();
    const late = [
      redis.get("k"),
      redis.mget(...KEYS),
      redis.multi().incr("k").incr("k").exec(),
      redis.pipeline().incr("k").incr("k").exec(),
    ];
    const [single, several, multi, pipeline] = await Promise.allSettled(late);
    for (const outcome of [single, several, multi]) {
      expect((outcome as PromiseRejectedResult).reason).toMatchObject({ code: "CLIENT_CLOSED", applied: "no" });
    }
    expect(pipeline).toMatchObject({
      value: [[{ code: "CLIENT_CLOSED", applied: "no" }], [{ code: "CLIENT_CLOSED", applied: "no" }]],
    });
    await proxy.pass();
    expect(await last).toBeGreaterThan(0);
    await closed;
  });

  it("end with the client: nothing waits, nothing connects again", async () => {
    await using proxy = await startProxy({ target: server });
    const redis = await warm(client(proxy.port, { pool: { size: 4 } }));
    proxy.blackhole();
    const issued = Promise.allSettled([redis.mget(...KEYS), ...KEYS.map((key) => redis.get(key))]);
    const quit = redis.quit();
    redis.disconnect();
    const after = Promise.allSettled(KEYS.map((key) => redis.set(key, "late")));
    for (const one of [...(await issued), ...(await after)]) {
      expect((one as PromiseRejectedResult).reason).toBeInstanceOf(ClosedError);
    }
    expect(await quit).toBe("OK");
    const { connections: accepted } = proxy.counters;
    await proxy.pass();
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
    expect(proxy.counters.connections).toBe(accepted);
  });

  it("settle every command through cuts, and no write runs twice", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = await warm(client(proxy.port, { pool: { size: 4 }, breaker: false }));
    let acknowledged = 0;
    let unknown = 0;
    for (let round = 0; round < 20; round++) {
      const settled = Promise.allSettled([
        ...KEYS.map((key) => redis.incr(key)),
        redis.mget(...KEYS),
        ...KEYS.map((key) => redis.incr(key)),
      ]);
      if (round % 2 === 0) proxy.cutAll();
      for (const outcome of await settled) {
        if (outcome.status === "fulfilled" && typeof outcome.value === "number") acknowledged++;
        else if (outcome.status === "rejected" && (outcome.reason as { applied?: string }).applied !== "no") unknown++;
      }
    }
    const sum = (await redis.mget(...KEYS)).reduce((total, value) => total + Number(value), 0);
    expect(sum).toBeGreaterThanOrEqual(acknowledged);
    expect(sum).toBeLessThanOrEqual(acknowledged + unknown);
    expect(acknowledged).toBeGreaterThan(500);
  });
});
