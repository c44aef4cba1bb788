/** RESET makes a connection as new: nothing that follows runs without its user, in another protocol or another database. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { clean, client, gist, outcomeOf, proxyTo, ready, scriptedServer, type TestOptions } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ args: ["--requirepass", "secret"] });
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

const dialects = [
  ["RESP3", { protocol: 3 }],
  ["RESP2", { protocol: 2 }],
] as unknown as readonly [string, TestOptions][];

describe.each(dialects)("RESET on a shared connection (%s)", (_, dialect) => {
  const options: TestOptions = { ...dialect, password: "secret", db: 2 };

  it("is answered, and what was issued behind it keeps its order, its user and its database", async () => {
    const redis = await ready(server.port, options);
    const replies = await Promise.all([
      redis.set("k", "1"),
      redis.call("RESET"),
      redis.append("k", "2"),
      redis.pipeline().get("k").exec(),
      redis.hset("h", "f", "v"),
      redis.hgetall("h"),
    ]);
    expect(replies.map(String)).toEqual(["OK", "RESET", "2", ",12", "1", "[object Object]"]);
    expect(replies.at(-1)).toEqual({ f: "v" });
    await redis.select(0);
    expect(await redis.exists("k", "h")).toBe(0);
  });

  it("ends what was selected, watched and begun", async () => {
    const redis = await ready(server.port, options);
    await redis.select(5);
    await redis.watch("k");
    await redis.multi({ pipeline: false });
    await redis.set("k", "queued");
    await redis.call("RESET");
    expect(await redis.set("k", "1")).toBe("OK");
    await redis.select(2);
    expect(await redis.get("k")).toBe("1");
  });

  it("inside a batch is refused with the whole of it", async () => {
    const redis = await ready(server.port, options);
    const batch = redis.pipeline().set("k", "1");
    void batch.call("RESET");
    const results = await batch.set("k", "2").exec();
    expect(results?.map(([error]) => gist(error))).toEqual(Array(3).fill("IoredoubtError no"));
    expect(await redis.exists("k")).toBe(0);
  });

  it("ends the guard of transaction(), which executes nothing", async () => {
    const redis = await ready(server.port, options);
    const work = redis.transaction(["k"], async ({ conn, multi }) => {
      await conn.call("RESET");
      multi.set("k", "ours");
    });
    await expect(work).rejects.toBeInstanceOf(TypeError);
    expect(await redis.exists("k")).toBe(0);
  });
});

it("a database that was selected in upper case is known too, after a reconnect as well", async () => {
  const proxy = await proxyTo(server);
  const redis = await ready(proxy.port, { password: "secret" });
  await redis.call("SELECT", "3");
  await redis.set("k", "1");
  proxy.cutAll();
  await eventually(() => expect(redis.status).not.toBe("ready"));
  expect(await redis.append("k", "2")).toBe(2);
  await redis.select(0);
  expect(await redis.exists("k")).toBe(0);
});

it.each(["DISCARD", "discard"])("a SELECT inside a MULTI that ends with %s has not happened", async (end) => {
  const proxy = await proxyTo(server);
  const redis = await ready(proxy.port, { password: "secret", db: 2 });
  await redis.multi({ pipeline: false });
  await redis.call("SELECT", "3");
  await redis.call(end);
  expect(await redis.set("k", "1")).toBe("OK");
  proxy.cutAll();
  await eventually(() => expect(redis.status).not.toBe("ready"));
  expect(await redis.append("k", "2")).toBe(2);
  await redis.select(2);
  expect(await redis.get("k")).toBe("12");
});

it("a refused RESET leaves the client as it was", async () => {
  const peer = await scriptedServer((name) => (name === "reset" ? "-NOPERM no permissions\r\n" : "+OK\r\n"));
  const redis = await ready(peer.port);
  const [reset, set] = await Promise.all([outcomeOf(redis.call("RESET")), outcomeOf(redis.set("k", "1"))]);
  expect(reset.error?.message).toMatch(/^NOPERM/);
  expect(set.value).toBe("OK");
});

it("a batch that waited and is refused for its RESET leaves nothing in the counts", async () => {
  const redis = client(server.port, { password: "secret" });
  const batch = redis.pipeline().set("k", "1");
  batch.call("RESET");
  await outcomeOf(batch.exec());
  expect(await redis.ping()).toBe("PONG");
  expect(redis.stats()).toMatchObject({ inFlight: 0, waiting: { commands: 0, bytes: 0 } });
});
