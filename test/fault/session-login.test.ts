/** A user who logged in at run time stays that user after a reconnect. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { gist, outcomeOf, proxyTo, ready, type TestOptions } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  await server.call("ACL", "SETUSER", "tenant", "on", ">hush", "+@all", "~tenant:*");
});
afterAll(() => server.stop());

const dialects = [
  ["RESP3", { protocol: 3 }],
  ["RESP2", { protocol: 2 }],
] as unknown as readonly [string, TestOptions][];

async function userAfterCut(options: TestOptions, act: (redis: Redis) => Promise<unknown>): Promise<unknown> {
  const proxy = await proxyTo(server);
  const redis = await ready(proxy.port, options);
  await act(redis);
  proxy.cutAll();
  await eventually(() => expect(redis.status).not.toBe("ready"));
  return redis.call("ACL", "WHOAMI");
}

it.each(dialects)("is the user of AUTH (%s)", async (_, options) => {
  expect(await userAfterCut(options, (redis) => redis.auth("tenant", "hush"))).toBe("tenant");
  expect(await userAfterCut(options, (redis) => redis.call("AUTH", "tenant", "hush"))).toBe("tenant");
});

it("is the user of HELLO", async () => {
  expect(await userAfterCut({}, (redis) => redis.call("HELLO", "3", "AUTH", "tenant", "hush"))).toBe("tenant");
});

it.each(dialects)("is not one whom the server refused, nor one before RESET (%s)", async (_, options) => {
  const wrong = (redis: Redis): Promise<unknown> => outcomeOf(redis.auth("tenant", "wrong"));
  expect(await userAfterCut(options, wrong)).toBe("default");
  const reset = async (redis: Redis): Promise<void> => {
    await redis.auth("tenant", "hush");
    await redis.call("RESET");
  };
  expect(await userAfterCut(options, reset)).toBe("default");
});

it("is refused where it would concern one of several connections", async () => {
  const redis = await ready(server.port, { resilience: { pool: { size: 2 } } });
  expect(gist(await outcomeOf(redis.auth("tenant", "hush")))).toBe("IoredoubtError no");
});
