/**
 * Long blocks are asked for in pieces, so that a path that died without a word is noticed: nothing else may change by it.
 * The tests run side by side, each on keys of its own, because most of their time is the time of a piece.
 */
import { Redis as PlainRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClosedError, type Redis, type ResilienceOptions } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { outcomeOf, sleep } from "./core-harness.js";
import { client } from "./pool-harness.js";

let server: RedisServer;
let monitor: PlainRedis;
/** What the server was asked, each command as one text. */
const asked: string[] = [];
const opened: Redis[] = [];
let keys = 0;

beforeAll(async () => {
  server = await startRedis();
  const watcher = new PlainRedis({ port: server.port, host: "127.0.0.1" });
  monitor = await watcher.monitor();
  watcher.disconnect();
  monitor.on("monitor", (_time: string, args: string[]) => void asked.push(args.join(" ").toLowerCase()));
});
afterAll(async () => {
  for (const redis of opened) redis.disconnect();
  monitor.disconnect();
  await server.stop();
});

const PIECE = 1_000;

/** A client that only blocks. */
function idle(port: number, resilience: ResilienceOptions = {}, options: Parameters<typeof client>[2] = {}): Redis {
  const beating = { heartbeat: { interval: PIECE, timeout: 1_000 }, deadline: 1_000, breaker: false } as const;
  const redis = client(port, { ...beating, ...resilience }, options);
  opened.push(redis);
  return redis;
}

/** A client that has done ordinary work before, so its blocking commands move aside at once. */
async function busy(port: number, resilience: ResilienceOptions = {}): Promise<Redis> {
  const redis = idle(port, resilience);
  for (let n = 0; n < 12; n++) await redis.ping();
  return redis;
}

const KINDS: readonly ((port: number, resilience?: ResilienceOptions) => Promise<Redis>)[] = [
  (port, resilience) => Promise.resolve(idle(port, resilience)),
  busy,
];

function fresh(): string {
  return `pieces-${++keys}`;
}

/** The blocks on a key that the server was asked for. */
function blocksOn(key: string): string[] {
  return asked.filter((text) => /^(b|xread)/.test(text) && text.split(" ").includes(key));
}

/** Resolves when the server has been asked for so many pieces of the block on this key. */
async function pieces(key: string, count: number): Promise<void> {
  await eventually(() => expect(blocksOn(key).length).toBeGreaterThanOrEqual(count), { withinMs: 15_000 });
}

const ENDLESS: readonly [
  string,
  (redis: Redis, key: string) => Promise<unknown>,
  string[],
  (key: string) => unknown,
][] = [
  ["BLPOP", (redis, k) => redis.blpop(k, 0), ["RPUSH", "v"], (k) => [k, "v"]],
  ["BRPOP", (redis, k) => redis.brpop(k, 0), ["RPUSH", "v"], (k) => [k, "v"]],
  ["BLMOVE", (redis, k) => redis.blmove(k, `${k}:to`, "LEFT", "RIGHT", 0), ["RPUSH", "v"], () => "v"],
  ["BRPOPLPUSH", (redis, k) => redis.brpoplpush(k, `${k}:to`, 0), ["RPUSH", "v"], () => "v"],
  ["BLMPOP", (redis, k) => redis.blmpop(0, 1, k, "LEFT"), ["RPUSH", "v"], (k) => [k, ["v"]]],
  ["BZPOPMIN", (redis, k) => redis.bzpopmin(k, 0), ["ZADD", "1", "v"], (k) => [k, "v", "1"]],
  ["BZPOPMAX", (redis, k) => redis.bzpopmax(k, 0), ["ZADD", "1", "v"], (k) => [k, "v", "1"]],
  ["BZMPOP", (redis, k) => redis.bzmpop(0, 1, k, "MIN"), ["ZADD", "1", "v"], (k) => [k, [["v", "1"]]]],
  [
    "XREAD from $",
    (redis, k) => redis.xread("BLOCK", 0, "STREAMS", k, "$"),
    ["XADD", "5-1", "f", "v"],
    (k) => [[k, [["5-1", ["f", "v"]]]]],
  ],
  [
    "XREADGROUP",
    async (redis, k) => {
      await server.call("XGROUP", "CREATE", k, "g", "$", "MKSTREAM");
      return redis.xreadgroup("GROUP", "g", "me", "BLOCK", 0, "STREAMS", k, ">");
    },
    ["XADD", "5-1", "f", "v"],
    (k) => [[k, [["5-1", ["f", "v"]]]]],
  ],
];

describe.concurrent("a long block", { timeout: 30_000 }, () => {
  it("gives each command what is pushed after the first piece", async () => {
    const cases = KINDS.flatMap((make) => ENDLESS.map((row) => [make, ...row] as const));
    await Promise.all(
      cases.map(async ([make, name, block, [push = "", ...args], reply]) => {
        const key = fresh();
        const popped = block(await make(server.port), key);
        await pieces(key, 2);
        await server.call(push, key, ...args);
        expect(await popped, name).toEqual(reply(key));
      }),
    );
  });

  it.each([0, 1])("ends once, when its own time is over, and at once with its client (%i)", async (kind) => {
    const make = KINDS[kind] ?? busy;
    const [ends, closes] = await Promise.all([make(server.port), make(server.port)]);
    const [key, other] = [fresh(), fresh()];
    const start = performance.now();
    const lasting = ends.blpop(key, 2.2);
    const cut = closes.blpop(other, 0).catch((error: unknown) => error);
    await pieces(other, 2);
    const closing = performance.now();
    closes.disconnect();
    expect(await cut).toBeInstanceOf(ClosedError);
    expect(performance.now() - closing).toBeLessThan(600);
    expect(await lasting).toBeNull();
    expect(performance.now() - start).toBeGreaterThan(2_190);
    expect(blocksOn(key).length).toBeGreaterThan(1);
  });

  it.each([
    [0, "by its deadline", {}, /DEADLINE|OUTCOME_UNKNOWN/],
    [1, "by its deadline", {}, /DEADLINE|OUTCOME_UNKNOWN/],
    [0, "by the heartbeat where there is no deadline", { deadline: false }, /OUTCOME_UNKNOWN/],
    [1, "by the heartbeat where there is no deadline", { deadline: false }, /OUTCOME_UNKNOWN/],
  ] as const)("is given up on a path that swallows everything (%i, %s)", async (kind, _how, resilience, code) => {
    await using proxy = await startProxy({ target: server });
    const redis = await (KINDS[kind] ?? busy)(proxy.port, resilience);
    const key = fresh();
    const popped = outcomeOf(redis.blpop(key, 0));
    await pieces(key, 1);
    proxy.blackhole();
    // The server may pop it, and then its reply goes nowhere.
    await server.call("RPUSH", key, "v");
    const { error, after } = await popped;
    expect(error).toMatchObject({ code: expect.stringMatching(code) as string, applied: "maybe" });
    expect(after).toBeLessThan(10_000);
    await server.call("DEL", key);
    await proxy.pass();
    await server.call("RPUSH", key, "next");
    expect(await redis.blpop(key, 5)).toEqual([key, "next"]);
  });

  it("loses no element and gives none twice, wherever between two pieces it comes", async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => busy(server.port)));
    const key = fresh();
    const got: string[] = [];
    const total = 75;
    // More of them than are served within a piece, and their pieces end at different moments.
    const consumers = Array.from({ length: 30 }, async (_, n) => {
      await sleep(n * 33);
      for (;;) {
        const reply = await clients[n % 4]?.blpop(key, 0);
        if (reply?.[1] === "end") return;
        got.push(String(reply?.[1]));
      }
    });
    for (let n = 0; n < total; n++) {
      await server.call("RPUSH", key, String(n));
      await sleep(50);
    }
    await server.call("RPUSH", key, ...consumers.map(() => "end"));
    await Promise.all(consumers);
    expect(got.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(blocksOn(key).length).toBeGreaterThan(total + consumers.length);
  });

  it("is left whole without a heartbeat, under blockingTimeout and where the server would refuse it", async () => {
    const [calm, limited, refused] = [fresh(), fresh(), fresh()];
    const replies = await Promise.all([
      idle(server.port, { heartbeat: false }).blpop(calm, 2),
      idle(server.port, {}, { blockingTimeout: 5_000 }).blpop(limited, 2),
      outcomeOf(idle(server.port).call("blpop", refused, -1)),
    ]);
    expect(replies).toMatchObject([null, null, { error: { message: "ERR timeout is negative" } }]);
    for (const key of [calm, limited, refused]) expect(blocksOn(key)).toHaveLength(1);
  });

  it("of XREAD from a $ that could not be pinned is never repeated", async () => {
    await using strict = await startRedis({ acl: ["user default on nopass ~* &* +@all -xrevrange"] });
    const key = fresh();
    const read = idle(strict.port).xread("BLOCK", 0, "STREAMS", key, "$");
    const waiting = / idle=(\d+) .* cmd=xread /;
    await eventually(async () => expect(await strict.cli("CLIENT", "LIST")).toMatch(waiting));
    await sleep(PIECE * 1.7);
    expect(Number(waiting.exec(await strict.cli("CLIENT", "LIST"))?.[1])).toBeGreaterThan(0);
    await strict.call("XADD", key, "1-1", "f", "v");
    expect(await read).toEqual([[key, [["1-1", ["f", "v"]]]]]);
  });
});
