/** The gate: what waits keeps its order, has limits, leaves whole, and is never sent once it was given up. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import type { FaultProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import {
  callsOf,
  clean,
  client,
  expectError,
  gist,
  outcomeOf,
  outcomesOf,
  proxyTo,
  ready,
  sleep,
  type Outcome,
} from "./core-harness.js";

let server: RedisServer;
let proxy: FaultProxy;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await clean(server);
  proxy = await proxyTo(server);
  await proxy.refuse();
});

function first(outcomes: readonly Outcome[]): Outcome {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error("no outcome");
  return outcome;
}

describe("order", () => {
  it("is kept for 1,000 commands that waited, and what is issued at `ready` comes after them", async () => {
    const redis = client(proxy.port);
    const waiting = Array.from({ length: 1000 }, (_, i) => redis.rpush("l", String(i)));
    const atReady = new Promise<unknown>((resolve) => redis.once("ready", () => resolve(redis.rpush("l", "ready"))));
    await proxy.pass();
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(await atReady).toBe(1001);
    const list = (await server.call("LRANGE", "l", 0, -1)) as string[];
    expect(list).toEqual([...Array.from({ length: 1000 }, (_, i) => String(i)), "ready"]);
  });

  it("is kept between single commands, pipelines and transactions", async () => {
    const redis = client(proxy.port);
    const all = [
      redis.rpush("l", "a"),
      redis.pipeline().rpush("l", "b").rpush("l", "c").exec(),
      redis.multi().rpush("l", "d").rpush("l", "e").exec(),
      redis.rpush("l", "f"),
    ];
    await proxy.pass();
    await Promise.all(all);
    expect(await server.call("LRANGE", "l", 0, -1)).toEqual(["a", "b", "c", "d", "e", "f"]);
  });
});

describe("limits", () => {
  it("refuse the command beyond maxCommands in under a millisecond, with the numbers, and send the others", async () => {
    const redis = client(proxy.port, { resilience: { queue: { maxCommands: 50 } } });
    const waiting = Array.from({ length: 50 }, () => redis.incr("n"));
    await eventually(() => expect(redis.log.lines.length).toBeGreaterThan(0));
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 200; i++) outcomes.push(await outcomeOf(redis.incr("n")));
    const error = expectError(first(outcomes), "QueueFullError", "no");
    expect(error.message).toMatch(
      /INCR was not sent: 50 commands \(\d+ bytes\) already wait .* limits are 50 and \d+ bytes/,
    );
    const times = outcomes.map(({ after }) => after).sort((a, b) => a - b);
    // The usual one: the machine may have had something else to do during any other.
    expect(times[100]).toBeLessThan(1);
    expect(redis.stats().waiting.commands).toBe(50);
    await proxy.pass();
    await Promise.all(waiting);
    expect(await server.cli("GET", "n")).toBe("50");
  });

  it("refuse what exceeds maxBytes, and count what leaves", async () => {
    const redis = client(proxy.port, { resilience: { queue: { maxBytes: 10_000 } } });
    // The queue's bounds are for outages: until something has failed there is none.
    await eventually(() => expect(redis.log.lines.length).toBeGreaterThan(0));
    const small = outcomeOf(redis.set("a", "x".repeat(4000)));
    const large = outcomeOf(redis.withDeadline(150).set("b", Buffer.alloc(4000)));
    expectError(await outcomeOf(redis.set("c", "x".repeat(4000))), "QueueFullError", "no");
    expectError(await large, "DeadlineError", "no");
    const next = outcomeOf(redis.set("d", "x".repeat(4000)));
    await proxy.pass();
    expect([await small, await next].map(gist)).toEqual(["ok", "ok"]);
    expect(redis.stats().waiting).toEqual({ commands: 0, bytes: 0 });
    expect(await server.cli("EXISTS", "a", "b", "c", "d")).toBe("2");
  });

  it("take a pipeline or transaction as a whole or not at all", async () => {
    const redis = client(proxy.port, { resilience: { queue: { maxCommands: 10 } } });
    await eventually(() => expect(redis.log.lines.length).toBeGreaterThan(0));
    const fits = redis.pipeline().incr("fits").incr("fits").exec();
    let batch = redis.pipeline();
    for (let i = 0; i < 20; i++) batch = batch.incr("pipeline");
    let transaction = redis.multi();
    for (let i = 0; i < 8; i++) transaction = transaction.incr("transaction");
    const results = await Promise.all([batch.exec(), outcomeOf(transaction.exec())]);
    expect(results[0]?.map(([error]) => gist(error))).toEqual(Array(20).fill("QueueFullError no"));
    expectError(results[1], "QueueFullError", "no");
    // What the refused ones held is free again.
    const later = redis.incr("later");
    expect(redis.stats().waiting.commands).toBe(3);
    await proxy.pass();
    expect(await fits).toEqual([
      [null, 1],
      [null, 2],
    ]);
    expect(await later).toBe(1);
    expect(await server.cli("EXISTS", "pipeline", "transaction")).toBe("0");
  });

  it("settle 30,000 commands that come while there is no connection, and keep only the first", async () => {
    const redis = client(proxy.port, { resilience: { deadline: 1500, breaker: false } });
    const pending: Promise<Outcome>[] = [];
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 3_000; i++) pending.push(outcomeOf(redis.incr("n")));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const gists = (await Promise.all(pending)).map(gist);
    expect(new Set(gists)).toEqual(new Set(["DeadlineError no", "QueueFullError no"]));
    expect(gists.slice(0, 10_000)).toEqual(Array(10_000).fill("DeadlineError no"));
    expect(redis.stats()).toMatchObject({ inFlight: 0, waiting: { commands: 0, bytes: 0 } });
  });
});

describe("a batch that waits", () => {
  it("leaves whole when one member's own limit ends first, and the replies of others stay theirs", async () => {
    const redis = client(proxy.port, { blockingTimeout: 100 });
    await server.call("SET", "a", "A");
    // The blocking member may wait 100 ms, the others as long as the client's deadline.
    const entries = redis.pipeline().get("a").blpop("l", 0).incr("n").exec();
    await eventually(() => expect(redis.stats().waiting.commands).toBeLessThan(3));
    await proxy.pass();
    const result = await entries;
    expect(result?.map(([error, value]) => (error === null ? value : gist(error)))).toEqual([
      "DeadlineError no",
      null,
      "DeadlineError no",
    ]);
    expect(await redis.get("a")).toBe("A");
    expect(await redis.ping()).toBe("PONG");
    expect((await callsOf(server))["incr"]).toBeUndefined();
  });

  it("leaves whole when its caller aborts it", async () => {
    const redis = client(proxy.port);
    const controller = new AbortController();
    const limited = redis.with({ signal: controller.signal });
    const batch = limited.pipeline().incr("n").incr("n").exec();
    const transaction = outcomeOf(limited.multi().incr("n").exec());
    const other = redis.incr("other");
    controller.abort();
    expect((await batch)?.map(([error]) => gist(error))).toEqual(["AbortedError no", "AbortedError no"]);
    expectError(await transaction, "AbortedError", "no");
    await proxy.pass();
    expect(await other).toBe(1);
    expect(await server.cli("EXISTS", "n")).toBe("0");
  });
});

describe("without a queue", () => {
  it("enableOfflineQueue: false fails at once what cannot be sent, with ioredis's own words", async () => {
    const redis = client(proxy.port, { enableOfflineQueue: false });
    const outcomes = await outcomesOf([
      redis.incr("n"),
      redis.pipeline().incr("n").exec(),
      redis.multi().incr("n").exec(),
    ]);
    expectError(first(outcomes), "UnavailableError", "no");
    expect(outcomes[0]?.error?.message).toBe("Stream isn't writeable and enableOfflineQueue options is false");
    expect(outcomes[1]?.value).toMatchObject([[{ name: "UnavailableError" }]]);
    expect(gist(outcomes[2])).toBe("UnavailableError no");
    await proxy.pass();
    await eventually(() => expect(redis.status).toBe("ready"));
    await eventually(async () => expect(await redis.incr("n")).toBe(1));
  });
});

describe("maxRetriesPerRequest: null", () => {
  it("waits without limit, also while the circuit is open, and the deadline begins with the connection", async () => {
    const redis = client(proxy.port, {
      maxRetriesPerRequest: null,
      resilience: { deadline: 500, breaker: { downAfter: 200 } },
    });
    const waiting = outcomeOf(redis.incr("n"));
    await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("open"));
    const later = outcomeOf(redis.incr("n"));
    await sleep(800);
    expect(redis.stats().waiting.commands).toBe(2);
    await proxy.pass();
    expect([await waiting, await later].map((outcome) => outcome.value)).toEqual([1, 2]);
  });

  it("still limits what was sent", async () => {
    await proxy.pass();
    const redis = await ready(proxy.port, { maxRetriesPerRequest: null, resilience: { deadline: 300 } });
    proxy.dropReplies();
    expectError(await outcomeOf(redis.incr("n")), "DeadlineError", "maybe");
  });
});

describe("a profile that waits for ever", () => {
  it("waits past ioredis's default of twenty attempts, which nobody asked for", async () => {
    const redis = client(proxy.port, {
      resilience: { queue: { wait: "forever" }, reconnect: { minTimeout: 1, maxTimeout: 10 } },
    });
    const waiting = outcomeOf(redis.incr("n"));
    await eventually(() => expect(redis.stats().reconnects.attempts).toBeGreaterThan(30));
    await proxy.pass();
    expect((await waiting).value).toBe(1);
  });
});
