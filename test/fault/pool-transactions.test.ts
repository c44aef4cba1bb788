import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TransactionConflictError, type Redis, type TransactionScope } from "../../src/index.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { eventually } from "../helpers/eventually.js";
import { client, connections, cutAtRandom } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** Adds one, as an optimistic transaction must: read, then write what depends on it. */
function increment(redis: Redis, key: string, retries?: number) {
  return redis.transaction(
    [key],
    async ({ conn, multi }) => {
      const next = Number(await conn.get(key)) + 1;
      multi.set(key, next);
      return next;
    },
    { retries },
  );
}

describe("transaction", () => {
  it("returns what the function returned and the replies of what it queued", async () => {
    await using redis = client(server.port);
    await redis.set("balance", 10);
    const done = await redis.transaction(["balance"], async ({ conn, multi }) => {
      const left = Number(await conn.get("balance")) - 3;
      multi.set("balance", left).incr("moves");
      return left;
    });
    expect(done).toEqual({ value: 7, results: ["OK", 1], conflicts: 0 });
  });

  it("starts again when a watched key changes, and counts the conflicts", async () => {
    await using redis = client(server.port);
    let interference = 2;
    const done = await redis.transaction(["contested"], async ({ conn, multi }) => {
      const seen = Number(await conn.get("contested"));
      if (interference-- > 0) await server.call("INCRBY", "contested", 100);
      multi.set("contested", seen + 1);
      return seen;
    });
    expect(done).toEqual({ value: 200, results: ["OK"], conflicts: 2 });
    expect(await server.call("GET", "contested")).toBe("201");
  });

  it.each<[string, (scope: TransactionScope) => Promise<unknown>]>([
    ["exec() on its own batch", ({ multi }) => multi.exec()],
    ["UNWATCH", ({ conn }) => conn.unwatch()],
    ["another MULTI … EXEC", ({ conn }) => conn.multi().get("guarded").exec()],
    ["an interactive DISCARD", ({ conn }) => conn.multi({ pipeline: false }).then(() => conn.discard())],
  ])("executes nothing unguarded when its function calls %s", async (_what, end) => {
    await using redis = client(server.port);
    await server.call("SET", "guarded", "theirs");
    const work = redis.transaction(["guarded"], async (scope) => {
      scope.multi.set("guarded", "ours");
      await end(scope);
      return "done";
    });
    await expect(work).rejects.toBeInstanceOf(TypeError);
    expect(await server.call("GET", "guarded")).toBe("theirs");
    expect(await redis.withConnection((conn) => conn.set("free", "1"))).toBe("OK");
    expect(redis.stats().pool).toMatchObject({ created: 1, destroyed: {} });
  });

  it("gives up after its retries, and nothing of it was executed", async () => {
    await using redis = client(server.port);
    const work = redis.transaction(
      ["hot"],
      async ({ multi }) => {
        await server.call("INCR", "hot");
        multi.set("hot", "ours");
      },
      { retries: 2 },
    );
    const error: unknown = await work.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TransactionConflictError);
    expect(error).toMatchObject({
      code: "EXEC_ABORTED",
      conflicts: 3,
      applied: "no",
      endpoint: redis.stats().endpoint,
    });
    expect(await server.call("GET", "hot")).toBe("3");
  });

  it("tells conflicts from lost connections when it gives up", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, { breaker: false, reconnect: { minTimeout: 1, maxTimeout: 10 } });
    const work = redis.transaction(
      ["cut"],
      async ({ conn, multi }) => {
        multi.set("cut", "ours");
        proxy.cutAll();
        await eventually(() => expect(conn.status).not.toBe("ready"));
      },
      { retries: 1 },
    );
    const error: unknown = await work.catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "EXEC_ABORTED", conflicts: 0, applied: "no", attempts: 2 });
    expect(String(error)).toMatch(/given up after 2 attempts .*: 2 times the connection was lost/);
    expect(String(error)).not.toContain("watched key changed");
    expect(await server.call("EXISTS", "cut")).toBe(0);
  });

  it("executes nothing and lets the keys go when nothing was queued, or the function throws", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    expect(await redis.transaction(["idle"], () => "nothing to do")).toEqual({
      value: "nothing to do",
      results: [],
      conflicts: 0,
    });
    await expect(redis.transaction(["idle"], () => Promise.reject(new Error("not enough")))).rejects.toThrow(
      "not enough",
    );
    await server.call("SET", "idle", "changed");
    expect(await redis.withConnection((conn) => conn.multi().get("idle").exec())).toEqual([[null, "changed"]]);
    expect(redis.stats().pool?.created).toBe(1);
  });

  it("rejects with the server's own error when a queued command fails", async () => {
    await using redis = client(server.port);
    await server.call("RPUSH", "list", "x");
    await expect(redis.transaction(["list"], ({ multi }) => void multi.incr("list"))).rejects.toThrow(/^WRONGTYPE/);
  });

  it("stops at the signal, also between two attempts", async () => {
    await using redis = client(server.port);
    const controller = new AbortController();
    let attempts = 0;
    const work = redis.transaction(
      ["stop"],
      async ({ multi }) => {
        await server.call("INCR", "stop");
        if (++attempts === 3) controller.abort();
        multi.set("stop", "ours");
      },
      { signal: controller.signal, retries: 100 },
    );
    await expect(work).rejects.toThrow(/abort/i);
    expect(attempts).toBe(3);
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
  });

  it("never counts twice and loses nothing: 50 loops over 4 connections that are cut at random", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, {
      pool: { max: 4, acquireTimeout: 20_000 },
      breaker: false,
      reconnect: { minTimeout: 1, maxTimeout: 10 },
    });
    let succeeded = 0;
    let unknown = 0;
    let refused = 0;
    let running = 50;
    const loop = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        try {
          await increment(redis, "counter", 50);
          succeeded++;
        } catch (error) {
          if ((error as { applied?: string }).applied === "no") refused++;
          else unknown++;
        }
      }
      running--;
    };
    const cuts = cutAtRandom(proxy, 60, 200, () => running > 0);
    await Promise.all([...Array.from({ length: 50 }, loop), cuts]);
    const counted = Number(await server.call("GET", "counter"));
    expect(succeeded + unknown + refused).toBe(500);
    // An EXEC whose reply was cut off may or may not have counted; every success has, once.
    expect(counted).toBeGreaterThanOrEqual(succeeded);
    expect(counted).toBeLessThanOrEqual(succeeded + unknown);
    expect(succeeded).toBeGreaterThan(100);
    expect(redis.stats().pool).toMatchObject({ leased: 0, waiting: 0, dialing: 0 });
    await redis.close();
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
  });
});

describe("1,000 loans under faults", () => {
  it("all end, and the queue is served in order", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, {
      pool: { max: 8, acquireTimeout: 20_000, idleTimeout: 500 },
      breaker: false,
      reconnect: { minTimeout: 1, maxTimeout: 10 },
    });
    const started: number[] = [];
    let isWorking = true;
    const cuts = cutAtRandom(proxy, 100, 300, () => isWorking);
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        redis
          .withConnection(async (conn) => {
            started.push(n);
            if (n % 3 === 0) await conn.watch("k");
            if (n % 5 === 0) await conn.select(n % 7);
            if (n % 50 === 0) await conn.subscribe("news");
            else if (n % 7 === 0) throw new Error("mine");
            else await conn.get("k");
          })
          .then(
            () => "ok",
            (error: unknown) => ((error as Error).message === "mine" ? "mine" : "failed"),
          ),
      ),
    );
    isWorking = false;
    await cuts;
    expect(outcomes).toHaveLength(1000);
    expect(outcomes.filter((outcome) => outcome === "ok").length).toBeGreaterThan(600);
    // Served in order, until a function gives its turn away by failing before it starts.
    expect(started).toEqual(started.toSorted((a, b) => a - b));
    await eventually(() => expect(redis.stats().pool).toMatchObject({ leased: 0, waiting: 0, dialing: 0 }));
    await eventually(async () => expect((await connections(server)).length).toBeLessThanOrEqual(1 + 1));
  });
});
