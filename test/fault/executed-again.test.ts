/** Batches whose `exec()` is called again, as in loops that fill one pipeline and execute it every now and then. */
import { Command, type ChainableCommander } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "../../src/cluster.js";
import type { Redis } from "../../src/redis.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { ScriptedNode } from "../helpers/scripted-node.js";
import { atEnd, clean, ignore, outcomeOf, proxyTo, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await clean(server);
  await server.call("MSET", "alice", "of alice", "bob", "of bob", "p:alice", "of alice", "p:bob", "of bob");
});

/** Ways of making a batch: this package's own, ioredis's with members that are handed over, and those of a view. */
const WAYS: readonly (readonly [string, (port: number) => Promise<Redis>])[] = [
  ["its own", (port) => ready(port)],
  ["with a key prefix", (port) => ready(port, { keyPrefix: "p:" })],
  ["of a view", async (port) => (await ready(port)).withDeadline(20_000)],
];
const KINDS = ["pipeline", "multi"] as const;
const ALL = WAYS.flatMap(([way, open]) => KINDS.map((kind) => [kind, way, open] as const));

/** Each reply belongs to its caller. */
async function expectInStep(redis: Redis): Promise<void> {
  const replies = ["alice", "bob", "alice"].map((key) => redis.get(key));
  await expect(Promise.all(replies)).resolves.toEqual(["of alice", "of bob", "of alice"]);
}

describe.each(ALL)("a %s, %s, that is executed again", (kind, _way, open) => {
  it("sends what was added since, and nothing twice", async () => {
    const redis = await open(server.port);
    const batch: ChainableCommander = redis[kind]().incr("n");
    const first = await batch.exec();
    batch.incr("n").set("added", "2");
    await batch.exec();
    await expectInStep(redis);
    expect(first).toEqual([[null, 1]]);
    await expect(redis.mget("n", "added")).resolves.toEqual(["2", "2"]);
  });

  it("is executed once where both are called in one turn, and nobody is told otherwise", async () => {
    const redis = await open(server.port);
    const batch = redis[kind]().incr("n").get("n");
    const [first, second] = await Promise.all([batch.exec(), batch.exec()].map((done) => outcomeOf(done)));
    expect(first?.value).toEqual([
      [null, 1],
      [null, "1"],
    ]);
    expect(second?.error).toBeUndefined();
    await expectInStep(redis);
    await expect(redis.get("n")).resolves.toBe("1");
  });

  it("sends what was added again, whole, where its connection was lost", async () => {
    const proxy = await proxyTo(server);
    const redis = await open(proxy.port);
    const batch: ChainableCommander = redis[kind]().get("alice");
    await batch.exec();
    proxy.dropReplies();
    let told = 0;
    batch.get("bob", () => told++).get("alice", () => told++);
    await batch.exec();
    await proxy.pass();
    proxy.cutAll();
    await expectInStep(redis);
    expect(told).toBe(2);
  });
});

it("counts on nothing but the members of each time in a Cluster", async () => {
  const node = await new ScriptedNode().start();
  atEnd(() => node[Symbol.asyncDispose]());
  node.table = [{ slots: [0, 16_383], master: node.port, replicas: [] }];
  const resilience = { profile: "production", logger: false } as const;
  const cluster = new Cluster([{ host: "127.0.0.1", port: node.port }], { resilience });
  atEnd(() => cluster.disconnect());
  cluster.on("error", ignore);
  const batch = cluster.multi().incr("a");
  const first = batch.exec();
  // In another slot than the transaction.
  batch.incr("b").incr("c");
  await Promise.all([first, batch.exec()].map((done) => outcomeOf(done)));
  await expect(cluster.incr("d")).resolves.toBe(1);
  expect(node.seen).toEqual(["multi", "incr", "exec", "incr", "incr", "incr"]);
});

describe("a command that somebody else made", () => {
  it.each(WAYS)("is settled with its batch: %s", async (_way, open) => {
    const redis = await open(server.port);
    await redis.set("text", "of text");
    const batch = redis.pipeline();
    const commands = [new Command("get", ["text"], { replyEncoding: "utf8" }), new Command("incr", ["text"])];
    for (const command of commands) (batch as unknown as { sendCommand(command: Command): void }).sendCommand(command);
    const results = await batch.exec();
    const outcomes = await Promise.all(commands.map(({ promise }) => outcomeOf(promise)));
    expect(outcomes.map(({ value }) => value)).toEqual(results?.map(([, value]) => value));
    expect(outcomes.map(({ error }) => error ?? null)).toEqual(results?.map(([error]) => error));
  });
});
