/** What cannot be encoded is refused before it is written, and no later reply goes to another caller for it. */
import { tracingChannel } from "node:diagnostics_channel";
import { Command, Pipeline } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, clean, client, nextUncaught, outcomeOf, outcomesOf, ready, type TestOptions } from "./core-harness.js";

const VALUE = "CANARYvalue";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await clean(server);
  await server.call("MSET", "alice", "of alice", "bob", "of bob", "carol", "of carol");
});

function bare(): object {
  return Object.assign(Object.create(null) as object, { a: VALUE });
}

const BAD: Readonly<Record<string, () => unknown>> = {
  "an object without a prototype": bare,
  "a toString that throws": () => ({
    toString() {
      throw new Error(VALUE);
    },
  }),
  "a toString that returns an object": () => ({ toString: () => ({}), valueOf: () => ({}) }),
  "a proxy that throws": () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error(VALUE);
        },
      },
    ),
  "a nested array": () => [["x", [bare()]]],
};

/** Each reply belongs to its caller, and nothing that was refused was executed. */
async function expectInStep(redis: Redis): Promise<void> {
  expect(await Promise.all(["alice", "bob", "carol"].map((key) => redis.get(key)))).toEqual([
    "of alice",
    "of bob",
    "of carol",
  ]);
  expect(await server.call("EXISTS", "first", "bad", "last")).toBe(0);
}

function expectRefusal(error: unknown, text: string): void {
  expect(error).toMatchObject({ code: "ARGUMENT_INVALID", applied: "no", attempts: expect.any(Number) as number });
  const { message, stack } = error as Error;
  expect(message).toContain(text);
  expect(`${message}${String(stack)}${JSON.stringify(error)}`).not.toContain(VALUE);
}

const MODES: Readonly<Record<string, TestOptions>> = {
  "one connection": {},
  lanes: { resilience: { pool: { size: 2 } } },
};

describe.each(Object.entries(MODES))("an argument that is no text, with %s", (_, options) => {
  it.each(Object.entries(BAD))("%s: alone, in a pipeline, in a MULTI", async (_kind, make) => {
    const redis = await ready(server.port, options);
    const before = redis.get("alice");
    const alone = outcomeOf(redis.set("bad", make() as string));
    const pipeline = redis
      .pipeline()
      .set("first", "1")
      .set("bad", make() as string)
      .set("last", "1")
      .exec();
    const multi = outcomeOf(
      redis
        .multi()
        .set("first", "1")
        .set("bad", make() as string)
        .set("last", "1")
        .exec(),
    );
    const after = redis.get("bob");
    expectRefusal((await alone).error, "SET was not sent: argument 2 (");
    const results = (await pipeline) ?? [];
    expect(results).toHaveLength(3);
    for (const [error] of results) expectRefusal(error, "SET of this batch; nothing of the batch was sent");
    expectRefusal((await multi).error, "EXEC was not sent: argument 2 (");
    expect([await before, await after]).toEqual(["of alice", "of bob"]);
    await expectInStep(redis);
  });

  it("a batch that is executed later than it was filled", async () => {
    const redis = await ready(server.port, options);
    const pipeline = redis
      .pipeline()
      .set("first", "1")
      .set("bad", bare() as never);
    await redis.ping();
    const results = (await pipeline.exec()) ?? [];
    for (const [error] of results) expectRefusal(error, "argument 2 (object without a prototype)");
    expect(results).toHaveLength(2);
    await expectInStep(redis);
  });

  it("a view, a callback, a transformer, a name", async () => {
    const redis = await ready(server.port, options);
    expectRefusal((await outcomeOf(redis.withDeadline(5000).set("bad", bare() as never))).error, "argument 2");
    const told: unknown[] = [];
    void redis.set("bad", bare() as never, (error) => told.push(error));
    void redis
      .pipeline()
      .set("first", "1")
      .set("bad", bare() as never, (error) => told.push(error))
      .exec();
    await eventually(() => expect(told).toEqual([expect.any(Error), expect.any(Error)]));
    const mset = {
      bad: "1",
      get worse(): string {
        throw new Error(VALUE);
      },
    };
    expectRefusal((await outcomeOf(redis.mset(mset))).error, "MSET was not sent");
    expectRefusal((await outcomeOf(redis.call(undefined as never, "bad"))).error, "its name is no string (undefined)");
    const named =
      (await redis
        .pipeline()
        .set("first", "1")
        .call(7 as never, "bad")
        .exec()) ?? [];
    for (const [error] of named) expectRefusal(error, "its name is no string (number)");
    await expectInStep(redis);
  });

  it("a pipeline that the caller made without the client", async () => {
    const redis = await ready(server.port, options);
    const pipeline = new Pipeline(redis as never);
    void pipeline
      .set("first", "1")
      .set("bad", bare() as never)
      .set("last", "1")
      .exec();
    await expectInStep(redis);
  });
});

describe("what throws while it is handed over", () => {
  /** A command whose encoding throws only when it is written. */
  function breaksLater(): Command {
    const command = new Command("set", ["bad", "1"]);
    command.args = ["bad", bare() as never];
    return command;
  }

  it("takes back what was queued of its batch, and a SELECT with it", async () => {
    const redis = await ready(server.port);
    const pipeline = redis.pipeline().select(3).set("first", "1");
    (pipeline as unknown as { sendCommand(command: Command): void }).sendCommand(breaksLater());
    const results = (await pipeline.set("last", "1").exec()) ?? [];
    expect(results).toHaveLength(4);
    for (const [error] of results) expectRefusal(error, "argument 2 (object without a prototype)");
    await expectInStep(redis);
  });

  it("is refused when it was waiting for the connection", async () => {
    const redis = client(server.port);
    const first = redis.get("alice");
    const pipeline = redis.pipeline().set("first", "1");
    (pipeline as unknown as { sendCommand(command: Command): void }).sendCommand(breaksLater());
    const results = pipeline.set("last", "1").exec();
    const alone = breaksLater();
    const refused = outcomeOf(alone.promise);
    redis.sendCommand(alone);
    const last = redis.get("carol");
    for (const [error] of (await results) ?? []) expectRefusal(error, "argument 2");
    expectRefusal((await refused).error, "argument 2");
    expect([await first, await last]).toEqual(["of alice", "of carol"]);
    await expectInStep(redis);
  });

  it("with a tracer listening", async () => {
    const redis = await ready(server.port);
    const channel = tracingChannel("ioredis:command");
    const subscriber = { start() {}, end() {}, asyncStart() {}, asyncEnd() {}, error() {} };
    channel.subscribe(subscriber);
    atEnd(() => channel.unsubscribe(subscriber));
    const pipeline = redis.pipeline().set("first", "1");
    (pipeline as unknown as { sendCommand(command: Command): void }).sendCommand(breaksLater());
    for (const [error] of (await pipeline.set("last", "1").exec()) ?? []) expectRefusal(error, "argument 2");
    expectRefusal((await outcomeOf(redis.set("bad", bare() as never))).error, "argument 2");
    await expectInStep(redis);
  });

  it("does not stop a batch when it is a listener of the caller's", async () => {
    const redis = await ready(server.port);
    const thrown = nextUncaught();
    redis.once("select", () => {
      throw new Error("the listener's own");
    });
    const results = await redis.pipeline().select(0).select(1).get("nothing").select(0).get("alice").exec();
    expect(results?.map(([error, value]) => error ?? value)).toEqual(["OK", "OK", null, "OK", "of alice"]);
    expect(await thrown).toEqual(new Error("the listener's own"));
    await expectInStep(redis);
  });

  it("a member that ioredis refuses: the rest of its batch is not written either", async () => {
    const redis = await ready(server.port, { protocol: 2 });
    await redis.subscribe("one");
    const results = (await redis.pipeline().subscribe("two").get("alice").subscribe("three").exec()) ?? [];
    expect(results).toHaveLength(3);
    // In ioredis's own words, as each would have been refused alone.
    for (const [error] of results) {
      expect(error?.message).toBe("Connection in subscriber mode, only subscriber commands may be used");
      expect(error).toMatchObject({ diagnosis: { code: "SUBSCRIBER_MODE", applied: "no" } });
    }
    expect(await redis.unsubscribe("one")).toBe(0);
    await expectInStep(redis);
  });
});

describe("automatic pipelines", () => {
  it("refuse the one command, and keep the replies of the others in step", async () => {
    const redis = await ready(server.port, { enableAutoPipelining: true });
    const calls = [redis.get("alice"), redis.set("bad", bare() as never), redis.get("bob"), redis.get("carol")];
    const [alice, bad, bob, carol] = await outcomesOf(calls);
    expect([alice?.value, bob?.value, carol?.value]).toEqual(["of alice", "of bob", "of carol"]);
    expectRefusal(bad?.error, "argument 2 (object without a prototype)");
    await expectInStep(redis);
  });
});
