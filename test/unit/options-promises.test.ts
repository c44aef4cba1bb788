/**
 * What `config` promises is what happens: the arithmetic of `boundsOf`, held against a real client and a real server behind
 * a proxy that makes outages. Upper bounds may be missed by 10 %, as the clock of a busy machine has it.
 */
import { afterEach, describe, expect, it } from "vitest";
import { IoredoubtError } from "../../src/failure/errors.js";
import { boundsOf } from "../../src/options/bounds.js";
import type { ResilienceOptions } from "../../src/options/policy.js";
import { resolvePolicy } from "../../src/options/resolve.js";
import { Redis } from "../../src/redis.js";
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
  await redis.ping();
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
    expect(ms).toBeLessThanOrEqual(bounds.settlesWithin * TOLERANCE);
  });

  it("let calls wait until the endpoint was unreachable for as long as promised, then fail at once", async () => {
    const { proxy, redis } = await start();
    await proxy.refuse();
    const cut = performance.now();
    proxy.cutAll();
    const calls: { at: number; ms: number }[] = [];
    await eventually(
      async () => {
        const at = performance.now() - cut;
        void outcomeOf(() => redis.get("k")).then(({ ms }) => calls.push({ at, ms }));
        await Promise.resolve();
        expect(calls.filter(({ ms }) => ms < 20).length).toBeGreaterThan(20);
      },
      { withinMs: 10_000 },
    );
    const waited = calls.filter(({ ms, at }) => ms >= 20 && at + bounds.settlesWithin < bounds.failsFastAfter);
    const first = Math.min(...calls.filter(({ ms }) => ms < 20).map(({ at }) => at));
    expect(waited.length).toBeGreaterThan(0);
    for (const { ms } of waited) expect(ms).toBeGreaterThanOrEqual(bounds.settlesWithin * 0.9);
    for (const { ms } of waited) expect(ms).toBeLessThanOrEqual(bounds.settlesWithin * TOLERANCE);
    expect(first).toBeGreaterThanOrEqual(bounds.failsFastAfter * 0.9);
    expect(first).toBeLessThanOrEqual(bounds.failsFastAfter * TOLERANCE);
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
      expect(came - back).toBeLessThanOrEqual(bounds.reconnectsWithin * TOLERANCE);
      await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    }
  });

  it("send a read that is refused as often as promised, and no more", async () => {
    const { server, redis } = await start();
    await server.call("CONFIG", "SET", "replica-serve-stale-data", "no");
    await server.call("REPLICAOF", "127.0.0.1", "1");
    const { ms, error } = await outcomeOf(() => redis.get("k"));
    expect(String(error)).toContain("MASTERDOWN");
    expect(await refusals(server, "get")).toBe(bounds.readSends);
    expect(ms).toBeLessThanOrEqual(bounds.settlesWithin * TOLERANCE);
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
      await eventually(() => expect(proxy.counters.connections).toBeGreaterThan(before), { withinMs: limit * 3 });
      // The search ends where the reconnect begins.
      const came = (proxy.counters.acceptedAt[before] ?? Infinity) - dead;
      expect(came).toBeLessThanOrEqual((limit + bounds.reconnectsWithin) * TOLERANCE);
      await proxy.pass();
      await eventually(async () => expect(await redis.ping()).toBe("PONG"), { withinMs: 10_000 });
    };
    await found(bounds.findsDeadIdle);
    await found(bounds.findsDeadBusy);
  });
});
