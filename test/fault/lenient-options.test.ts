/** Option values that are not of the documented type and mean one thing: the client works, and says so once. */
import { expect, it } from "vitest";
import { Redis } from "../../src/redis.js";
import { createLogSink } from "../helpers/log-sink.js";
import { startRedis } from "../helpers/redis-server.js";
import { atEnd } from "./core-harness.js";

it("connects with every form that means one thing, and warns of each", async () => {
  const server = await startRedis({ config: ["requirepass 12345"] });
  atEnd(() => server.stop());
  const port = String(server.port);
  const cases: Readonly<Record<string, unknown[]>> = {
    url: [`unix://:12345@${server.path}?db=2`],
    password: [{ port, host: "127.0.0.1", password: 12345 }],
    host: [{ port, host: null, password: "12345" }],
    lazyConnect: [{ port, password: "12345", lazyConnect: "true" }],
    maxRetriesPerRequest: [{ port, password: "12345", maxRetriesPerRequest: "1" }],
    keepAlive: [{ port, password: "12345", keepAlive: true }],
    retryStrategy: [{ port, password: "12345", retryStrategy: false }],
  };
  for (const [path, args] of Object.entries(cases)) {
    const log = createLogSink();
    const redis = new Redis(...([...args, { resilience: { logger: log, profile: "test" } }] as [string, object]));
    atEnd(() => redis.disconnect());
    expect(await redis.set("k", "v"), path).toBe("OK");
    expect(log.at("warn").map(({ fields }) => fields["option"])).toEqual([path]);
    expect(log.text()).not.toContain("12345");
    const twin = redis.duplicate();
    atEnd(() => twin.disconnect());
    expect(await twin.get("k"), path).toBe("v");
    expect(log.at("warn")).toHaveLength(1);
  }
});

it("never opens a connection again with retryStrategy false", async () => {
  const server = await startRedis();
  atEnd(() => server.stop());
  const redis = new Redis({ port: server.port, retryStrategy: false, resilience: { logger: false } } as object);
  await redis.ping();
  const ended = new Promise<void>((resolve) => redis.once("end", resolve));
  await server.kill();
  await ended;
  await expect(redis.ping()).rejects.toMatchObject({ applied: "no" });
});
