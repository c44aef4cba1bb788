/** The faults of `ioredoubt/testing`: each happens to the command that it is meant for, and the account says what was executed. */
import { Redis as PlainRedis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chaos, startChaos, startReplica, type Chaos, type ChaosRule } from "../../lab/testing.mjs";
import { Cluster } from "../../src/cluster.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, gist, ignore, outcomeOf, outcomesOf, ready, type TestOptions } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

let relay: Chaos;
beforeEach(async () => {
  await server.call("FLUSHALL");
  relay = await startChaos({ port: server.port });
  atEnd(() => relay.stop());
});

const dialects = [
  ["RESP3", { protocol: 3 }],
  ["RESP2", { protocol: 2 }],
] as unknown as readonly [string, TestOptions][];
/** Nothing is late, and the silent are found soon. */
const options: TestOptions = { resilience: { heartbeat: { interval: 1_000, timeout: 1_000 } } };

describe.each(dialects)("a rule (%s)", (_, dialect) => {
  it.each<[string, Partial<ChaosRule> & Pick<ChaosRule, "do">, string, number]>([
    ["drops the reply of what was executed", { do: "dropReply" }, "OutcomeUnknownError maybe", 1],
    ["cuts once it was executed", { do: "cut" }, "OutcomeUnknownError maybe", 1],
    ["cuts before the server has seen it", { do: "cut", after: "issued" }, "OutcomeUnknownError maybe", 0],
    ["is late", { do: "delay", ms: 30 }, "ok", 1],
    ["freezes", { do: "freeze", ms: 30 }, "ok", 1],
    ["refuses, and new connections as well", { do: "refuse", ms: 30 }, "OutcomeUnknownError maybe", 0],
    ["is read-only", { do: "READONLY" }, "ok", 1],
    ["loads", { do: "LOADING" }, "ok", 1],
    ["is full", { do: "OOM" }, "OOM command not allowed when used memory > 'maxmemory'.", 0],
  ])("%s, and nothing else has the fault", async (_name, rule, said, executed) => {
    const redis = await ready(relay.port, { ...options, ...dialect });
    const happened = relay.rule({ match: "incr", ...rule });
    const calls = [redis.set("a", "1"), redis.incr("n"), redis.get("a")];
    const [set, incr, get] = await outcomesOf(calls);
    expect([gist(set), gist(incr)]).toEqual(["ok", said]);
    expect(gist(get)).toBe("ok");
    expect([happened.hits, relay.executions("incr")]).toEqual([1, executed]);
    expect(Number(await server.call("GET", "n"))).toBe(executed);
    expect(await redis.incr("other")).toBe(1);
  });

  it("tells what was executed in transactions, which a refused member ends as the server would end them", async () => {
    const redis = await ready(relay.port, { ...options, ...dialect });
    await redis.multi().incr("n").set("k", "1").exec();
    expect([relay.executions("incr"), relay.executions("set"), relay.executions("exec")]).toEqual([1, 1, 0]);
    relay.rule({ match: "set", do: "OOM" });
    const outcome = await outcomeOf(redis.multi().incr("n").set("k", "2").exec());
    expect(gist(outcome)).toMatch(/^EXECABORT/);
    expect([await server.call("GET", "n"), relay.executions("incr")]).toEqual(["1", 1]);
    expect(await redis.get("k")).toBe("1");
    expect(await redis.multi().incr("n").exec()).toEqual([[null, 2]]);
  });

  it("leaves what subscribers hear alone", async () => {
    const redis = await ready(relay.port, { ...options, ...dialect });
    const heard: string[] = [];
    redis.on("message", (_channel: string, message: string) => heard.push(message));
    await redis.subscribe("news");
    await server.call("PUBLISH", "news", "1");
    await eventually(() => expect(heard).toEqual(["1"]));
  });
});

it("happens by chance, the same chance for the same seed", async () => {
  const runs = [];
  for (const seed of [7, 7, 8]) {
    const one = await startChaos({ port: server.port });
    atEnd(() => one.stop());
    const redis = await ready(one.port, options);
    one.rule({ match: /^incr$/, do: "OOM", chance: 0.5, times: Infinity, seed });
    const outcomes = await outcomesOf(Array.from({ length: 40 }, () => redis.incr("n")));
    runs.push(outcomes.map(gist).join());
  }
  expect(runs[0]).toBe(runs[1]);
  expect(runs[0]).not.toBe(runs[2]);
});

it.each<[string, unknown]>([
  ["do", { match: "incr", do: "explode" }],
  ["match", { match: 1, do: "cut" }],
  ["after", { match: "incr", do: "cut", after: "then" }],
  ["times", { match: "incr", do: "cut", times: -1 }],
  ["ms", { match: "incr", do: "delay", ms: "1" }],
])("is refused when %s is wrong", (name, rule) => {
  expect(() => relay.rule(rule as ChaosRule)).toThrow(new RegExp(`^${name} must be`));
});

describe("chaos(client)", () => {
  it("leads a client through a relay, before and after it was connected, with what it makes later", async () => {
    for (const redis of [client(server.port, options), await ready(server.port, options)]) {
      const led = await chaos(redis, { match: "incr", do: "cut" });
      atEnd(() => led.stop());
      expect(gist(await outcomeOf(redis.incr("n")))).toBe("OutcomeUnknownError maybe");
      expect(await chaos(redis)).toBe(led);
      await redis.withConnection((lease) => lease.set("lease", "1"));
      expect([led.executions("incr"), led.executions("set")]).toEqual([1, 1]);
    }
  });

  it("leads a client of plain ioredis as well, which sends again what was executed", async () => {
    const plain = new PlainRedis({ host: "127.0.0.1", port: server.port, retryStrategy: () => 20 });
    plain.on("error", ignore);
    atEnd(() => plain.disconnect());
    const led = await chaos(plain, { match: "incr", do: "cut" });
    atEnd(() => led.stop());
    await plain.incr("n");
    expect(led.executions("incr")).toBe(2);
  });

  it("refuses clients whose words it could not read", async () => {
    const redis = client(server.port, { tls: {}, lazyConnect: true });
    await expect(chaos(redis)).rejects.toThrow("without TLS");
  });
});

it("starts replicas that are in step", async () => {
  await server.call("SET", "k", "v");
  const replica = await startReplica(server);
  atEnd(() => replica.stop());
  expect(await replica.call("GET", "k")).toBe("v");
});

it("a RegExp that is global matches each time", async () => {
  const rule = relay.rule({ match: /incr/g, do: "OOM", times: Infinity });
  const redis = await ready(relay.port, options);
  for (let time = 1; time <= 3; time++) {
    await outcomeOf(redis.incr("n"));
    expect(rule.hits).toBe(time);
  }
});

it("a client of a Cluster is refused, which is never led through a relay", async () => {
  const cluster = new Cluster([server.port], { lazyConnect: true, resilience: { logger: false } });
  atEnd(() => cluster.disconnect());
  await expect(chaos(cluster as never)).rejects.toThrow(TypeError);
});
