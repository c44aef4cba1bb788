/** A SELECT that was never sent changes nothing: neither the next connection nor what is issued later is in its database. */
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { client, expectError, outcomeOf, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => server.call("FLUSHALL"));

/** The databases that hold a key. */
async function databasesOf(key: string): Promise<readonly number[]> {
  const redis = client(server.port);
  const found: number[] = [];
  for (const database of [0, 1, 2]) {
    await redis.select(database);
    if ((await redis.exists(key)) === 1) found.push(database);
  }
  return found;
}

describe("in the turn in which the connection is given up", () => {
  it("without a queue, a refused SELECT leaves later writes where they were", async () => {
    const redis = await ready(server.port, { resilience: { queue: false } });
    const again = once(redis, "ready");
    redis.disconnect(true);
    expectError(await outcomeOf(redis.select(1)), "UnavailableError", "no");
    await again;
    await redis.set("k", "v");
    expect(await databasesOf("k")).toEqual([0]);
  });

  it("the one confirmed before stays", async () => {
    const redis = await ready(server.port, { resilience: { queue: false } });
    await redis.select(2);
    const again = once(redis, "ready");
    redis.disconnect(true);
    const [[error] = []] = (await redis.pipeline().select(1).exec()) ?? [];
    expect(error).toMatchObject({ name: "UnavailableError", applied: "no" });
    await again;
    await redis.set("k", "v");
    expect(await databasesOf("k")).toEqual([2]);
  });

  it("with a queue, what was issued before it and after it goes where it belongs", async () => {
    const redis = await ready(server.port);
    redis.disconnect(true);
    await Promise.all([redis.set("before", "v"), redis.select(1), redis.set("after", "v")]);
    expect([await databasesOf("before"), await databasesOf("after")]).toEqual([[0], [1]]);
  });

  it("a SELECT that is aborted while it waits changes nothing", async () => {
    const redis = await ready(server.port);
    const aborter = new AbortController();
    redis.disconnect(true);
    const select = outcomeOf(redis.with({ signal: aborter.signal }).select(1));
    aborter.abort();
    expectError(await select, "AbortedError", "no");
    await redis.set("k", "v");
    expect(await databasesOf("k")).toEqual([0]);
  });
});
