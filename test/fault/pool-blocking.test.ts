import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClosedError, PoolTimeoutError, type Redis } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { blocked, client, connections } from "./pool-harness.js";

let server: RedisServer;
let key: string;
let keys = 0;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

function fresh(): string {
  return (key = `key-${++keys}`);
}

/** A client that has done ordinary work before, so its blocking commands move aside at once. */
async function busy(port: number, ...rest: Parameters<typeof client> extends [number, ...infer R] ? R : never) {
  const redis = client(port, ...rest);
  for (let n = 0; n < 12; n++) await redis.ping();
  return redis;
}

const BLOCKING: readonly [string, (redis: Redis, key: string) => Promise<unknown>, string[], unknown][] = [
  ["BLPOP", (redis, k) => redis.blpop(k, 0), ["RPUSH", "v"], (k: string) => [k, "v"]],
  ["BRPOP", (redis, k) => redis.brpop(k, 0), ["RPUSH", "v"], (k: string) => [k, "v"]],
  ["BLMOVE", (redis, k) => redis.blmove(k, `${k}:to`, "LEFT", "RIGHT", 0), ["RPUSH", "v"], () => "v"],
  ["BRPOPLPUSH", (redis, k) => redis.brpoplpush(k, `${k}:to`, 0), ["RPUSH", "v"], () => "v"],
  ["BLMPOP", (redis, k) => redis.blmpop(0, 1, k, "LEFT"), ["RPUSH", "v"], (k: string) => [k, ["v"]]],
  ["BZPOPMIN", (redis, k) => redis.bzpopmin(k, 0), ["ZADD", "1", "v"], (k: string) => [k, "v", "1"]],
  ["BZPOPMAX", (redis, k) => redis.bzpopmax(k, 0), ["ZADD", "1", "v"], (k: string) => [k, "v", "1"]],
  [
    "XREAD BLOCK",
    (redis, k) => redis.xread("BLOCK", 0, "STREAMS", k, "0"),
    ["XADD", "1-1", "f", "v"],
    (k: string) => [[k, [["1-1", ["f", "v"]]]]],
  ],
  ["call('blpop')", (redis, k) => redis.call("blpop", k, 0), ["RPUSH", "v"], (k: string) => [k, "v"]],
];

describe.each([
  ["of a client that also does ordinary work", busy],
  ["of a client that has only just started", (port: number) => Promise.resolve(client(port))],
])("a blocking command %s", (_title, make) => {
  it.each(BLOCKING)(
    "%s holds nothing up, and a push on the same client wakes it",
    async (_name, block, push, reply) => {
      await using redis = await make(server.port);
      const k = fresh();
      const popped = block(redis, k);
      await blocked(server, 1);
      // A block without end would hold it up for ever.
      expect(await redis.echo("through")).toBe("through");
      const [command = "", ...args] = push;
      await redis.call(command, k, ...args);
      expect(await popped).toEqual((reply as (k: string) => unknown)(k));
    },
  );

  it("returns null at the end of its time", async () => {
    await using redis = await make(server.port);
    const start = performance.now();
    const popped = redis.blpop(fresh(), 0.3);
    await redis.ping();
    expect(await popped).toBeNull();
    expect(performance.now() - start).toBeGreaterThan(290);
  });

  it.each<[string, (redis: Redis) => unknown]>([
    ["disconnect()", (redis) => redis.disconnect()],
    ["quit()", (redis) => redis.quit()],
    ["close()", (redis) => redis.close()],
  ])("ends at once on %s, and its connection with it", async (_name, end) => {
    const redis = await make(server.port);
    const popped = redis.blpop(fresh(), 0).catch((error: unknown) => error);
    await blocked(server, 1);
    const start = performance.now();
    await end(redis);
    const error = await popped;
    // Less than `close()` would wait for what can end.
    expect(performance.now() - start).toBeLessThan(4000);
    expect(error).toBeInstanceOf(ClosedError);
    expect(error).toMatchObject({ message: "Connection is closed." });
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
  });
});

describe("blocking commands", () => {
  it("of a client that only blocks use its one connection, whatever it asked when it started", async () => {
    await using worker = client(server.port);
    await worker.info();
    await worker.client("SETNAME", "worker");
    for (let n = 0; n < 5; n++) {
      const popped = worker.blpop(fresh(), 0);
      await blocked(server, 1);
      await server.call("RPUSH", key, String(n));
      expect(await popped).toEqual([key, String(n)]);
    }
    expect(worker.stats().pool?.blocking.created).toBe(0);
    expect(await connections(server)).toHaveLength(1);
  });

  it("move for good once ordinary work has come in between", async () => {
    await using redis = client(server.port);
    const popped = redis.blpop(fresh(), 0);
    await blocked(server, 1);
    await redis.rpush(key, "v");
    await popped;
    const again = redis.blpop(fresh(), 0);
    await blocked(server, 1);
    expect(redis.stats().pool?.blocking).toMatchObject({ leased: 1, created: 1 });
    await redis.rpush(key, "v");
    expect(await again).toEqual([key, "v"]);
  });

  it("stay behind what was issued before them", async () => {
    await using redis = await busy(server.port);
    // A connection for it is there already, so that nothing but order holds it back.
    expect(await redis.blpop(fresh(), 0.01)).toBeNull();
    await redis.rpush(fresh(), "old");
    // It takes the server many reads, and the removal is behind it.
    const large = redis.set("large", "x".repeat(8_000_000));
    const removed = redis.del(key);
    const popped = redis.blpop(key, 0.05);
    expect(await removed).toBe(1);
    expect(await popped).toBeNull();
    expect(await large).toBe("OK");
  });

  it("run on the database that the client is on", async () => {
    await using redis = await busy(server.port);
    await redis.select(4);
    const popped = redis.blpop(fresh(), 0);
    await blocked(server, 1);
    await redis.rpush(key, "in four");
    expect(await popped).toEqual([key, "in four"]);
  });

  it("stay in their pipeline and their MULTI", async () => {
    await using redis = await busy(server.port);
    const k = fresh();
    expect(await redis.pipeline().rpush(k, "a").blpop(k, 0).exec()).toEqual([
      [null, 1],
      [null, [k, "a"]],
    ]);
    expect(await redis.multi().rpush(k, "b").blpop(k, 0).exec()).toEqual([
      [null, 1],
      [null, [k, "b"]],
    ]);
    await redis.multi({ pipeline: false });
    expect(await redis.blpop(k, 0)).toBe("QUEUED");
    expect(await redis.exec()).toEqual([[null, null]]);
    expect(redis.stats().pool?.blocking.created).toBe(0);
  });

  it("XREAD without BLOCK and WAIT do not move", async () => {
    await using redis = await busy(server.port);
    expect(await redis.xread("STREAMS", fresh(), "0")).toBeNull();
    expect(await redis.wait(0, 10)).toBe(0);
    expect(redis.stats().pool?.blocking.created).toBe(0);
  });

  it("stay on the shared connection with pool.blocking 0", async () => {
    await using redis = await busy(server.port, { pool: { blocking: 0 } });
    const popped = redis.blpop(fresh(), 0.2);
    const start = performance.now();
    await redis.ping();
    expect(performance.now() - start).toBeGreaterThan(190);
    expect(await popped).toBeNull();
    expect(redis.stats().pool?.blocking.created).toBe(0);
  });

  it("beyond the limit are refused with the names of those that block", async () => {
    await using redis = await busy(server.port, { pool: { blocking: 2, acquireTimeout: 2500 } });
    const holding = [redis.blpop(fresh(), 0), redis.bzpopmin(fresh(), 0)].map((p) => p.catch(() => undefined));
    await blocked(server, 2);
    const error: unknown = await redis.blpop(fresh(), 0).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PoolTimeoutError);
    expect((error as PoolTimeoutError).pool.holders.map(({ by }) => by).toSorted()).toEqual(["BLPOP", "BZPOPMIN"]);
    redis.disconnect();
    await Promise.all(holding);
  });

  it("keep callbacks, Buffers and views with their own limits", async () => {
    await using redis = await busy(server.port);
    const viaCallback = new Promise((resolve) => {
      void redis.blpop(fresh(), 0, (error, reply) => resolve(error ?? reply));
    });
    await redis.rpush(key, "v");
    expect(await viaCallback).toEqual([key, "v"]);
    const binary = redis.blpopBuffer(fresh(), 0);
    await redis.rpush(key, "v");
    expect(await binary).toEqual([Buffer.from(key), Buffer.from("v")]);
    const controller = new AbortController();
    const aborted = redis.with({ signal: controller.signal }).blpop(fresh(), 0);
    await blocked(server, 1);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", applied: "maybe" });
    await blocked(server, 0);
  });

  it("that are interrupted by disconnect(true) end, and the client goes on", async () => {
    await using redis = await busy(server.port);
    const popped = redis.blpop(fresh(), 0).catch((error: unknown) => error);
    await blocked(server, 1);
    redis.disconnect(true);
    expect(await popped).toBeInstanceOf(ClosedError);
    const again = redis.blpop(key, 0);
    await redis.rpush(key, "v");
    expect(await again).toEqual([key, "v"]);
  });

  it.each([
    [
      "after a reply that made no sense",
      async (redis: Redis, proxy: FaultProxy) => {
        const done = proxy.garbage("HTTP/1.1 400 Bad Request\r\n");
        await expect(redis.incr(fresh())).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
        await done;
      },
    ],
    [
      "because of reconnectOnError",
      async (redis: Redis) => {
        await expect(redis.call("nonsense")).rejects.toThrow("unknown command");
      },
    ],
  ])("go on when the client's own connection is replaced %s", async (_title, replace) => {
    await using proxy = await startProxy({ target: server });
    const options = { protocol: 2, reconnectOnError: (error: Error) => error.message.includes("unknown command") };
    await using redis = await busy(proxy.port, {}, options as never);
    const k = fresh();
    const popped = redis.blpop(k, 0);
    await blocked(server, 1);
    const closed = new Promise((resolve) => redis.once("close", resolve));
    await replace(redis, proxy);
    await closed;
    await redis.rpush(k, "v");
    expect(await popped).toEqual([k, "v"]);
  });

  it("issued while the server is away wait for it like any other command", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = await busy(proxy.port, { breaker: false, deadline: 10_000 });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.health().status).toBe("down"));
    const popped = redis.blpop(fresh(), 0);
    await proxy.pass();
    await blocked(server, 1);
    await redis.rpush(key, "v");
    expect(await popped).toEqual([key, "v"]);
    expect(redis.stats().pool?.blocking.created).toBe(1);
  });

  it("that got no connection in time because the server went away wait here, and are not counted as failed", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = await busy(proxy.port, { pool: { acquireTimeout: 1_000 } });
    proxy.silent();
    const popped = redis.blpop(fresh(), 0);
    await eventually(() => expect(redis.stats().pool?.blocking.dialing).toBe(1));
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.stats().waiting.commands).toBe(1));
    await proxy.pass();
    await server.call("RPUSH", key, "v");
    expect(await popped).toEqual([key, "v"]);
    expect(redis.stats()).toMatchObject({ failed: 0, codes: {} });
  });

  it("whose connection is cut report that the outcome is unknown", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = await busy(proxy.port);
    const popped = redis.blpop(fresh(), 0).catch((error: unknown) => error);
    await blocked(server, 1);
    proxy.cutAll();
    expect(await popped).toMatchObject({ code: "OUTCOME_UNKNOWN", applied: "maybe" });
  });

  it("wait behind nothing when the server does not allow CLIENT UNBLOCK: they move from the start", async () => {
    await using strict = await startRedis({ acl: ["user default on nopass ~* &* +@all -client|unblock"] });
    await using redis = client(strict.port);
    const popped = redis.blpop(fresh(), 0);
    await blocked(strict, 1);
    await redis.rpush(key, "v");
    expect(await popped).toEqual([key, "v"]);
    expect(redis.stats().pool?.blocking.created).toBe(1);
  });

  it.each([
    ["of a client that has only just started", 0],
    ["of a client that also does ordinary work", 12],
  ])("XREAD from $ %s sees what is added after it", async (_title, pings) => {
    await using redis = client(server.port);
    for (let n = 0; n < pings; n++) await redis.ping();
    await redis.xadd(fresh(), "1-1", "f", "old");
    const read = redis.xread("COUNT", 5, "BLOCK", 0, "STREAMS", fresh(), `key-${keys - 1}`, "$", "$");
    const added = redis.xadd(`key-${keys - 1}`, "2-1", "f", "new");
    expect(await read).toEqual([[`key-${keys - 1}`, [["2-1", ["f", "new"]]]]]);
    expect(await added).toBe("2-1");
  });

  it("XREAD from $ of what is no stream fails as the server says", async () => {
    await using redis = await busy(server.port);
    await redis.set(fresh(), "no stream");
    await expect(redis.xread("BLOCK", 10, "STREAMS", key, "$")).rejects.toThrow(/^WRONGTYPE/);
  });

  it("that are aborted on the client's own connection take no waiting command with it", async () => {
    for (let round = 0; round < 5; round++) {
      await using redis = client(server.port);
      const controller = new AbortController();
      const popped = redis.with({ signal: controller.signal }).blpop(fresh(), 0);
      await blocked(server, 1);
      const counted = redis.incr("counted");
      controller.abort();
      await expect(popped).rejects.toMatchObject({ code: "ABORTED" });
      expect(await counted).toBe(round + 1);
      expect(redis.stats().pool?.blocking.created).toBeLessThanOrEqual(1);
    }
  });

  it("go on when the block ends early although the server's answer to that never came", async () => {
    await using strict = await startRedis({ acl: ["user default on nopass ~* &* +@all"] });
    await using redis = client(strict.port, { deadline: 10_000 });
    const popped = redis.blpop(fresh(), 0);
    await blocked(strict, 1);
    const id = /id=(\d+) .*cmd=blpop/.exec(await strict.cli("CLIENT", "LIST"))?.[1] ?? "";
    await strict.call("ACL", "SETUSER", "default", "-client|unblock");
    const pinged = redis.ping();
    await eventually(() => expect(redis.stats().pool?.blocking.destroyed).toEqual({ unblock: 1 }));
    await strict.call("CLIENT", "UNBLOCK", id);
    expect(await pinged).toBe("PONG");
    await blocked(strict, 1);
    await strict.call("RPUSH", key, "v");
    expect(await popped).toEqual([key, "v"]);
  });

  it("lose no element when they move while elements arrive", async () => {
    for (let round = 0; round < 30; round++) {
      await using redis = client(server.port);
      const k = fresh();
      const popped = redis.blpop(k, 0);
      await blocked(server, 1);
      // The element, the ordinary command and the end of the block meet in any order.
      const [, , got] = await Promise.all([server.call("RPUSH", k, "only"), redis.ping(), popped]);
      expect(got).toEqual([k, "only"]);
      expect(await server.call("EXISTS", k)).toBe(0);
    }
  });
});
