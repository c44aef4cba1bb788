/** Commands that the server does not answer, or answers more than once, never give a reply to the wrong caller. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { callsOf, clean, gist, outcomeOf, ready, type TestOptions } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

const REFUSED = "IoredoubtError no";

const dialects = [
  ["RESP3", { protocol: 3 }, "2"],
  ["RESP2", { protocol: 2 }, "3"],
] as unknown as readonly [string, TestOptions, string][];

describe.each(dialects)("on a connection that speaks %s", (_, options, other) => {
  const commands: [string, readonly (string | Buffer)[]][] = [
    ["client", ["REPLY", "OFF"]],
    ["CLIENT", ["reply", "skip"]],
    ["client", [Buffer.from("REPLY"), Buffer.from("OFF")]],
    ["monitor", []],
    ["sync", []],
    ["psync", ["?", "-1"]],
    ["replconf", ["ACK", "0"]],
    ["script", ["DEBUG", "YES"]],
    ["hello", [other]],
  ];

  it.each(commands)("%s %j is refused, and every reply goes to its caller", async (name, args) => {
    const redis = await ready(server.port, options);
    await redis.mset("a", "1", "b", "2");
    const [before, refused, after] = await Promise.all([
      outcomeOf(redis.get("a")),
      outcomeOf(redis.call(name, ...args)),
      outcomeOf(redis.get("b")),
    ]);
    expect([before.value, gist(refused), after.value]).toEqual(["1", REFUSED, "2"]);
    expect(refused.error).toMatchObject({ code: "ARGUMENT_INVALID", command: { name: name.toLowerCase() } });
    expect(refused.error?.message).toMatch(/^[A-Z]+ was not sent: .+\. .+\.$/);
    expect(await redis.mget("a", "b")).toEqual(["1", "2"]);
  });

  it.each<[string, (redis: Redis) => Promise<unknown>]>([
    ["a pipeline", (redis) => redis.pipeline().set("k", "1").client("REPLY", "OFF").get("k").exec()],
    ["a MULTI", (redis) => redis.multi().set("k", "1").client("REPLY", "OFF").exec()],
    ["a view's pipeline", (redis) => redis.withDeadline(5_000).pipeline().client("REPLY", "SKIP").get("k").exec()],
  ])("%s that holds one is refused whole", async (_what, send) => {
    const redis = await ready(server.port, options);
    const neighbours = [redis.ping("before"), send(redis).catch((error: unknown) => error), redis.ping("after")];
    const [before, batch, after] = await Promise.all(neighbours);
    expect([before, after]).toEqual(["before", "after"]);
    const errors = Array.isArray(batch) ? (batch as [Error][]).map(([error]) => error) : [batch as Error];
    expect(new Set(errors.map(gist))).toEqual(new Set([REFUSED]));
    expect((await callsOf(server))["set"]).toBeUndefined();
  });

  it("the harmless forms are sent", async () => {
    const redis = await ready(server.port, options);
    expect(await redis.client("REPLY", "ON")).toBe("OK");
    expect(await redis.script("DEBUG", "NO")).toBe("OK");
    expect(await redis.call("hello")).toBeDefined();
    expect(await redis.call("hello", other === "2" ? "3" : "2")).toBeDefined();
    expect(await redis.ping()).toBe("PONG");
  });

  it("they are refused on a lent connection too", async () => {
    const redis = await ready(server.port, options);
    const replies = redis.withConnection(async (conn) => [
      gist(await outcomeOf(conn.client("REPLY", "OFF"))),
      await conn.ping(),
    ]);
    expect(await replies).toEqual([REFUSED, "PONG"]);
  });

  it("CLIENT TRACKING's messages are nobody's reply", async () => {
    const redis = await ready(server.port, options);
    expect(await redis.client("TRACKING", "ON")).toBe("OK");
    await redis.get("k");
    await server.call("SET", "k", "1");
    expect(await Promise.all([redis.ping("a"), redis.get("k"), redis.ping("b")])).toEqual(["a", "1", "b"]);
  });

  it("QUIT inside a pipeline ends the client, and what comes behind it settles truthfully", async () => {
    const redis = await ready(server.port, options);
    const results = await redis.pipeline().set("k", "1").quit().set("k", "2").exec();
    expect(results?.slice(0, 2)).toEqual([
      [null, "OK"],
      [null, "OK"],
    ]);
    expect(gist(results?.[2]?.[0])).toBe("ClosedError maybe");
    expect(await server.cli("GET", "k")).toBe("1");
  });
});

it("redis.monitor() has a connection of its own", async () => {
  const redis = await ready(server.port);
  const monitor = await redis.monitor();
  const seen = new Promise((resolve) => monitor.once("monitor", (_time, args) => resolve(args)));
  await redis.set("k", "1");
  expect(await seen).toEqual(["set", "k", "1"]);
  monitor.disconnect();
});
