/**
 * Batches that are sent whole, without a promise and a call for each member: to everybody else they are ioredis's, and when
 * something happens to one member, it and the others are told apart.
 */
import { Command, Pipeline, Redis as PlainRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STATE } from "../../src/client/state.js";
import { callOf } from "../../src/engine/call.js";
import { internalsOf, type PipelineInternals } from "../../src/ioredis/internals.js";
import { Member } from "../../src/ioredis/member.js";
import { Run } from "../../src/ioredis/reply-queue.js";
import { Redis } from "../../src/redis.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, gist, proxyTo, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

function membersOf(batch: unknown): Member[] {
  return (batch as PipelineInternals)._queue as unknown as Member[];
}

/** The connection owes replies to a batch that is one entry. */
function owesWhole(redis: Redis): boolean {
  return (internalsOf(redis).commandQueue as { readonly run?: Run | undefined }).run instanceof Run;
}

describe("a batch of a client", () => {
  it.each(["pipeline", "multi"] as const)("has what ioredis's has: %s", (kind) => {
    const plain = new PlainRedis({ lazyConnect: true });
    const ours = new Redis({ lazyConnect: true, resilience: { logger: false } });
    atEnd(() => ours.disconnect());
    for (const client of [plain, ours]) {
      client.defineCommand("mine", { lua: "return 1", numberOfKeys: 0 });
      client.addBuiltinCommand("other");
    }
    const [theirs, own] = [plain[kind](), ours[kind]()];
    expect(own).toBeInstanceOf(Pipeline);
    expect(own.constructor).toBe(theirs.constructor);
    // What `multi` puts on each of its batches, ours inherit; and the length is counted by a getter of all.
    const shown = Object.getOwnPropertyNames(theirs).filter((name) => !["length", "exec", "execBuffer"].includes(name));
    expect(Object.getOwnPropertyNames(own).filter((name) => name !== "nodeifiedPromise")).toEqual(
      expect.arrayContaining(shown),
    );
    for (const name in theirs) {
      const value: unknown = Reflect.get(theirs, name);
      if (["redis", "promise", "options", "_queue"].includes(name)) continue;
      if (typeof value === "function") expect(typeof Reflect.get(own, name), name).toBe("function");
      else if (name === "_shaToScript")
        expect(Object.keys(Reflect.get(own, name) as object)).toEqual(Object.keys(value as object));
      else expect(Reflect.get(own, name), name).toEqual(value);
    }
    expect(own.length).toBe(theirs.length);
  });

  it.each([
    ["texts", "set", ["k", "v", "EX", "10"]],
    ["numbers and buffers", "set", ["k", Buffer.from([0, 255]), "EX", 10]],
    ["lists", "del", [["a", "b"], "c"]],
    ["an object", "hset", ["h", { a: 1, b: "2" }]],
    ["a map", "mset", [new Map([["a", 1]])]],
    ["nothing", "ping", []],
    ["null and a large number", "set", [null, 2 ** 60]],
  ] as const)("has members like ioredis's commands: %s", (_what, name, args) => {
    const ours = new Redis({ lazyConnect: true, resilience: { logger: false } });
    atEnd(() => ours.disconnect());
    const batch = ours.pipeline();
    Reflect.apply(Reflect.get(batch, name) as (...args: unknown[]) => unknown, batch, [...args]);
    const [member] = membersOf(batch);
    if (member === undefined) throw new Error("there is no member");
    expect(member).toBeInstanceOf(Member);
    expect(member).toBeInstanceOf(Command);
    const command = new Command(name, [...args] as never[], { replyEncoding: "utf8" });
    for (const key of Object.keys(command)) {
      if (["promise", "resolve", "reject"].includes(key)) expect(key in member).toBe(true);
      else expect(Reflect.get(member, key), key).toEqual(Reflect.get(command, key));
    }
    const same = member as unknown as Command;
    expect(String(same.toWritable(undefined as never))).toBe(String(command.toWritable(undefined as never)));
    expect(same.getKeys()).toEqual(command.getKeys());
  });

  it("is sent whole, and makes promises for those who ask", async () => {
    const redis = await ready(server.port);
    const batch = redis.pipeline().set("a", "1").lpush("a", "x").get("a");
    const [first, second, third] = membersOf(batch);
    const early = first?.promise;
    const done = batch.exec();
    expect(owesWhole(redis)).toBe(true);
    await expect(done).resolves.toMatchObject([[null, "OK"], [{ name: "ReplyError" }], [null, "1"]]);
    await expect(early).resolves.toBe("OK");
    await expect(second?.promise).rejects.toThrow("WRONGTYPE");
    await expect(third?.promise).resolves.toBe("1");
  });

  it("tells its members apart when the server refuses one", async () => {
    const redis = await ready(server.port);
    await redis.set("text", "x");
    const before = redis[STATE].engine.counters.answered;
    const results = await redis.pipeline().set("b", "1").incr("text").get("b").incr("text").ping().exec();
    expect(results?.map(([error, value]) => (error ? gist(error) : value))).toEqual([
      "OK",
      expect.stringContaining("not an integer"),
      "1",
      expect.stringContaining("not an integer"),
      "PONG",
    ]);
    expect(redis.stats().inFlight).toBe(0);
    expect(redis[STATE].engine.counters.answered).toBe(before + 5);
  });

  it("counts every member while it is under way, and none afterwards", async () => {
    const redis = await ready(server.port);
    const { counters } = redis[STATE].engine;
    const { answered } = counters;
    const done = redis.pipeline().get("a").get("b").get("c").exec();
    const other = redis.multi().get("a").exec();
    expect(redis.stats().inFlight).toBe(6);
    await Promise.all([done, other]);
    expect(redis.stats().inFlight).toBe(0);
    expect(counters.answered).toBe(answered + 6);
  });

  it("ends as a whole when its deadline passes and the connection has gone silent", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 1_000, breaker: false, heartbeat: false } });
    proxy.blackhole();
    const done = redis.pipeline().get("a").incr("late").get("b").exec();
    expect(owesWhole(redis)).toBe(true);
    const results = (await done) ?? [];
    expect(results.map(([error]) => gist(error))).toEqual(Array(3).fill("OutcomeUnknownError maybe"));
    expect(redis.stats().inFlight).toBe(0);
  });

  it("leaves behind replies as many places as it took", async () => {
    const redis = await ready(server.port, { resilience: { inFlight: { maxCommands: 6 } } });
    const batches = Array.from({ length: 20 }, (_, i) =>
      redis
        .pipeline()
        .incr("n")
        .get("none")
        .get("n")
        .exec()
        .then((results) => [i, results]),
    );
    const all = await Promise.all(batches);
    expect(all.map(([i]) => i)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await expect(redis.get("n")).resolves.toBe("20");
    expect(redis.stats()).toMatchObject({ inFlight: 0 });
  });

  it("goes member by member while somebody has put a method of his own in the place of sendCommand", async () => {
    const redis = await ready(server.port);
    const names: string[] = [];
    const { sendCommand } = redis;
    redis.sendCommand = (command, stream) => {
      names.push(command.name);
      return sendCommand.call(redis, command, stream);
    };
    await redis.pipeline().set("a", "1").get("a").exec();
    expect(names).toEqual(["set", "get"]);
  });

  it("has no calls that nobody asked for", async () => {
    const redis = await ready(server.port);
    const batch = redis.pipeline().get("a").get("b").get("c");
    const done = batch.exec();
    const members = membersOf(batch) as unknown as Command[];
    const symbols = members.map((member) => Object.getOwnPropertySymbols(member).map(String));
    expect(symbols.filter((names) => names.includes("Symbol(ioredoubt.call)"))).toHaveLength(1);
    expect(members.map((member) => callOf(member)?.state)).toEqual(["sent", "sent", "sent"]);
    await done;
    expect(members.map((member) => callOf(member)?.state)).toEqual(["settled", "settled", "settled"]);
  });
});
