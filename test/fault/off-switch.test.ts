/** `resilience: false` and `IOREDOUBT_OFF`: plain ioredis behind the same import, with what ioredis has not in its simplest form. */
import { inspect } from "node:util";
import { Command, Redis as Plain } from "ioredis";
import { describe, expect, it } from "vitest";
import { startCluster } from "../../lab/redis-cluster.mjs";
import { Cluster } from "../../src/cluster.js";
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
    expect(inspect(redis)).toMatch(/^Redis \{ status: 'connecting', endpoint: 'localhost:\d+' \}$/);
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

it("a Cluster with resilience: false is ioredis's, and keeps what programs use beyond ioredis", async () => {
  const servers = await startCluster({ masters: 1, replicas: 0 });
  atEnd(() => servers.stop());
  const cluster = new Cluster(servers.startNodes, {
    resilience: false,
    scripts: { twice: { lua: "return redis.call('incrby', KEYS[1], 2)", numberOfKeys: 1 } },
  });
  atEnd(() => cluster.disconnect());
  expect(cluster).toBeInstanceOf(Cluster);
  expect(await cluster.startup()).toMatchObject({ ready: true, health: { status: "ready", slotsServed: 1 } });
  const command = new Command("set", ["k", "1"]);
  await cluster.sendCommand(command);
  expect(callOf(command)).toBeUndefined();
  expect(cluster.nodes("master").every((node) => node instanceof Plain && !(node instanceof Redis))).toBe(true);
  expect(await (cluster as unknown as { twice(key: string): Promise<number> }).twice("k")).toBe(3);
  expect(await cluster.pipeline().get("k").exec()).toEqual([[null, "3"]]);
  expect(await cluster.multi().incr("k").exec()).toEqual([[null, 4]]);
  expect(await cluster.with({ deadline: 100 }).withDeadline(100).get("k")).toBe("4");
  expect(await cluster.withConnection((connection) => connection.incr("k"), { key: "k" })).toBe(5);
  expect((await cluster.transaction(["k"], ({ multi }) => void multi.incr("k"))).results).toEqual([6]);
  const twin = cluster.duplicate([], { lazyConnect: true });
  expect([cluster.policy.profile, twin.policy.profile]).toEqual(["off", "off"]);
  expect(cluster.stats()).toMatchObject({ status: "ready", failed: 0 });
  expect([cluster.liveness().alive, (await cluster.readiness()).ready]).toEqual([true, true]);
  cluster.onEvent(() => undefined)();
  const ended = new Promise<void>((resolve) => cluster.once("end", resolve));
  await cluster.close();
  await ended;
  expect(cluster.health().status).toBe("closed");
});

it("IOREDOUBT_OFF makes all clients plain, and says so in one line", async () => {
  const servers = await startCluster({ masters: 1, replicas: 0 });
  atEnd(() => servers.stop());
  const [port = 0] = servers.nodes.map(({ server }) => server.port);
  const script = `
    import { Cluster, createRedis, Redis } from ${JSON.stringify(DIST)};
    const [a, b] = [createRedis(${String(port)}), new Redis(${String(port)}, { resilience: { deadline: 50 } })];
    const c = new Cluster([${String(port)}], { resilience: { deadline: 50 } });
    const clients = [a, b, c];
    for (const client of clients) console.log(await client.ping(), client.policy.profile);
    await Promise.all(clients.map((client) => client.close()));`;
  const { stdout, stderr } = await runSource(script, { env: { IOREDOUBT_OFF: "1" } });
  expect(stdout.trim().split("\n")).toEqual(["PONG off", "PONG off", "PONG off"]);
  const lines = stderr.trim().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/"event":"client.off".*IOREDOUBT_OFF=1.*plain ioredis/);
});
