/** What is refused for a passing reason goes again only where it overtakes nothing; reads go on while writes are refused. */
import { describe, expect, it } from "vitest";
import {
  client,
  expectError,
  gist,
  outcomeOf,
  outcomesOf,
  scriptedServer,
  waitsAgain,
  type TestOptions,
} from "./core-harness.js";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";

const READONLY = "-READONLY You can't write against a read only replica.\r\n";
const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";
const OK = "+OK\r\n";
const FAST = { minTimeout: 5, maxTimeout: 20 };

/** Connected, without a command of its own that the server would count. */
async function ready(port: number, options: TestOptions): Promise<Redis> {
  const redis = client(port, options);
  await eventually(() => expect(redis.status).toBe("ready"));
  return redis;
}

/** Refuses the commands with these numbers, counted from one. */
function refusing(...numbers: number[]) {
  return scriptedServer((_, nth) => (numbers.includes(nth) ? LOADING : OK));
}

describe("a refused command", () => {
  it.each<[string, readonly string[], (redis: Redis) => Promise<unknown>]>([
    ["a write of the same key", ["append"], (redis) => redis.append("k", "2")],
    ["a read of the same key", ["get"], (redis) => redis.get("k")],
    ["one of several keys", ["mset"], (redis) => redis.mset("a", "1", "k", "2")],
    ["the same key as a Buffer", ["set"], (redis) => redis.set(Buffer.from("k"), "2")],
    ["FLUSHALL", ["flushall"], (redis) => redis.flushall()],
    ["a script without keys", ["eval"], (redis) => redis.eval("return 1", 0)],
    ["a MULTI", ["multi", "set", "exec"], (redis) => redis.multi().set("other", "1").exec()],
  ])("ends with the server's own error where %s was executed behind it", async (_, names, behind) => {
    const server = await refusing(1);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const [first, second] = await outcomesOf([redis.set("k", "1"), behind(redis)]);
    expect(first?.error).toMatchObject({ message: LOADING.slice(1, -2), diagnosis: { applied: "no" } });
    expect(gist(second)).toBe("ok");
    expect(server.seen).toEqual(["set", ...names]);
    expect(redis.stats()).toMatchObject({ inFlight: 0, waiting: { commands: 0 } });
    expect(await redis.ping()).toBe("OK");
  });

  it.each<[string, readonly string[], (redis: Redis) => Promise<unknown>]>([
    ["another key", ["set"], (redis) => redis.set("other", "2")],
    ["no key and no data", ["ping"], (redis) => redis.ping()],
    ["a MULTI that reads another key", ["multi", "get", "exec"], (redis) => redis.multi().get("other").exec()],
  ])("goes again where only %s came behind it", async (_, names, behind) => {
    const server = await refusing(1);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const outcomes = await outcomesOf([redis.set("k", "1"), behind(redis)]);
    expect(outcomes.map(gist)).toEqual(["ok", "ok"]);
    expect(server.seen).toEqual(["set", ...names, "set"]);
  });

  it("goes again past a read when it is one itself", async () => {
    const server = await refusing(1);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const outcomes = await outcomesOf([redis.get("k"), redis.strlen("k")]);
    expect(outcomes.map(gist)).toEqual(["ok", "ok"]);
    expect(server.seen).toEqual(["get", "strlen", "get"]);
  });

  it("goes again in its order with those behind it that were refused too", async () => {
    const server = await refusing(1, 2, 3, 4, 5);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const outcomes = await outcomesOf([redis.set("k", "1"), redis.append("k", "2"), redis.del("k")]);
    expect(outcomes.map(gist)).toEqual(["ok", "ok", "ok"]);
    expect(server.seen.slice(3)).toEqual(["set", "set", "set", "append", "del"]);
  });

  it("is not overtaken by what comes while it waits", async () => {
    const server = await refusing(1);
    const redis = await ready(server.port, {
      resilience: { breaker: false, retry: { minTimeout: 50, maxTimeout: 50 } },
    });
    const first = redis.set("k", "1");
    await waitsAgain(redis);
    const outcomes = await outcomesOf([first, redis.append("k", "2")]);
    expect(outcomes.map(gist)).toEqual(["ok", "ok"]);
    expect(server.seen).toEqual(["set", "set", "append"]);
  });

  it("waits until its deadline, however many tries that takes", async () => {
    const server = await scriptedServer((_, nth) => (nth <= 12 ? LOADING : OK));
    const redis = await ready(server.port, { resilience: { breaker: false, retry: { ...FAST, retries: 1 } } });
    expect(await redis.set("k", "1")).toBe("OK");
    expect(server.seen).toHaveLength(13);
  });

  it("is told at once with retries: 0", async () => {
    const server = await refusing(1);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: { retries: 0 } } });
    expect((await outcomeOf(redis.set("k", "1"))).error?.message).toBe(LOADING.slice(1, -2));
    expect(server.seen).toEqual(["set"]);
  });

  it("brings one command a backoff to a server that refuses everything, however many wait", async () => {
    const server = await scriptedServer((_, nth) => (nth <= 55 ? LOADING : OK));
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const outcomes = await outcomesOf(Array.from({ length: 50 }, (_, n) => redis.incr(`n${String(n)}`)));
    expect(outcomes.map(gist)).toEqual(outcomes.map(() => "ok"));
    expect(server.seen).toHaveLength(105);
  });
});

describe("a refused member of a plain pipeline", () => {
  it("goes again alone, with the others answered", async () => {
    const server = await refusing(2);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const results = await redis.pipeline().set("a", "1").set("b", "2").set("c", "3").exec();
    expect(results?.map(([error]) => error)).toEqual([null, null, null]);
    expect(server.seen).toHaveLength(4);
  });

  it("ends with the server's error where a later member has its key", async () => {
    const server = await refusing(1);
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const results = await redis.pipeline().set("a", "1").set("a", "2").exec();
    expect(results?.[0]?.[0]?.message).toBe(LOADING.slice(1, -2));
    expect(results?.[1]).toEqual([null, "OK"]);
    expect(server.seen).toEqual(["set", "set"]);
  });
});

describe("a refused MULTI", () => {
  it("does not go again past what was executed behind it", async () => {
    const server = await scriptedServer((name, nth) =>
      nth <= 3 ? (name === "exec" ? "-EXECABORT Transaction discarded because of previous errors.\r\n" : LOADING) : OK,
    );
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const [multi, set] = await outcomesOf([redis.multi().set("k", "1").exec(), redis.set("k", "2")]);
    expect(multi?.error?.message).toMatch(/EXECABORT/);
    expect(gist(set)).toBe("ok");
    expect(server.seen).toEqual(["multi", "set", "exec", "set"]);
  });
});

describe("while only writes are refused", () => {
  it("reads go on past a write that waits, but not past one of their own key", async () => {
    let isReadOnly = true;
    const server = await scriptedServer((name) => (name === "set" && isReadOnly ? READONLY : OK));
    const redis = await ready(server.port, {
      resilience: { breaker: false, retry: { minTimeout: 5, maxTimeout: 20 } },
    });
    const write = redis.set("k", "1");
    await waitsAgain(redis, 3);
    const own = redis.get("k");
    expect(await redis.get("other")).toBe("OK");
    expect(await redis.pipeline().get("x").get("y").exec()).toEqual([
      [null, "OK"],
      [null, "OK"],
    ]);
    expect(
      await redis
        .multi({ pipeline: true })
        .get("z")
        .exec()
        .then(() => "answered", String),
    ).toBe("answered");
    expect(redis.stats().waiting.commands).toBeGreaterThan(0);
    isReadOnly = false;
    expect(await Promise.all([write, own])).toEqual(["OK", "OK"]);
    expect(server.seen.slice(-2)).toEqual(["set", "get"]);
  });

  it("a read of its own key waits for a write that is tried first on a new connection", async () => {
    let isReadOnly = true;
    const server = await scriptedServer((name) => (/^set/.test(name) && isReadOnly ? READONLY : OK));
    const redis = await ready(server.port, { resilience: { breaker: false, retry: FAST } });
    const write = redis.set("k", "1");
    await waitsAgain(redis, 1);
    const own = redis.get("k");
    const back = new Promise((resolve) => redis.once("ready", resolve));
    redis.stream.destroy();
    await back;
    const { retried } = redis.stats();
    await waitsAgain(redis, retried + 1);
    expect(server.seen).not.toContain("get");
    isReadOnly = false;
    expect(await Promise.all([write, own])).toEqual(["OK", "OK"]);
    expect(server.seen.slice(-2)).toEqual(["set", "get"]);
  });

  it("a batch is judged by all it holds once the write circuit is open", async () => {
    const server = await scriptedServer((name) => (/set/.test(name) ? READONLY : OK));
    const redis = client(server.port, { resilience: { retry: false, breaker: { volumeThreshold: 3 } } });
    await eventually(async () => {
      await outcomeOf(redis.set("k", "1"));
      expect(redis.stats().breaker.write.state).toBe("open");
    });
    const sent = server.seen.length;
    const reads = redis.pipeline().get("a").get("b").exec();
    const mixed = redis.pipeline().get("c").set("d", "1").exec();
    const after = redis.get("e");
    expect((await reads)?.map(([error]) => error)).toEqual([null, null]);
    for (const [error] of (await mixed) ?? []) {
      expect(error && gist(error)).toBe("CircuitOpenError no");
    }
    expect(await after).toBe("OK");
    expect(server.seen.slice(sent).filter((name) => name !== "setrange")).toEqual(["get", "get", "get"]);
    const whole = await outcomeOf(redis.multi().get("a").exec());
    expect(whole.error).toBeUndefined();
    expectError(await outcomeOf(redis.multi().get("a").set("b", "1").exec()), "CircuitOpenError", "no");
  });
});
