/** No command is executed twice behind its caller's back: replies get lost in every way, and the server is asked what it did. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChainableCommander } from "ioredis";
import type { Redis } from "../../src/redis.js";
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
  plain,
  proxyTo,
  ready,
  sleep,
} from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

type Fault = (proxy: FaultProxy, done: () => Promise<unknown>) => Promise<void>;

/** Ways to lose a reply after the server has executed the command. `done` resolves once it has. */
const FAULTS: Readonly<Record<string, Fault>> = {
  "the reply is swallowed and the connection reset": (proxy) => proxy.forwardThenCut(),
  "replies are dropped, then the connection is reset": async (proxy, done) => {
    proxy.dropReplies();
    await eventually(done);
    proxy.cutAll();
    await proxy.pass();
  },
  "the connection is cut at the first reply": (proxy) => proxy.cutAfterReplies(0),
};

const WRITES: Readonly<Record<string, (redis: Redis) => Promise<unknown>>> = {
  incr: (redis) => redis.incr("n"),
  lpush: (redis) => redis.lpush("l", "x"),
  append: (redis) => redis.append("s", "x"),
  eval: (redis) => redis.eval("return redis.call('incr', KEYS[1])", 1, "n"),
  zincrby: (redis) => redis.zincrby("z", 1, "m"),
  xadd: (redis) => redis.xadd("x", "*", "f", "v"),
  spop: (redis) => redis.spop("p"),
  getset: (redis) => redis.getset("g", "new"),
  incrby: (redis) => redis.call("INCRBY", "n", "1"),
};

describe.each(Object.entries(FAULTS))("when %s", (_name, fault) => {
  it.each(Object.entries(WRITES))("executes %s once and says that its outcome is unknown", async (name, write) => {
    await server.call("SADD", "p", "a", "b", "c");
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const lost = fault(proxy, async () => expect((await callsOf(server))[name]).toBe(1));
    const outcome = await outcomeOf(write(redis));
    await lost;

    const error = expectError(outcome, "OutcomeUnknownError", "maybe");
    expect(error.message).toContain(name.toUpperCase());
    expect(error.attempts).toBe(1);
    expect(error.cause).toBeInstanceOf(Error);
    expect(await redis.ping()).toBe("PONG");
    expect((await callsOf(server))[name]).toBe(1);
    expect(redis.stats()).toMatchObject({ inFlight: 0, unknownOutcomes: 1, retried: 0 });
  });

  it("executes a transaction once and rejects it as unknown", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const lost = fault(proxy, async () => expect((await callsOf(server))["exec"]).toBe(1));
    const outcome = await outcomeOf(redis.multi().incr("n").rpush("l", "x").exec());
    await lost;
    expectError(outcome, "OutcomeUnknownError", "maybe");
    await redis.ping();
    expect(await server.cli("GET", "n")).toBe("1");
    expect(await server.cli("LLEN", "l")).toBe("1");
  });

  it("sends reads and plain SETs again, in their order", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const lost = fault(proxy, async () => expect((await callsOf(server))["get"]).toBeGreaterThanOrEqual(2));
    const values = await Promise.all([
      redis.set("a", "1"),
      redis.get("a"),
      redis.set("a", "2"),
      redis.get("a"),
      redis.mget("a", "b"),
    ]);
    await lost;
    expect(values).toEqual(["OK", "1", "OK", "2", ["2", null]]);
    expect(await server.cli("GET", "a")).toBe("2");
    expect(redis.stats().retried).toBe(5);
  });

  it("counts each command of a MULTI that goes again", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const lost = fault(proxy, async () => expect((await callsOf(server))["get"]).toBeGreaterThanOrEqual(2));
    const results = await redis.multi().get("a").get("b").exec();
    await lost;
    expect(results).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(redis.stats().retried).toBe(4);
  });
});

it("is what plain ioredis does not do: it executes INCR, a pipeline and a transaction twice", async () => {
  const proxy = await proxyTo(server);
  const redis = await plain(proxy.port);
  const cut = async (issue: () => Promise<unknown>): Promise<void> => {
    const lost = proxy.forwardThenCut();
    await issue();
    await lost;
  };
  await cut(() => redis.incr("a"));
  await cut(() => redis.pipeline().incr("b").exec());
  await cut(() => redis.multi().incr("c").exec());
  expect(await Promise.all(["a", "b", "c"].map((key) => server.cli("GET", key)))).toEqual(["2", "2", "2"]);
});

describe("a connection cut after k replies", () => {
  const LENGTH = 6;
  it.each([...Array(LENGTH).keys()])(
    "of a pipeline leaves k=%i answers, the rest unknown, nothing doubled",
    async (k) => {
      const proxy = await proxyTo(server);
      const redis = await ready(proxy.port);
      const cut = proxy.cutAfterReplies(k);
      let pipeline: ChainableCommander = redis.pipeline();
      for (let i = 0; i < LENGTH; i++) pipeline = pipeline.incr(`n${String(i)}`);
      const entries = (await pipeline.exec()) ?? [];
      await cut;
      expect(entries.map(([error]) => gist(error))).toEqual(
        entries.map((_, i) => (i < k ? "ok" : "OutcomeUnknownError maybe")),
      );
      await redis.ping();
      for (let i = 0; i < LENGTH; i++) expect(await server.cli("GET", `n${String(i)}`)).toBe("1");
    },
  );

  it.each([...Array(4).keys()])(
    "of a transaction of four replies, k=%i, rejects it as unknown and runs it once",
    async (k) => {
      const proxy = await proxyTo(server);
      const redis = await ready(proxy.port);
      const cut = proxy.cutAfterReplies(k);
      const outcome = await outcomeOf(redis.multi().incr("n").rpush("l", "x").exec());
      await cut;
      expectError(outcome, "OutcomeUnknownError", "maybe");
      await redis.ping();
      expect(await server.cli("GET", "n")).toBe("1");
      expect((await callsOf(server))["exec"]).toBe(1);
    },
  );

  it.each([...Array(4).keys()])("of a transaction of reads and SETs, k=%i, is sent again as one", async (k) => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const cut = proxy.cutAfterReplies(k);
    const result = await redis.multi().set("a", "1").get("a").exec();
    await cut;
    expect(result).toEqual([
      [null, "OK"],
      [null, "1"],
    ]);
    expect((await callsOf(server))["exec"]).toBe(2);
  });

  it.each([0, 1, 2, 3, 4])("among un-awaited SETs of one key, k=%i, keeps the last value the last", async (k) => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const cut = proxy.cutAfterReplies(k);
    const sets = Array.from({ length: 5 }, (_, i) => redis.set("a", `v${String(i)}`));
    const incr = outcomeOf(redis.incr("n"));
    const later = redis.set("a", "final");
    expect((await outcomesOf([...sets, later])).map(gist)).toEqual(Array(6).fill("ok"));
    expect(gist(await incr)).toBe("OutcomeUnknownError maybe");
    await cut;
    expect(await server.cli("GET", "a")).toBe("final");
    expect(await server.cli("GET", "n")).toBe("1");
  });
});

describe("what may be sent again", () => {
  it('is everything with retry.ambiguous "replay", as the caller asked', async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { retry: { ambiguous: "replay" } } });
    const lost = proxy.forwardThenCut();
    expect(await redis.incr("n")).toBe(2);
    await lost;
  });

  it("is everything with autoResendUnfulfilledCommands: true, which plain ioredis users wrote on purpose", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { autoResendUnfulfilledCommands: true });
    const lost = proxy.forwardThenCut();
    expect(await redis.incr("n")).toBe(2);
    await lost;
  });

  it('is a single call with with({ ambiguous: "replay" }), and nothing beside it', async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const lost = proxy.cutAfterReplies(0);
    const outcomes = await outcomesOf([redis.with({ ambiguous: "replay" }).incr("a"), redis.incr("b")]);
    await lost;
    expect(outcomes.map(gist)).toEqual(["ok", "OutcomeUnknownError maybe"]);
    expect(outcomes[0]?.value).toBe(2);
    expect(await server.cli("GET", "b")).toBe("1");
  });

  it('is only what changes nothing with "reads"', async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { retry: { ambiguous: "reads" } } });
    const lost = proxy.cutAfterReplies(0);
    const outcomes = await outcomesOf([redis.get("a"), redis.set("a", "1"), redis.exists("a")]);
    await lost;
    expect(outcomes.map(gist)).toEqual(["ok", "OutcomeUnknownError maybe", "ok"]);
    expect((await callsOf(server))["set"]).toBe(1);
  });

  it("is nothing with retry: false except what cannot have been executed", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { retry: false } });
    const lost = proxy.forwardThenCut();
    const error = expectError(await outcomeOf(redis.get("a")), "OutcomeUnknownError", "maybe");
    expect(error.message).toMatch(
      /not sent again, because sending again is switched off \(`retry`\)\. Repeating it does no/,
    );
    await lost;
    expect((await callsOf(server))["get"]).toBe(1);
  });

  it("is as much as the retry budget allows, and the error of the rest says so", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { retry: { budget: { tokens: 2, refill: 0 } } } });
    const lost = proxy.cutAfterReplies(0);
    const outcomes = await outcomesOf([redis.get("a"), redis.get("b"), redis.get("c")]);
    await lost;
    expect(outcomes.map(gist)).toContain("ok");
    const refused = outcomes.filter(({ error }) => error !== undefined);
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused) {
      const { message } = expectError(outcome, "OutcomeUnknownError", "maybe");
      expect(message).toContain("because the retry budget of the endpoint (`retry.budget`) is used up.");
    }
  });

  it("is a script whose definition says that it only reads, or that a second run changes nothing", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    redis.defineCommand("peek", { numberOfKeys: 1, lua: "return redis.call('get', KEYS[1])", readOnly: true });
    const definition = { numberOfKeys: 1, lua: "return redis.call('set', KEYS[1], 'x')", effect: "safe" as const };
    redis.defineCommand("put", definition);
    redis.defineCommand("count", { numberOfKeys: 1, lua: "return redis.call('incr', KEYS[1])" });
    const scripts = redis as unknown as Record<"peek" | "put" | "count", (key: string) => Promise<unknown>>;
    // Once, so that the server knows them and EVALSHA is what gets lost.
    await Promise.all([scripts.peek("k"), scripts.put("k"), scripts.count("n")]);
    for (const [name, expected] of [
      ["peek", "ok"],
      ["put", "ok"],
      ["count", "OutcomeUnknownError maybe"],
    ] as const) {
      const lost = proxy.forwardThenCut();
      expect(gist(await outcomeOf(scripts[name](name === "count" ? "n" : "k")))).toBe(expected);
      await lost;
      await redis.ping();
    }
    expect(await server.cli("GET", "n")).toBe("2");
  });

  it("is not a SET with NX: the second answer would say that somebody else holds the lock", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const lost = proxy.forwardThenCut();
    expectError(await outcomeOf(redis.set("lock", "me", "PX", 10_000, "NX")), "OutcomeUnknownError", "maybe");
    await lost;
    expect((await callsOf(server))["set"]).toBe(1);
  });
});

describe("replies that make no sense", () => {
  it("leave the outcome of a SET unknown, whatever a command that was never sent is told in the same moment", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const garbled = proxy.garbage("HTTP/1.1 400 Bad Request\r\n\r\n");
    const set = outcomeOf(redis.set("a", "1"));
    await garbled;
    const error = expectError(await set, "OutcomeUnknownError", "maybe");
    expect(error.diagnosis?.applied).toBe("maybe");
    expect(error.cause).toBeInstanceOf(Error);
    await redis.ping();
    expect(await server.cli("GET", "a")).toBe("1");
  });
});

describe("a command given up while disconnected", () => {
  it("is never executed later, whether its deadline passed or its caller aborted it", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const controller = new AbortController();
    const late = redis.withDeadline(100).set("late", "1");
    const aborted = redis.with({ signal: controller.signal }).set("aborted", "1");
    const batch = redis.withDeadline(100).multi().set("batch", "1").exec();
    const kept = redis.set("kept", "1");
    controller.abort(new Error("user left"));
    expectError(await outcomeOf(aborted), "AbortedError", "no");
    expectError(await outcomeOf(late), "DeadlineError", "no");
    expectError(await outcomeOf(batch), "DeadlineError", "no");
    await proxy.pass();
    expect(await kept).toBe("OK");
    await redis.ping();
    expect(await server.cli("KEYS", "*")).toBe("kept");
  });

  it("is what plain ioredis with commandTimeout executes after all", async () => {
    const proxy = await proxyTo(server);
    const redis = await plain(proxy.port, { commandTimeout: 100, maxRetriesPerRequest: null });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    expect(gist(await outcomeOf(redis.set("late", "1")))).toBe("Command timed out");
    await proxy.pass();
    await eventually(async () => expect(await server.cli("GET", "late")).toBe("1"));
  });
});

describe("a command that was sent, lost and waits to be sent again", () => {
  it("is not called unexecuted when its deadline passes or its client ends", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 400 } });
    const lost = proxy.forwardThenCut();
    const set = outcomeOf(redis.set("a", "1"));
    await proxy.refuse();
    await lost;
    const error = expectError(await set, "DeadlineError", "maybe");
    expect(error.message).not.toMatch(/Nothing was executed|never sent|refused each time/);
    expect(await server.cli("GET", "a")).toBe("1");

    await proxy.pass();
    await redis.ping();
    const again = proxy.forwardThenCut();
    const ended = outcomeOf(redis.withDeadline(5000).set("b", "1"));
    await proxy.refuse();
    await again;
    await eventually(() => expect(redis.status).not.toBe("ready"));
    redis.disconnect();
    expectError(await ended, "ClosedError", "maybe");
    expect(await server.cli("GET", "b")).toBe("1");
  });

  it("is not called unexecuted when it is a transaction either", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 600 } });
    const lost = proxy.forwardThenCut();
    const transaction = outcomeOf(redis.multi().set("a", "1").get("a").exec());
    await proxy.refuse();
    await lost;
    expectError(await transaction, "DeadlineError", "maybe");
    expect(await server.cli("GET", "a")).toBe("1");
  });

  it("keeps its deadline when the circuit opens, is not called unexecuted, and no fallback answers for it", async () => {
    const proxy = await proxyTo(server);
    const asked: string[] = [];
    const redis = await ready(proxy.port, {
      resilience: { deadline: 600, breaker: { downAfter: 200 }, fallback: ({ name }) => asked.push(name) },
    });
    const lost = proxy.forwardThenCut();
    const set = outcomeOf(redis.set("a", "1"));
    await proxy.refuse();
    await lost;
    expectError(await set, "DeadlineError", "maybe");
    expect(redis.stats().breaker.readWrite.state).not.toBe("closed");
    expect(asked).toEqual([]);
  });

  it("is not called unexecuted when its caller aborts it", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const controller = new AbortController();
    const lost = proxy.forwardThenCut();
    const set = outcomeOf(redis.with({ signal: controller.signal }).set("a", "1"));
    await proxy.refuse();
    await lost;
    await eventually(() => expect(redis.stats().waiting.commands).toBe(1));
    controller.abort();
    expectError(await set, "AbortedError", "maybe");
  });
});

describe("databases", () => {
  it("resends into the database that a command was sent to, when SELECT was in flight too", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const cut = proxy.cutAfterReplies(0);
    const all = Promise.all([
      redis.set("a", "in-0"),
      redis.select(3),
      redis.set("a", "in-3"),
      redis.select(5),
      redis.set("a", "in-5"),
    ]);
    await cut;
    expect(await all).toEqual(["OK", "OK", "OK", "OK", "OK"]);
    await redis.set("after", "in-5");
    expect(await server.cli("GET", "a")).toBe("in-0");
    const redisAt = async (db: number): Promise<string> =>
      String(await server.call("EVAL", "redis.call('select', ARGV[1]) return redis.call('get', KEYS[1])", 1, "a", db));
    expect(await redisAt(3)).toBe("in-3");
    expect(await redisAt(5)).toBe("in-5");
    expect(await server.cli("EXISTS", "after")).toBe("0");
  });

  it("goes back to the selected database after a cut, before anything that waits is sent", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { db: 2 });
    await redis.select(7);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const writes = Array.from({ length: 50 }, (_, i) => redis.set(`k${String(i)}`, "x"));
    await proxy.pass();
    await Promise.all(writes);
    expect(await server.cli("INFO", "keyspace")).toMatch(/^# Keyspace\r?\ndb7:keys=50/);
  });
});

describe("a server busy with a script", () => {
  /** Occupies the server until `release`. */
  async function occupy(port: number): Promise<() => Promise<void>> {
    await server.call("CONFIG", "SET", "busy-reply-threshold", "20");
    const other = await plain(port);
    const running = outcomeOf(other.eval("while true do end", 0));
    await eventually(async () => expect(gist(await outcomeOf(server.call("GET", "x")))).toMatch(/^BUSY/));
    return async () => {
      await eventually(async () => expect(await server.cli("SCRIPT", "KILL")).toBe("OK"));
      await running;
    };
  }

  it("makes commands wait and run once, in their order, when it is free again", async () => {
    const redis = await ready(server.port, { resilience: { deadline: 4000, retry: { retries: 50, maxTimeout: 100 } } });
    const release = await occupy(server.port);
    const first = redis.set("a", "1");
    const rest = [redis.incr("n"), redis.append("log", "a"), redis.append("log", "b"), redis.set("a", "2")];
    const settled = outcomesOf([first, ...rest]);
    await eventually(() => expect(redis.stats().retried).toBeGreaterThan(5));
    const last = redis.append("log", "c");
    await release();
    expect((await settled).map((outcome) => outcome.value)).toEqual(["OK", 1, 1, 2, "OK"]);
    expect(await last).toBe(3);
    expect(await server.cli("GET", "log")).toBe("abc");
    expect(await server.cli("GET", "a")).toBe("2");
    expect(await server.cli("GET", "n")).toBe("1");
  });

  it("refuses a transaction as a whole, which is then sent again as a whole", async () => {
    const redis = await ready(server.port, { resilience: { deadline: 4000, retry: { retries: 50, maxTimeout: 100 } } });
    const release = await occupy(server.port);
    const before = redis.append("log", "a");
    const transaction = redis.multi().append("log", "b").incr("n").exec();
    const pipeline = redis.pipeline().append("log", "c").incr("n").exec();
    const after = redis.append("log", "d");
    await eventually(() => expect(redis.stats().retried).toBeGreaterThan(5));
    await release();
    expect(await before).toBe(1);
    expect(await transaction).toEqual([
      [null, 2],
      [null, 1],
    ]);
    expect(await pipeline).toEqual([
      [null, 3],
      [null, 2],
    ]);
    expect(await after).toBe(4);
    expect(await server.cli("GET", "log")).toBe("abcd");
  });

  it("lets a new connection wait too, also one that has to select its database first", async () => {
    await server.call("PING");
    const redis = client(server.port, { db: 3, lazyConnect: true, resilience: { deadline: 4000 } });
    const release = await occupy(server.port);
    const waiting = outcomeOf(redis.append("log", "a"));
    await sleep(400);
    await release();
    expect((await waiting).value).toBe(1);
    expect(await server.cli("INFO", "keyspace")).toContain("db3:keys=1");
  });

  it("does not send a guarded transaction again: the server forgot its WATCH with the refusal", async () => {
    const redis = await ready(server.port, { resilience: { deadline: 4000, retry: { retries: 50, maxTimeout: 100 } } });
    await redis.watch("stock");
    const release = await occupy(server.port);
    const guarded = outcomeOf(redis.multi().set("stock", "mine").exec());
    const refused = await guarded;
    expect(refused.error?.message).toMatch(/^EXECABORT|^BUSY/);
    await release();
    await redis.ping();
    expect(await server.cli("EXISTS", "stock")).toBe("0");
  });
});
