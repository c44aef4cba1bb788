/** WATCH and MULTI live in one connection of the server: when it is lost, nothing that counted on it runs bare. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
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
  scriptedServer,
} from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

describe("after WATCH, when the connection is lost", () => {
  it("refuses the transaction, so that another writer's value stays; the next one runs", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.watch("stock");
    proxy.cutAll();
    await eventually(() => expect(redis.status).toBe("ready"));
    await redis.ping();
    await server.call("SET", "stock", "theirs");
    const outcome = await outcomeOf(redis.multi().set("stock", "mine").exec());
    const error = expectError(outcome, "TransactionAbortedError", "no");
    expect(error.message).toContain("WATCH");
    expect(await server.cli("GET", "stock")).toBe("theirs");
    expect((await callsOf(server))["exec"]).toBeUndefined();
    expect(await redis.multi().set("stock", "later").exec()).toEqual([[null, "OK"]]);
  });

  it("plain ioredis runs it without its guard and loses the update", async () => {
    const proxy = await proxyTo(server);
    const redis = await plain(proxy.port);
    await redis.watch("stock");
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    await server.call("SET", "stock", "theirs");
    expect(await redis.multi().set("stock", "mine").exec()).toEqual([[null, "OK"]]);
    expect(await server.cli("GET", "stock")).toBe("mine");
  });

  it("refuses it also when it was issued while disconnected", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.watch("stock");
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const waiting = outcomeOf(redis.multi().set("stock", "mine").exec());
    await proxy.pass();
    expectError(await waiting, "TransactionAbortedError", "no");
    expect(await server.cli("EXISTS", "stock")).toBe("0");
  });

  it("does not send a guarded transaction again although its commands could run twice", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.watch("stock");
    await server.call("SET", "stock", "theirs");
    // The server discards it because of the other writer; the answer that says so is lost.
    const lost = proxy.forwardThenCut();
    const outcome = await outcomeOf(redis.multi().set("stock", "mine").exec());
    await lost;
    expect(gist(outcome)).toBe("OutcomeUnknownError maybe");
    await redis.ping();
    expect(await server.cli("GET", "stock")).toBe("theirs");
  });

  it("refuses a further WATCH once, whose EXEC would be taken for one that both guard", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.watch("a");
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    expectError(await outcomeOf(redis.watch("b")), "TransactionAbortedError", "no");
    await redis.watch("a", "b");
    expect(await redis.multi().set("a", "2").exec()).toEqual([[null, "OK"]]);
  });

  it("is forgotten with UNWATCH", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.watch("a");
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    await redis.unwatch();
    await redis.watch("a");
    expect(await redis.multi().set("a", "1").exec()).toEqual([[null, "OK"]]);
  });

  it("does not concern commands outside a transaction", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.watch("a");
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    expect(await redis.set("b", "1")).toBe("OK");
    expect(await redis.pipeline().incr("n").exec()).toEqual([[null, 1]]);
    expectError(await outcomeOf(redis.multi().set("a", "1").exec()), "TransactionAbortedError", "no");
  });

  it("keeps compare-and-set loops right under random cuts", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { breaker: false, retry: { budget: false } } });
    let confirmed = 0;
    let unknown = 0;
    for (let i = 0; i < 40; i++) {
      const cut = i % 3 === 0 ? proxy.cutAfterReplies(i % 7) : undefined;
      try {
        await redis.watch("n");
        const n = Number((await redis.get("n")) ?? 0);
        const result = await redis
          .multi()
          .set("n", n + 1)
          .exec();
        if (result !== null) confirmed++;
      } catch (error) {
        if (gist(error as Error).endsWith("maybe")) unknown++;
      }
      await proxy.pass();
      void cut;
    }
    const n = Number(await server.cli("GET", "n"));
    expect(n).toBeGreaterThanOrEqual(confirmed);
    expect(n).toBeLessThanOrEqual(confirmed + unknown);
    expect(confirmed).toBeGreaterThan(20);
  });
});

describe("a transaction of which a part was refused, when the connection is lost", () => {
  it("is not sent again: its caller has been told of that part", async () => {
    const peer = await scriptedServer((name) => (name === "set" ? "-LOADING Redis is loading\r\n" : "+OK\r\n"));
    const proxy = await proxyTo(peer);
    const redis = await ready(proxy.port, { resilience: { breaker: false } });
    const cut = proxy.cutAfterReplies(2);
    const outcome = await outcomeOf(redis.multi().set("a", "1").get("a").exec());
    await cut;
    expectError(outcome, "OutcomeUnknownError", "maybe");
    await redis.ping();
    expect(peer.seen.filter((name) => name === "exec")).toHaveLength(1);
  });
});

describe("an interactive MULTI of which the end was never sent", () => {
  it.each(["exec", "discard"] as const)(
    "is discarded where %s was refused, and swallows nothing of others",
    async (end) => {
      const redis = await ready(server.port);
      await redis.multi({ pipeline: false });
      expect(await redis.set("a", "1")).toBe("QUEUED");
      expectError(await outcomeOf(redis.with({ signal: AbortSignal.abort() })[end]()), "AbortedError", "no");
      expect(await redis.set("free", "1")).toBe("OK");
      expect(await redis.keys("*")).toEqual(["free"]);
    },
  );

  it("takes along what waits for it still", async () => {
    const redis = client(server.port);
    const controller = new AbortController();
    const outcomes = outcomesOf([
      redis.multi({ pipeline: false }),
      redis.set("a", "1"),
      redis.with({ signal: controller.signal }).exec(),
      redis.set("free", "1"),
    ]);
    controller.abort();
    const gists = (await outcomes).map(gist);
    expect(gists).toEqual(["TransactionAbortedError no", "TransactionAbortedError no", "AbortedError no", "ok"]);
    expect(await redis.keys("*")).toEqual(["free"]);
  });

  it("is none where the server refused MULTI", async () => {
    const redis = await ready(server.port);
    await server.cli("ACL", "SETUSER", "default", "-multi");
    try {
      expect(gist(await outcomeOf(redis.multi({ pipeline: false })))).toContain("NOPERM");
    } finally {
      await server.cli("ACL", "SETUSER", "default", "+multi");
    }
    await outcomeOf(redis.with({ signal: AbortSignal.abort() }).set("bad", "1"));
    await redis.multi({ pipeline: false });
    const [queued, results] = await Promise.all([redis.set("c", "1"), redis.exec()]);
    expect([queued, results]).toEqual(["QUEUED", [[null, "OK"]]]);
  });
});

describe("an interactive MULTI of which a member was never sent", () => {
  /** Has no way to become text. */
  const unencodable = Object.create(null) as never;

  const MEMBERS: Readonly<Record<string, (redis: Redis) => Promise<unknown>>> = {
    "cannot be encoded": (redis) => redis.set("bad", unencodable),
    "is a pipeline that cannot be encoded": (redis) => redis.pipeline().set("bad", unencodable).exec(),
    "was aborted": (redis) => redis.with({ signal: AbortSignal.abort() }).set("bad", "1"),
  };

  it.each(Object.entries(MEMBERS))("is discarded by EXEC: one that %s", async (_, issue) => {
    const redis = await ready(server.port);
    await redis.multi({ pipeline: false });
    expect(await redis.set("a", "1")).toBe("QUEUED");
    await outcomeOf(issue(redis));
    expect(await redis.set("b", "1")).toBe("QUEUED");
    expectError(await outcomeOf(redis.exec()), "TransactionAbortedError", "no");
    expect(await redis.set("free", "1")).toBe("OK");
    expect(await redis.keys("*")).toEqual(["free"]);
    await redis.multi({ pipeline: false });
    const [queued, results] = await Promise.all([redis.set("c", "1"), redis.exec()]);
    expect([queued, results]).toEqual(["QUEUED", [[null, "OK"]]]);
  });

  it("is discarded too where all of it waited for the connection", async () => {
    const redis = client(server.port);
    const outcomes = await outcomesOf([
      redis.multi({ pipeline: false }),
      redis.set("a", "1"),
      redis.set("bad", unencodable),
      redis.exec(),
      redis.set("free", "1"),
    ]);
    expect(outcomes.map(gist)).toEqual(["ok", "ok", "IoredoubtError no", "TransactionAbortedError no", "ok"]);
    expect(await redis.keys("*")).toEqual(["free"]);
  });

  it("is forgotten with its connection: the next one is executed", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.multi({ pipeline: false });
    await outcomeOf(redis.set("bad", unencodable));
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    await eventually(() => expect(redis.status).toBe("ready"));
    await outcomeOf(redis.exec());
    await redis.multi({ pipeline: false });
    await redis.set("a", "1");
    expect(await redis.exec()).toEqual([[null, "OK"]]);
  });
});

describe("an interactive MULTI, when the connection is lost", () => {
  it("refuses what follows until EXEC; nothing of it runs bare", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.multi({ pipeline: false });
    expect(await redis.set("a", "1")).toBe("QUEUED");
    proxy.cutAll();
    await eventually(() => expect(redis.status).toBe("ready"));
    const outcomes = await outcomesOf([redis.set("b", "1"), redis.incr("n"), redis.exec()]);
    expect(outcomes.map(gist)).toEqual(Array(3).fill("TransactionAbortedError no"));
    await redis.ping();
    expect(await server.cli("DBSIZE")).toBe("0");
    expect(await redis.set("free", "1")).toBe("OK");
  });

  it("does not send again on its own a command that was to be queued", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.multi({ pipeline: false });
    const lost = proxy.forwardThenCut();
    const outcomes = await outcomesOf([redis.set("a", "1"), redis.exec()]);
    await lost;
    // EXEC was sent: whatever the server made of it, nobody may be told that nothing happened.
    for (const outcome of outcomes) expectError(outcome, "OutcomeUnknownError", "maybe");
    await outcomeOf(redis.discard());
    await redis.ping();
    const executed = (await callsOf(server))["exec"] ?? 0;
    expect(await server.cli("EXISTS", "a")).toBe(String(executed));
  });

  it("does not send a queued command again when EXEC has not been issued yet", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await redis.multi({ pipeline: false });
    const lost = proxy.forwardThenCut();
    const queued = await outcomeOf(redis.set("a", "1"));
    await lost;
    expect(gist(queued)).toBe("TransactionAbortedError no");
    expect(gist(await outcomeOf(redis.exec()))).toBe("TransactionAbortedError no");
    await redis.ping();
    expect(await server.cli("EXISTS", "a")).toBe("0");
  });

  it("runs a queued command bare with plain ioredis", async () => {
    const proxy = await proxyTo(server);
    const redis = await plain(proxy.port);
    await redis.multi({ pipeline: false });
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    expect(await redis.set("a", "1")).toBe("OK");
    expect(await server.cli("GET", "a")).toBe("1");
  });
});
