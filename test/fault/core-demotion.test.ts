/**
 * A failover that cuts no connection: the old primary turns into a replica under its clients, and the name, or what stands
 * behind it, leads to the new one at some later time. Writes must find their way without anybody closing a socket.
 */
import { Redis as PlainRedis } from "ioredis";
import { beforeEach, describe, expect, it } from "vitest";
import { IoredoubtError } from "../../src/failure/errors.js";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, callsOf, client, gist, outcomeOf, ready, sleep, type TestOptions } from "./core-harness.js";

/** What is promised from the first moment at which a new connection reaches the new primary, in milliseconds. */
const BAR = 1_500;

let old: RedisServer;
let next: RedisServer;
let proxy: FaultProxy;
/** Where a new connection is led; those that are open stay where they are. */
const target = { port: 0 };

beforeEach(async () => {
  [old, next] = await Promise.all([startRedis(), startRedis()]);
  target.port = old.port;
  proxy = await startProxy({ target });
  atEnd(() => Promise.all([proxy.stop(), old.stop(), next.stop()]));
});

async function demote(): Promise<void> {
  await old.call("REPLICAOF", "127.0.0.1", String(next.port));
}

type Write = (redis: Redis) => Promise<unknown>;
const WRITES: Readonly<Record<string, Write>> = {
  SET: (redis) => redis.set("k", "v"),
  EVAL: (redis) => redis.eval("return redis.call('set', KEYS[1], 'v')", 1, "k"),
  MULTI: (redis) => redis.multi().set("k", "v").incr("n").exec(),
  "EVAL in MULTI": (redis) => redis.multi().eval("return redis.call('set', KEYS[1], 'v')", 1, "k").exec(),
  mixed: async (redis) => {
    const [set, evaluated] = await Promise.all([
      outcomeOf(redis.set("k", "v")),
      outcomeOf(redis.eval("return redis.call('incr', KEYS[1])", 1, "n")),
      outcomeOf(redis.get("k")),
    ]);
    for (const { error } of [set, evaluated]) if (error !== undefined) throw error;
  },
};
const SETTINGS: Readonly<Record<string, TestOptions>> = {
  default: {},
  "retry: false": { resilience: { retry: false } },
  "maxRetriesPerRequest: 0": { maxRetriesPerRequest: 0 },
};
const CASES = Object.keys(WRITES).flatMap((write) => Object.keys(SETTINGS).map((setting) => [write, setting] as const));

/** Writes every 10 ms until one succeeds, and reads beside it. Resolves to when that was. */
async function untilWritten(redis: Redis, write: Write): Promise<{ at: number; reads: string[] }> {
  const reads: string[] = [];
  for (;;) {
    const [written, read] = await Promise.all([outcomeOf(write(redis)), outcomeOf(redis.get("r"))]);
    reads.push(gist(read));
    const isDone =
      written.error === undefined && !JSON.stringify(written.value ?? null, errorsAsText).includes("READONLY");
    if (isDone) return { at: performance.now(), reads };
    await sleep(10);
  }
}

function errorsAsText(_: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

describe("a primary that is demoted while its clients stay connected", () => {
  it.each(CASES)("%s, %s: writes come back without a cut, and reads never fail", async (write, setting) => {
    const act = WRITES[write];
    if (act === undefined) throw new Error(write);
    const redis = await ready(proxy.port, SETTINGS[setting]);
    await act(redis);
    await demote();
    const written = untilWritten(redis, act);
    // The target follows later than the role does: by then the write circuit may be open.
    await sleep(1_200);
    const reachableAt = performance.now();
    target.port = next.port;
    const { at, reads } = await written;
    expect(at - reachableAt).toBeLessThan(BAR);
    expect(new Set(reads)).toEqual(new Set(["ok"]));
    expect((await callsOf(next))["set"] ?? (await callsOf(next))["eval"]).toBeGreaterThan(0);
    expect(redis.stats().breaker.readWrite.state).toBe("closed");
    await eventually(() => expect(redis.stats().breaker.write.state).toBe("closed"));
  });

  it("is found again while nobody's write is let through: refused writes are reason enough to look", async () => {
    const redis = await ready(proxy.port, { resilience: { retry: false, breaker: { volumeThreshold: 3 } } });
    await demote();
    await eventually(async () => {
      await outcomeOf(redis.set("k", "v"));
      expect(redis.stats().breaker.write.state).toBe("open");
    });
    expect(gist(await outcomeOf(redis.set("k", "v")))).toBe("CircuitOpenError no");
    target.port = next.port;
    const reachableAt = performance.now();
    const { at } = await untilWritten(redis, (r) => r.set("k", "v"));
    expect(at - reachableAt).toBeLessThan(BAR);
  });

  it("takes all clients of the endpoint along, at most two looks a second, and leaves no connection behind", async () => {
    const redis = await ready(proxy.port, { resilience: { retry: false } });
    const twins = [redis.duplicate(), redis.duplicate()];
    for (const twin of twins) {
      twin.on("error", () => undefined);
      atEnd(() => twin.disconnect());
      await twin.ping();
    }
    await demote();
    const before = proxy.counters.connections;
    const since = performance.now();
    const written = untilWritten(redis, (r) => r.set("k", "v"));
    await sleep(2_000);
    const looks = proxy.counters.connections - before;
    expect(looks).toBeGreaterThanOrEqual(2);
    expect(looks).toBeLessThanOrEqual(1 + (performance.now() - since) / 500);
    expect(proxy.counters.open).toBeLessThanOrEqual(3 + 1);
    target.port = next.port;
    await written;
    await eventually(async () => {
      const clients = await next.cli("CLIENT", "LIST", "TYPE", "NORMAL");
      expect(clients.split("\n").filter((line) => line.includes("cmd=")).length).toBeGreaterThanOrEqual(3 + 1);
      expect(proxy.counters.open).toBe(3);
    });
    for (const twin of twins) expect(await twin.set("k", "w")).toBe("OK");
  });

  it("loses no reply that is under way when it moves", async () => {
    const redis = await ready(proxy.port, { resilience: { retry: false } });
    await old.call("CONFIG", "SET", "slave-read-only", "yes");
    await demote();
    target.port = next.port;
    const state = { isOver: false };
    const outcomes: string[] = [];
    const reading = (async () => {
      while (!state.isOver)
        outcomes.push(...(await Promise.all(Array.from({ length: 50 }, () => outcomeOf(redis.get("r"))))).map(gist));
    })();
    const { at } = await untilWritten(redis, (r) => r.set("k", "v"));
    expect(at).toBeGreaterThan(0);
    state.isOver = true;
    await reading;
    expect(new Set(outcomes)).toEqual(new Set(["ok"]));
    expect(redis.stats()).toMatchObject({ lost: 0, unknownOutcomes: 0 });
  });

  it("whose user may not run the probe's command is left all the same, for what HELLO says of the role", async () => {
    for (const server of [old, next]) {
      await server.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-setrange");
    }
    const redis = await ready(proxy.port, { username: "app", password: "pw", resilience: { retry: false } });
    await demote();
    const written = untilWritten(redis, (r) => r.set("k", "v"));
    await sleep(1_200);
    const { port } = next;
    const reachableAt = performance.now();
    expect((await callsOf(next))["hello"] ?? 0).toBe(0);
    target.port = port;
    expect((await written).at - reachableAt).toBeLessThan(BAR);
  });

  it("a server that stays read-only keeps its connection: reads go on over it", async () => {
    const redis = await ready(proxy.port, { resilience: { retry: false } });
    await demote();
    const id = await redis.client("ID");
    for (let i = 0; i < 20; i++) {
      const { error } = await outcomeOf(redis.set("k", "v"));
      expect(error === undefined ? "" : IoredoubtError.is(error) ? error.code : error.message).toMatch(
        /^READONLY|CIRCUIT/,
      );
      await sleep(50);
    }
    expect(await redis.client("ID")).toBe(id);
  });

  it("ends with the client: a look that hangs keeps neither a socket nor the process", async () => {
    const redis = client(proxy.port, { resilience: { retry: false } });
    await redis.ping();
    await demote();
    proxy.silent();
    const before = proxy.counters.connections;
    await outcomeOf(redis.set("k", "v"));
    redis.disconnect();
    await eventually(() => expect(redis.status).toBe("end"));
    // A silent proxy does not look at its sockets; once it does, it finds them closed.
    await proxy.pass();
    await eventually(() => expect(proxy.counters.open).toBe(0));
    expect(proxy.counters.connections - before).toBeLessThanOrEqual(1);
  });
});

describe("plain ioredis beside it", () => {
  it("stays with the old primary for as long as it watches", async () => {
    const redis = new PlainRedis({ host: "127.0.0.1", port: proxy.port });
    redis.on("error", () => undefined);
    atEnd(() => redis.disconnect());
    await redis.ping();
    await demote();
    target.port = next.port;
    await sleep(BAR);
    expect(gist(await outcomeOf(redis.set("k", "v")))).toMatch(/^READONLY/);
  });
});
