/**
 * What `config` promises is what happens: the arithmetic of `boundsOf`, held against a real client and a real server behind
 * a proxy that makes outages. An upper bound may be missed by 10 %, and by what this process itself stood still, for proxy,
 * client and clock are all in it.
 */
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { IoredoubtError } from "../../src/failure/errors.js";
import { boundsOf } from "../../src/policy/bounds.js";
import type { ResilienceOptions } from "../../src/policy/shape.js";
import { resolvePolicy } from "../../src/policy/resolve.js";
import { Redis } from "../../src/redis.js";
import { atMost } from "../helpers/at-most.js";
import { connected } from "../helpers/connected.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

const TOLERANCE = 1.1;

const resilience: ResilienceOptions = {
  profile: "production",
  logger: false,
  deadline: 1000,
  retry: { retries: 2, minTimeout: 20, maxTimeout: 40 },
  breaker: { downAfter: 2000 },
  reconnect: { minTimeout: 20, maxTimeout: 300, handshakeTimeout: 600 },
  heartbeat: { interval: 700, timeout: 500 },
};
const bounds = boundsOf(resolvePolicy(resilience, {}, {}));

interface Scene extends AsyncDisposable {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
  readonly redis: Redis;
}

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.[Symbol.asyncDispose]();
  scene = undefined;
});

async function start(options: ResilienceOptions = resilience): Promise<Scene> {
  const server = await startRedis();
  const proxy = await startProxy({ target: { port: server.port } });
  const redis = new Redis(proxy.port, "127.0.0.1", { resilience: options });
  await connected(redis);
  scene = {
    server,
    proxy,
    redis,
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await proxy.stop();
      await server.stop();
    },
  };
  return scene;
}

/** Milliseconds until a call has settled, and how. */
async function outcomeOf(run: () => Promise<unknown>): Promise<{ ms: number; error: unknown }> {
  const begun = performance.now();
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { ms: performance.now() - begun, error };
}

function isCode(error: unknown, code: string): boolean {
  return IoredoubtError.is(error) && error.code === code;
}

async function refusals(server: RedisServer, command: string): Promise<number> {
  const stats = await server.cli("INFO", "commandstats");
  return Number(new RegExp(`cmdstat_${command}:.*rejected_calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe("the promised bounds", () => {
  it("settle a call within the deadline when nothing answers", async () => {
    const { proxy, redis } = await start();
    proxy.dropReplies();
    const { ms, error } = await outcomeOf(() => redis.get("k"));
    expect(error).toBeInstanceOf(IoredoubtError);
    expect(ms).toBeLessThanOrEqual(atMost(bounds.settlesWithin * TOLERANCE));
  });

  it("let calls wait until the endpoint was unreachable for as long as promised, then fail at once", async () => {
    const { proxy, redis } = await start();
    await proxy.refuse();
    const cut = performance.now();
    proxy.cutAll();
    const calls: { at: number; ms: number; error: unknown }[] = [];
    await eventually(
      async () => {
        const at = performance.now() - cut;
        void outcomeOf(() => redis.get("k")).then((outcome) => calls.push({ at, ...outcome }));
        await Promise.resolve();
        expect(calls.filter(({ error }) => isCode(error, "CIRCUIT_OPEN")).length).toBeGreaterThan(50);
      },
      { withinMs: 10_000 },
    );
    const waited = calls.filter(({ at }) => at + bounds.settlesWithin < bounds.failsFastAfter);
    expect(waited.length).toBeGreaterThan(0);
    for (const { ms, error } of waited) {
      expect(error).toMatchObject({ code: "DEADLINE" });
      expect(ms).toBeGreaterThanOrEqual(bounds.settlesWithin);
      expect(ms).toBeLessThanOrEqual(atMost(bounds.settlesWithin * TOLERANCE));
    }
    const refused = calls.filter(({ error }) => isCode(error, "CIRCUIT_OPEN"));
    const opened = Math.min(...refused.map(({ at, ms }) => at + ms));
    // Timers may fire a moment early on this clock.
    expect(opened).toBeGreaterThanOrEqual(bounds.failsFastAfter - 5);
    expect(opened).toBeLessThanOrEqual(atMost(bounds.failsFastAfter * TOLERANCE));
    const atOnce: number[] = [];
    for (let i = 0; i < 100; i++) {
      const { ms, error } = await outcomeOf(() => redis.get("k"));
      expect(error).toMatchObject({ code: "CIRCUIT_OPEN" });
      atOnce.push(ms);
    }
    // The usual one: the machine may have had something else to do during any other.
    expect(atOnce.sort((a, b) => a - b)[50]).toBeLessThan(1);
  });

  it("let calls wait for their deadline, however many connection attempts fail meanwhile", async () => {
    const reconnect = { minTimeout: 1, maxTimeout: 5 };
    const { proxy, redis } = await start({ ...resilience, reconnect, breaker: false });
    await proxy.refuse();
    let attempts = 0;
    redis.on("reconnecting", () => attempts++);
    proxy.cutAll();
    const patient = outcomeOf(() => redis.withDeadline(20_000).get("k"));
    const { ms, error } = await outcomeOf(() => redis.get("k"));
    expect(error).toMatchObject({ code: "DEADLINE" });
    expect(ms).toBeGreaterThanOrEqual(bounds.settlesWithin);
    expect(ms).toBeLessThanOrEqual(atMost(bounds.settlesWithin * TOLERANCE));
    // More than ioredis's default of 20, after which it would end the wait.
    await eventually(() => expect(attempts).toBeGreaterThan(42), { withinMs: 15_000 });
    await proxy.pass();
    expect((await patient).error).toBeUndefined();
  });

  it("bring the next connection attempt in time after an outage, every time", async () => {
    const { proxy, redis } = await start();
    for (let round = 0; round < 5; round++) {
      await proxy.refuse();
      proxy.cutAll();
      // Several refused attempts, so that the backoff is at its cap.
      let attempts = 0;
      const count = (): number => attempts++;
      redis.on("reconnecting", count);
      await eventually(() => expect(attempts).toBeGreaterThanOrEqual(6), { withinMs: 10_000 });
      redis.off("reconnecting", count);
      const before = proxy.counters.connections;
      const back = performance.now();
      await proxy.pass();
      await eventually(() => expect(proxy.counters.connections).toBeGreaterThan(before));
      const came = proxy.counters.acceptedAt[before] ?? Infinity;
      expect(came - back).toBeLessThanOrEqual(atMost(bounds.reconnectsWithin * TOLERANCE));
      await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    }
  });

  it("bring it in time when the last attempt was accepted and never answered", async () => {
    const { proxy, redis } = await start();
    await proxy.refuse();
    const sockets: { destroy(): unknown }[] = [];
    let hanging = 0;
    const hole = createServer((socket) => {
      hanging++;
      sockets.push(socket.on("error", () => undefined).resume());
    });
    await new Promise<void>((resolve) => hole.listen(proxy.port, "127.0.0.1", resolve));
    proxy.cutAll();
    await eventually(() => expect(hanging).toBeGreaterThan(0));
    const before = proxy.counters.connections;
    hole.close();
    const back = performance.now();
    await proxy.pass();
    await eventually(() => expect(proxy.counters.connections).toBeGreaterThan(before), { withinMs: 10_000 });
    const came = proxy.counters.acceptedAt[before] ?? Infinity;
    expect(came - back).toBeLessThanOrEqual(atMost(bounds.reconnectsWithinAfterSilence * TOLERANCE));
    await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    for (const socket of sockets) socket.destroy();
  });

  it("take no slow answer after a quiet time for a dead connection", async () => {
    const heartbeat = { interval: 60_000, timeout: 1300 };
    const { proxy, redis } = await start({ ...resilience, deadline: 20_000, heartbeat });
    proxy.latency(300);
    for (let round = 0; round < 2; round++) {
      // Longer than the heartbeat's patience: a silence in which nothing was asked. The next look comes at another moment.
      await new Promise((resolve) => setTimeout(resolve, 1400 + round * 200));
      await redis.incr("n");
    }
    expect(proxy.counters.connections).toBe(1);
    expect(redis.stats().lost).toBe(0);
  });

  it("let a read that is refused wait no longer than promised, and say that it was not executed", async () => {
    const { server, redis } = await start();
    await server.call("CONFIG", "SET", "replica-serve-stale-data", "no");
    await server.call("REPLICAOF", "127.0.0.1", "1");
    const { ms, error } = await outcomeOf(() => redis.get("k"));
    expect(error).toHaveProperty("diagnosis.applied", "no");
    expect(await refusals(server, "get")).toBeGreaterThan(1);
    expect(ms).toBeLessThanOrEqual(atMost(bounds.settlesWithin * TOLERANCE));
  });

  it("execute a write whose reply was lost once", async () => {
    const { server, proxy, redis } = await start();
    const lost = proxy.forwardThenCut();
    const { error } = await outcomeOf(() => redis.incr("n"));
    await lost;
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", applied: "maybe" });
    await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    expect(await server.call("GET", "n")).toBe(String(bounds.writeSends));
  });

  it("find a dead connection in time, idle or busy", async () => {
    const { proxy, redis } = await start();
    const found = async (limit: number): Promise<void> => {
      const before = proxy.counters.connections;
      const dead = performance.now();
      proxy.blackhole();
      if (limit === bounds.findsDeadBusy) void redis.get("k").catch(() => undefined);
      await eventually(() => expect(proxy.counters.connections).toBeGreaterThan(before), { withinMs: 10_000 });
      // The search ends where the reconnect begins.
      const came = (proxy.counters.acceptedAt[before] ?? Infinity) - dead;
      expect(came).toBeLessThanOrEqual(atMost((limit + bounds.reconnectsWithin) * TOLERANCE));
      await proxy.pass();
      await eventually(async () => expect(await redis.ping()).toBe("PONG"), { withinMs: 10_000 });
    };
    await found(bounds.findsDeadIdle);
    await found(bounds.findsDeadBusy);
  });
});
