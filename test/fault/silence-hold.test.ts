/** A server that stands still gets nothing more until it answers: what comes waits, goes in order, and has a known outcome. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, clean, client, gist, outcomesOf, proxyTo, ready, sleep } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

const HOLD = 100;
const held = { silenceHold: HOLD };

/** Issues one after the other until one of them waits; returns all. */
async function issueUntilHeld<T>(redis: Redis, issue: () => Promise<T>): Promise<Promise<T>[]> {
  const issued: Promise<T>[] = [];
  await eventually(() => {
    const promise = issue();
    promise.catch(() => undefined);
    issued.push(promise);
    expect(redis.stats().waiting.commands).toBeGreaterThan(0);
  });
  return issued;
}

/** Stands still until the end of the test, at the latest. */
function freeze(): void {
  server.freeze();
  atEnd(() => server.thaw());
}

describe("a connection that owes a reply and is silent", () => {
  it("gets nothing more, and what waits goes in order once it answers", async () => {
    const redis = await ready(server.port, { resilience: { ...held, queue: { maxCommands: 5 } } });
    freeze();
    const before = await issueUntilHeld(redis, () => redis.incr("n"));
    const inFlight = redis.stats().inFlight;
    // Not the queue's bound: that is for outages.
    const after = Array.from({ length: 500 }, () => redis.incr("n"));
    const batch = redis.multi().incr("n").incr("n").exec();
    expect(redis.stats().inFlight).toBe(inFlight);
    server.thaw();
    const values = await Promise.all([...before, ...after]);
    expect(values).toEqual(values.map((_, at) => at + 1));
    expect(await batch).toEqual([
      [null, values.length + 1],
      [null, values.length + 2],
    ]);
  });

  it("lost in its silence leaves unclear what was written before, and nothing that waited", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: held });
    proxy.dropReplies();
    const before = await issueUntilHeld(redis, () => redis.incr("n"));
    const written = redis.stats().inFlight;
    const after = Array.from({ length: 20 }, () => redis.incr("m"));
    await proxy.pass();
    const outcomes = await outcomesOf(before);
    expect(outcomes.slice(0, written).map(gist)).toEqual(Array(written).fill("OutcomeUnknownError maybe"));
    expect(outcomes.slice(written).map(gist)).toEqual(Array(before.length - written).fill("ok"));
    expect(await Promise.all(after)).toEqual(after.map((_, at) => at + 1));
  });

  it("is written to nevertheless where nothing may wait, and with the hold off", async () => {
    for (const resilience of [{ ...held, queue: false }, { silenceHold: false }] as const) {
      const redis = await ready(server.port, { resilience });
      freeze();
      const first = redis.incr("n");
      await sleep(4 * HOLD);
      const second = redis.incr("n");
      expect(redis.stats()).toMatchObject({ inFlight: 2, waiting: { commands: 0 } });
      server.thaw();
      await Promise.all([first, second]);
    }
  });

  it("is not one that waits for the server on purpose, or to which a reply is on its way", async () => {
    const redis = await ready(server.port, { resilience: held });
    const wait = redis.wait(1, 5 * HOLD);
    await sleep(3 * HOLD);
    const behind = redis.set("k", "v");
    expect(redis.stats().waiting.commands).toBe(0);
    await Promise.all([wait, behind]);

    const proxy = await proxyTo(server);
    const slow = await ready(proxy.port, { resilience: held });
    await server.call("SET", "large", "x".repeat(200_000));
    proxy.throttle(200_000);
    const large = slow.get("large");
    await sleep(4 * HOLD);
    const next = slow.get("k");
    expect(slow.stats().waiting.commands).toBe(0);
    await proxy.pass();
    await outcomesOf([large, next]);
  });

  it("is not found because this process stood still", async () => {
    const redis = await ready(server.port, { resilience: held });
    const first = redis.incr("n");
    const until = performance.now() + 4 * HOLD;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const second = redis.incr("n");
    expect(redis.stats().waiting.commands).toBe(0);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });
});

describe("commands beyond what may be in flight", () => {
  it.each([
    ["once connected", true],
    ["right after the client was made", false],
  ])("wait for their turn and none is refused, %s", async (_, isReady) => {
    // What comes before the first attempt to connect has ended is bounded as what is in flight is.
    const maxCommands = isReady ? 300 : 30_000;
    const resilience = { queue: { maxCommands: 10, maxBytes: 100 }, inFlight: { maxCommands } };
    const redis = isReady ? await ready(server.port, { resilience }) : client(server.port, { resilience });
    let most = 0;
    const values = Array.from({ length: 20_000 }, () =>
      redis.incr("n").then((value) => {
        most = Math.max(most, redis.stats().inFlight);
        return value;
      }),
    );
    expect(await Promise.all(values)).toEqual(values.map((_, at) => at + 1));
    expect(most).toBeGreaterThan(0);
    // What is taken out of the queue at once goes at once.
    expect(most).toBeLessThanOrEqual(maxCommands + 50);
  });

  it("are bounded in bytes as well, and one command always fits", async () => {
    const resilience = { inFlight: { maxBytes: 10_000 }, queue: { maxBytes: 100 } };
    const redis = await ready(server.port, { resilience });
    const value = "x".repeat(20_000);
    const sets = Array.from({ length: 50 }, (_, at) => redis.set(`k${String(at)}`, value));
    expect(redis.stats().inFlight).toBe(1);
    expect(new Set(await Promise.all(sets))).toEqual(new Set(["OK"]));
  });
});

describe("one signal for a great many commands", () => {
  it("has one listener, and ends them all, in flight and waiting, in order", async () => {
    const redis = await ready(server.port, { resilience: { inFlight: { maxCommands: 100 } } });
    const controller = new AbortController();
    let listeners = 0;
    const add = controller.signal.addEventListener.bind(controller.signal);
    controller.signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    freeze();
    const view = redis.with({ signal: controller.signal });
    const order: number[] = [];
    const calls = Array.from({ length: 2000 }, (_, at) => view.incr("n").finally(() => order.push(at)));
    const outcomes = outcomesOf(calls);
    expect(listeners).toBe(1);
    controller.abort();
    const gists = (await outcomes).map(gist);
    expect(new Set(gists.slice(0, 100))).toEqual(new Set(["AbortedError maybe"]));
    expect(new Set(gists.slice(100))).toEqual(new Set(["AbortedError no"]));
    expect(order).toEqual(order.map((_, at) => at));
    server.thaw();
    await eventually(async () => expect(await server.call("GET", "n")).toBe("100"));
  });
});

describe("automatic pipelining", () => {
  it("keeps each command within its own deadline, and a command that was defined in the same turn works", async () => {
    const redis = await ready(server.port, { enableAutoPipelining: true, resilience: { ...held, deadline: 1000 } });
    const set = redis.set("n", 1);
    redis.defineCommand("mine", { numberOfKeys: 1, lua: "return redis.call('incr', KEYS[1])" });
    const { mine } = redis as unknown as { mine(this: Redis, key: string): Promise<number> };
    expect(await Promise.all([set, mine.call(redis, "n"), redis.incr("n")])).toEqual(["OK", 2, 3]);
    freeze();
    const first = redis.incr("n");
    await sleep(2 * HOLD);
    const second = redis.incr("n");
    const outcomes = await outcomesOf([first, second]);
    expect(outcomes.map(gist)).toEqual(["OutcomeUnknownError maybe", "DeadlineError no"]);
    for (const { error } of outcomes) expect((error as { elapsed?: number }).elapsed).toBeLessThan(1900);
  });
});

describe("a connection that stays silent", () => {
  it("is replaced where only commands that were held back are left to find it out", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { ...held, deadline: 1000, heartbeat: false } });
    const { stream } = redis;
    proxy.dropReplies();
    // Given up long before the silence is long enough to speak against the connection.
    const short = redis.withDeadline(50);
    await outcomesOf(await issueUntilHeld(redis, () => short.incr("n")));
    await eventually(async () => {
      await outcomesOf([short.incr("m")]);
      expect(stream.destroyed).toBe(true);
    });
    await proxy.pass();
    expect(await redis.ping()).toBe("PONG");
  });
});
