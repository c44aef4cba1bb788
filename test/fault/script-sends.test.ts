/** Commands of `defineCommand` where the server has forgotten their script: nothing changes its place, and nothing leaves its MULTI. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { callsOf, clean, ready } from "./core-harness.js";

const BUMP = "return redis.call('incrby', KEYS[1], ARGV[1])";
const LONG_BUMP = `-- ${"long ".repeat(200)}\n${BUMP}`;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

type Bump = (key: string, by: number) => Promise<number>;
interface Batch {
  bump(key: string, by: number): Batch;
  get(key: string): Batch;
  set(key: string, value: string): Batch;
  exec(): Promise<unknown>;
}

/** A client that has used the script, which the server has then forgotten. */
async function forgotten(lua: string, options: Parameters<typeof ready>[1] = {}): Promise<Redis & { bump: Bump }> {
  const redis = (await ready(server.port, options)) as unknown as Redis & { bump: Bump };
  redis.defineCommand("bump", { numberOfKeys: 1, lua });
  await redis.bump("before", 1);
  await redis.bump("before", 1);
  await forget();
  return redis;
}

async function forget(): Promise<void> {
  await server.call("SCRIPT", "FLUSH");
  await server.call("CONFIG", "RESETSTAT");
}

async function texts(): Promise<{ readonly eval: number; readonly evalsha: number }> {
  const calls = await callsOf(server);
  return { eval: calls["eval"] ?? 0, evalsha: calls["evalsha"] ?? 0 };
}

describe("a short script that the server has forgotten", () => {
  it("keeps its place before what is issued behind it", async () => {
    const redis = await forgotten(BUMP);
    expect(await Promise.all([redis.bump("k", 1), redis.get("k"), redis.set("k", "7"), redis.bump("k", 1)])).toEqual([
      1,
      "1",
      "OK",
      8,
    ]);
  });

  it("runs in the database that was selected when it was issued", async () => {
    const redis = await forgotten(BUMP);
    await Promise.all([redis.bump("k", 1), redis.select(1)]);
    expect(await redis.get("k")).toBeNull();
    await redis.select(0);
    expect(await redis.get("k")).toBe("1");
  });

  it("keeps its place with enableAutoPipelining", async () => {
    const redis = await forgotten(BUMP, { enableAutoPipelining: true });
    expect(await Promise.all([redis.bump("k", 1), redis.bump("k", 1), redis.get("k")])).toEqual([1, 2, "2"]);
  });
});

describe.each([
  ["short", BUMP],
  ["long", LONG_BUMP],
])("a batch with a %s script that the server has forgotten", (_, lua) => {
  it("runs a pipeline in its order", async () => {
    const redis = await forgotten(lua);
    const batch = redis.pipeline() as unknown as Batch;
    expect(await batch.bump("k", 1).get("k").bump("k", 1).exec()).toEqual([
      [null, 1],
      [null, "1"],
      [null, 2],
    ]);
  });

  it("runs a MULTI as a whole", async () => {
    const redis = await forgotten(lua);
    const batch = redis.multi() as unknown as Batch;
    expect(await batch.bump("k", 1).set("z", "1").bump("k", 1).exec()).toEqual([
      [null, 1],
      [null, "OK"],
      [null, 2],
    ]);
  });

  it("runs an interactive MULTI as a whole", async () => {
    const redis = await forgotten(lua);
    await redis.multi({ pipeline: false });
    await redis.bump("k", 1);
    expect(await redis.exec()).toEqual([[null, 1]]);
  });

  it("does not count on a text that a discarded MULTI carried", async () => {
    const redis = await forgotten(lua);
    await server.call("SET", "watched", "1");
    await redis.watch("watched");
    await server.call("SET", "watched", "2");
    expect(await (redis.multi() as unknown as Batch).bump("k", 1).exec()).toBeNull();
    expect(await (redis.multi() as unknown as Batch).bump("k", 1).get("k").exec()).toEqual([
      [null, 1],
      [null, "1"],
    ]);
  });
});

describe("a long script", () => {
  it("is sent once a connection, and then by its digest", async () => {
    const redis = (await ready(server.port)) as unknown as Redis & { bump: Bump };
    redis.defineCommand("bump", { numberOfKeys: 1, lua: LONG_BUMP });
    for (let by = 1; by <= 3; by++) await redis.bump("k", by);
    expect(await texts()).toEqual({ eval: 1, evalsha: 2 });
  });

  it("is sent once a batch", async () => {
    const redis = await forgotten(LONG_BUMP);
    const batch = redis.pipeline() as unknown as Batch;
    await batch.bump("a", 1).bump("b", 1).bump("c", 1).exec();
    expect(await texts()).toEqual({ eval: 1, evalsha: 2 });
  });

  it("is sent anew when the server has forgotten it", async () => {
    const redis = await forgotten(LONG_BUMP);
    expect(await redis.bump("k", 1)).toBe(1);
    expect(await redis.bump("k", 1)).toBe(2);
  });
});
