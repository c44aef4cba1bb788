/** CLIENT UNBLOCK, sent by somebody else, ends the block for its caller, however long it was to last. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import type { Redis } from "../../src/redis.js";
import { atEnd, outcomeOf, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** The id of the only client that blocks. */
async function blocked(): Promise<string> {
  let id: string | undefined;
  await eventually(async () => {
    const list = (await server.cli("CLIENT", "LIST")).split("\n").filter((line) => line.includes(" flags=b "));
    expect(list).toHaveLength(1);
    id = /^id=(\d+)/.exec(list[0] ?? "")?.[1];
    expect(id).toBeDefined();
  });
  return id ?? "";
}

describe.each([
  ["on the client's own connection", 0],
  ["on a connection of its own", 12],
])("a block without end %s", (_, commandsBefore) => {
  it("ends with null", async () => {
    const redis = await ready(server.port);
    for (let n = 0; n < commandsBefore; n++) await redis.ping();
    const popped = redis.blpop("nobody-pushes", 0);
    await server.call("CLIENT", "UNBLOCK", await blocked());
    expect(await popped).toBeNull();
  });

  it("ends with the server's error", async () => {
    const redis = await ready(server.port);
    for (let n = 0; n < commandsBefore; n++) await redis.ping();
    const popped = outcomeOf(redis.blpop("nobody-pushes", 0));
    await server.call("CLIENT", "UNBLOCK", await blocked(), "ERROR");
    const { error } = await popped;
    expect(error?.message).toMatch(/^UNBLOCKED/);
  });
});

describe("a block of a client that has asked who it is", () => {
  /** It has done more than block before. */
  async function worker() {
    const redis = await ready(server.port);
    for (let n = 0; n < 12; n++) await redis.ping();
    return redis;
  }

  it.each<[string, (redis: Redis) => Promise<unknown>]>([
    ["CLIENT ID", (redis) => redis.client("ID")],
    ["CLIENT ID in a pipeline", async (redis) => (await redis.pipeline().client("ID").exec())?.[0]?.[1]],
    ["CLIENT INFO", async (redis) => /id=(\d+)/.exec(String(await redis.call("client", "info")))?.[1]],
  ])("by %s ends by that id, again and again", async (_, ask) => {
    const redis = await worker();
    const id = String(await ask(redis));
    for (let n = 0; n < 3; n++) {
      const popped = redis.blpop("nobody-pushes", 0);
      expect(await blocked()).toBe(id);
      await server.call("CLIENT", "UNBLOCK", id);
      expect(await popped).toBeNull();
      await redis.set("done", n);
    }
  });

  it("begins on that connection also behind other work, and leaves it to what comes later", async () => {
    const redis = await worker();
    const id = String(await redis.client("ID"));
    const earlier = redis.set("k", "v");
    const popped = redis.blpop("list", 0);
    expect(await blocked()).toBe(id);
    expect(await earlier).toBe("OK");
    expect(await redis.get("k")).toBe("v");
    expect(await blocked()).not.toBe(id);
    await redis.rpush("list", "element");
    expect(await popped).toEqual(["list", "element"]);
    const again = redis.blpop("list", 0);
    expect(await blocked()).toBe(id);
    await server.call("CLIENT", "UNBLOCK", id);
    expect(await again).toBeNull();
  });

  it("moves aside where the server does not let it be ended", async () => {
    const strict = await startRedis({ acl: ["user default on nopass ~* &* +@all -client|unblock"] });
    atEnd(() => strict.stop());
    const redis = await ready(strict.port);
    await redis.client("ID");
    const popped = redis.blpop("list", 0);
    await eventually(() => expect(redis.stats().pool?.blocking.leased).toBe(1));
    await redis.rpush("list", "element");
    expect(await popped).toEqual(["list", "element"]);
  });
});
