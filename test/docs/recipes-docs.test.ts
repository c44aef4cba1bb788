/**
 * The code in docs/recipes.md that needs no other package does what the page says. The rest is run by
 * test/more/recipes.more.ts.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Redis } from "../../src/index.js";
import { atEnd } from "../fault/core-harness.js";
import { runScript } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { recipesPage, writeRecipe } from "./recipe-files.js";

const folder = mkdtempSync(join(tmpdir(), "recipes-"));
let server: RedisServer;
let proxy: FaultProxy;
beforeAll(async () => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(fileURLToPath(new URL("../..", import.meta.url)), join(folder, "node_modules/ioredoubt"));
  server = await startRedis();
  proxy = await startProxy({ target: server });
  vi.stubEnv("REDIS_URL", `redis://127.0.0.1:${proxy.port}`);
  vi.stubEnv("IOREDOUBT_LOG_LEVEL", "silent");
  vi.stubEnv("IOREDOUBT_PROFILE", "production");
  // A busy machine may be slow; how long an outage takes to be one is told where it matters.
  vi.stubEnv("IOREDOUBT_DEADLINE", "20s");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([proxy.stop(), server.stop()]);
  rmSync(folder, { recursive: true });
});

async function load<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(writeRecipe(folder, name)).href)) as T;
}

it("withLock lets one in, and knows its own lock when the reply was lost", async () => {
  const { redis, withLock } = await load<{
    redis: Redis;
    withLock<T>(key: string, ttl: number, work: () => Promise<T>): Promise<T | undefined>;
  }>("lock");
  atEnd(() => redis.close());
  const inner = await withLock("door", 60_000, async () => [
    await withLock("door", 60_000, () => Promise.resolve("in")),
  ]);
  expect(inner).toEqual([undefined]);
  expect(await redis.exists("door")).toBe(0);
  proxy.dropReplies();
  const lost = withLock("gate", 60_000, () => Promise.resolve("in"));
  await eventually(async () => expect(await server.cli("EXISTS", "gate")).toBe("1"));
  await proxy.pass();
  proxy.cutAll();
  expect(await lost).toBe("in");
});

it("cached asks once, and its fallback answers while Redis is away", async () => {
  vi.stubEnv("IOREDOUBT_BREAKER_DOWN_AFTER", "300ms");
  const { cache, cached } = await load<{
    cache: Redis;
    cached(key: string, ttl: number, load: () => Promise<string>): Promise<string>;
  }>("cache");
  atEnd(() => cache.close());
  const make = vi.fn(() => Promise.resolve("made"));
  expect(await cached("k", 60, make)).toBe("made");
  await eventually(async () => expect(await server.cli("GET", "k")).toBe("made"));
  expect(await cached("k", 60, make)).toBe("made");
  expect(make).toHaveBeenCalledOnce();
  await proxy.refuse();
  proxy.cutAll();
  await eventually(() => expect(cache.stats().breaker.readWrite.state).toBe("open"));
  expect(await cache.get("k")).toBe("made");
  expect(await cache.mget("k", "other")).toEqual(["made", null]);
  expect(await cache.set("other", "kept")).toBe("OK");
  expect(await cached("other", 60, make)).toBe("kept");
  await expect(cache.incr("n")).rejects.toMatchObject({ applied: "no" });
  await proxy.pass();
  vi.stubEnv("IOREDOUBT_BREAKER_DOWN_AFTER", undefined);
});

it("the serverless handler answers", async () => {
  const { redis, handler } = await load<{ redis: Redis; handler(event: object, context: object): Promise<unknown> }>(
    "serverless",
  );
  atEnd(() => redis.close());
  const context = { getRemainingTimeInMillis: () => 60_000 };
  expect(await handler({ id: "a" }, context)).toEqual({ statusCode: 200, body: "1" });
});

it("the probes tell an outage from a process that must be restarted", async () => {
  const { server: http, stop } = await load<{ server: Server; stop(): Promise<void> }>("probes");
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const status = async (path: string): Promise<number> => {
    const { port } = http.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } })).status;
  };
  await eventually(async () => expect(await status("/readyz")).toBe(200));
  await proxy.refuse();
  proxy.cutAll();
  await eventually(async () => expect(await status("/readyz")).toBe(503));
  expect(await status("/livez")).toBe(200);
  await proxy.pass();
  await stop();
});

it.each([
  ["threads", 1],
  ["processes", 2],
])("%s: each has a client of its own, and the program ends", async (name, count) => {
  await server.call("DEL", "visits");
  const path = writeRecipe(folder, name);
  const { stdout, code, unhandled } = await runScript(path);
  expect(unhandled).toEqual([]);
  expect(code).toBe(0);
  expect(stdout.trim().split("\n").toSorted()).toEqual(Array.from({ length: count }, (_, n) => String(n + 1)));
});

it("the variables of the deployments exist", () => {
  const policy = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
  const names = [...recipesPage.matchAll(/\b(?:REDIS|IOREDOUBT)_[A-Z_]+\b/g)].map(([name]) => name);
  expect(new Set(names).size).toBeGreaterThan(4);
  expect(names.filter((name) => !policy.includes(`\`${name}\``))).toEqual([]);
});
