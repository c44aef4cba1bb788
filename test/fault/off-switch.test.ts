/** `resilience: false` and `IOREDOUBT_OFF`: plain ioredis behind the same import, with what ioredis has not in its simplest form. */
import { Redis as Plain } from "ioredis";
import { describe, expect, it } from "vitest";
import { createRedis } from "../../src/create-redis.js";
import { callOf } from "../../src/engine/call.js";
import { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { runSource } from "../helpers/child.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis } from "../helpers/redis-server.js";
import { atEnd } from "./core-harness.js";

const DIST = new URL("../../dist/index.mjs", import.meta.url).href;

async function plain(options: object = {}): Promise<Redis> {
  const server = await startRedis();
  atEnd(() => server.stop());
  const redis = new Redis(server.port, { resilience: false, ...options });
  redis.on("error", () => undefined);
  atEnd(() => redis.disconnect());
  return redis;
}

describe("a client with resilience: false", () => {
  it("is of this class, and its commands are ioredis's", async () => {
    const redis = await plain();
    expect(redis).toBeInstanceOf(Redis);
    const sent: unknown[] = [];
    const { sendCommand } = Plain.prototype;
    Plain.prototype.sendCommand = function (command, stream) {
      sent.push(callOf(command));
      return sendCommand.call(this, command, stream);
    };
    try {
      expect(await redis.set("k", "v")).toBe("OK");
      expect(await redis.pipeline().get("k").incr("n").exec()).toEqual([
        [null, "v"],
        [null, 1],
      ]);
      expect(await redis.multi([["get", "k"]]).exec()).toEqual([[null, "v"]]);
    } finally {
      Plain.prototype.sendCommand = sendCommand;
    }
    expect(sent.length).toBeGreaterThan(5);
    expect(sent.every((call) => call === undefined)).toBe(true);
  });

  it("sends again what was lost, as ioredis does", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const proxy = await startProxy({ target: server });
    atEnd(() => proxy.stop());
    const redis = new Redis(proxy.port, "127.0.0.1", { resilience: false });
    redis.on("error", () => undefined);
    atEnd(() => redis.disconnect());
    await redis.ping();
    proxy.dropReplies();
    const incremented = redis.incr("n");
    await eventually(async () => expect(await server.cli("GET", "n")).toBe("1"));
    await proxy.pass();
    proxy.cutAll();
    expect(await incremented).toBe(2);
  });

  it("makes no ConfigError of what ioredis takes", async () => {
    const redis = await plain({ maxRetriesPerRequest: "3", host: "", keepAlive: true });
    expect(await redis.ping()).toBe("PONG");
    expect(redis.options.keepAlive).toBe(true);
  });

  it("has duplicates that are plain too, unless they ask for more", async () => {
    const redis = await plain();
    const twin = redis.duplicate();
    atEnd(() => twin.disconnect());
    expect(twin).toBeInstanceOf(Redis);
    expect(twin.policy.profile).toBe("off");
    expect(await twin.ping()).toBe("PONG");
    const other = redis.duplicate({ resilience: { logger: false }, lazyConnect: true });
    expect(other.policy.profile).not.toBe("off");
  });

  it("keeps what programs use beyond ioredis", async () => {
    const redis = await plain();
    expect(await redis.startup()).toMatchObject({ ready: true, health: { status: "ready" } });
    expect(await redis.with({ deadline: 100 }).set("k", "1")).toBe("OK");
    expect(await redis.withDeadline(100).get("k")).toBe("1");
    expect(await redis.withConnection((connection) => connection.incr("k"))).toBe(2);
    const { value, results } = await redis.transaction(["k"], async ({ conn, multi }) => {
      const seen = await conn.get("k");
      multi.set("k", "3");
      return seen;
    });
    expect([value, results]).toEqual(["2", ["OK"]]);
    expect(redis.stats()).toMatchObject({ status: "ready", inFlight: 0, failed: 0 });
    expect(redis.policy).toMatchObject({ deadline: false, retry: false, breaker: false });
    expect(await redis.readiness()).toMatchObject({ ready: true });
    expect(redis.liveness().alive).toBe(true);
    expect(redis.isConsuming().waits).toEqual([]);
    redis.onEvent(() => undefined)();
    const ended = new Promise<void>((resolve) => redis.once("end", resolve));
    await redis.close();
    await ended;
    expect(redis.health().status).toBe("closed");
  });

  it("leaves a transaction that others overtake", async () => {
    const redis = await plain();
    const meddling = async ({ conn, multi }: { conn: Redis; multi: { set(key: string, value: string): unknown } }) => {
      await redis.incr("k");
      await conn.get("k");
      multi.set("k", "x");
    };
    await expect(redis.transaction(["k"], meddling, { retries: 1 })).rejects.toMatchObject({ conflicts: 2 });
  });
});

it("a class that extends it works as well", async () => {
  class Mine extends Redis {
    override connect(callback?: () => void): Promise<void> {
      return super.connect(callback);
    }
  }
  const server = await startRedis();
  atEnd(() => server.stop());
  const redis = new Mine(server.port, { resilience: false });
  atEnd(() => redis.disconnect());
  expect(await redis.ping()).toBe("PONG");
});

it("fromEnv needs an address, and no policy", async () => {
  const server = await startRedis();
  atEnd(() => server.stop());
  const env = {
    REDIS_URL: `redis://127.0.0.1:${String(server.port)}`,
    IOREDOUBT_DEADLINE: "nonsense",
    IOREDOUBT_OFF: "1",
  };
  const redis = createRedis.fromEnv(env);
  atEnd(() => redis.disconnect());
  expect(await redis.ping()).toBe("PONG");
  expect(redis.policy.profile).toBe("off");
  expect(() => createRedis.fromEnv({ ...env, IOREDOUBT_OFF: "0" })).toThrow(/IOREDOUBT_DEADLINE/);
});

it("IOREDOUBT_OFF makes all clients plain, and says so in one line", async () => {
  const server = await startRedis();
  atEnd(() => server.stop());
  const script = `
    import { createRedis, Redis } from ${JSON.stringify(DIST)};
    const [a, b] = [createRedis(${String(server.port)}), new Redis(${String(server.port)}, { resilience: { deadline: 50 } })];
    console.log(await a.ping(), await b.ping(), a.policy.profile, b.policy.profile);
    await Promise.all([a.close(), b.close()]);`;
  const { stdout, stderr } = await runSource(script, { env: { IOREDOUBT_OFF: "1" } });
  expect(stdout.trim()).toBe("PONG PONG off off");
  const lines = stderr.trim().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/"event":"client.off".*IOREDOUBT_OFF=1.*plain ioredis/);
});
