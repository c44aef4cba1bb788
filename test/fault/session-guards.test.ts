/** A guard that ended is never taken for one that holds, and nothing of a lost or refused MULTI runs bare, however it is sent. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import {
  callsOf,
  clean,
  expectError,
  gist,
  outcomeOf,
  outcomesOf,
  proxyTo,
  ready,
  scriptedServer,
  type Outcome,
  type TestOptions,
} from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

const ABORTED = "TransactionAbortedError no";
const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";

const dialects = [
  ["RESP3", { protocol: 3 }],
  ["RESP2", { protocol: 2 }],
] as unknown as readonly [string, TestOptions][];

/** A connection on which these commands were sent is gone, and there is a new one. */
async function afterCut(options: TestOptions, begin: (redis: Redis) => Promise<unknown>): Promise<Redis> {
  const proxy = await proxyTo(server);
  const redis = await ready(proxy.port, options);
  await begin(redis);
  const { connections } = proxy.counters;
  proxy.cutAll();
  await eventually(() => expect(proxy.counters.connections).toBeGreaterThan(connections));
  await eventually(() => expect(redis.status).toBe("ready"));
  return redis;
}

async function batchOutcomes(batch: Promise<[Error | null, unknown][] | null>): Promise<string[]> {
  return ((await batch) ?? []).map(([error]) => gist(error));
}

describe.each(dialects)("after a lost WATCH (%s)", (_, options) => {
  it("refuses an interactive MULTI up to its EXEC, issued in one go", async () => {
    const redis = await afterCut(options, (client) => client.watch("stock"));
    const outcomes = await outcomesOf([
      redis.multi({ pipeline: false }),
      redis.set("stock", "mine"),
      redis.pipeline().incr("n").exec(),
      redis.withDeadline(5_000).incr("n"),
      redis.exec(),
    ]);
    expect(outcomes.map(gist)).toEqual([ABORTED, ABORTED, "ok", ABORTED, ABORTED]);
    expect((outcomes[2]?.value as [Error][]).map(([error]) => gist(error))).toEqual([ABORTED]);
    expect(outcomes[1]?.error?.message).toContain("the MULTI that it was issued behind was refused");
    expect(await server.cli("DBSIZE")).toBe("0");
    expect(await redis.set("free", "1")).toBe("OK");
  });

  it("refuses nothing more once the caller of the MULTI knows", async () => {
    const redis = await afterCut(options, (client) => client.watch("stock"));
    expectError(await outcomeOf(redis.multi({ pipeline: false })), "TransactionAbortedError", "no");
    expect(await redis.set("free", "1")).toBe("OK");
    await redis.watch("stock");
    await redis.multi({ pipeline: false });
    expect(await redis.set("stock", "mine")).toBe("QUEUED");
    expect(await redis.exec()).toEqual([[null, "OK"]]);
  });

  it("refuses an interactive MULTI that was issued while disconnected, and leaves none open", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, options);
    await redis.watch("stock");
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const waiting = outcomesOf([redis.multi({ pipeline: false }), redis.set("stock", "mine"), redis.exec()]);
    await proxy.pass();
    expect((await waiting).map(gist)).toEqual([ABORTED, ABORTED, ABORTED]);
    expect(await redis.set("free", "1")).toBe("OK");
    expect((await callsOf(server))["multi"]).toBeUndefined();
  });

  it.each<[string, (redis: Redis) => ReturnType<ReturnType<Redis["pipeline"]>["exec"]>]>([
    ["a MULTI batch", (redis) => redis.pipeline([["multi"], ["set", "stock", "mine"], ["exec"]]).exec()],
    [
      "a pipeline with a MULTI inside",
      (redis) => redis.pipeline([["get", "x"], ["multi"], ["set", "stock", "mine"], ["exec"]]).exec(),
    ],
    [
      "a pipeline with a further WATCH",
      (redis) =>
        redis
          .pipeline([
            ["watch", "other"],
            ["get", "other"],
          ])
          .exec(),
    ],
  ])("refuses %s whole, once", async (_what, send) => {
    const redis = await afterCut(options, (client) => client.watch("stock"));
    const first = await batchOutcomes(send(redis));
    expect(new Set(first)).toEqual(new Set([ABORTED]));
    expect(await server.cli("DBSIZE")).toBe("0");
    expect(new Set(await batchOutcomes(send(redis)))).toEqual(new Set(["ok"]));
  });
});

describe.each(dialects)("after a lost interactive MULTI (%s)", (_, options) => {
  it.each<[string, (redis: Redis) => Promise<unknown>]>([
    ["a command", (redis) => redis.incr("bare")],
    ["a command of a view", (redis) => redis.withDeadline(5_000).incr("bare")],
    ["a further MULTI", (redis) => redis.multi({ pipeline: false })],
    ["a MULTI batch", (redis) => redis.multi().incr("bare").exec()],
    ["WATCH", (redis) => redis.watch("bare")],
    ["UNWATCH", (redis) => redis.unwatch()],
    ["a blocking command", (redis) => redis.blpop("bare", 1)],
  ])("refuses %s, until EXEC", async (_what, send) => {
    const redis = await afterCut(options, (client) => client.multi({ pipeline: false }));
    expectError(await outcomeOf(send(redis)), "TransactionAbortedError", "no");
    expectError(await outcomeOf(send(redis)), "TransactionAbortedError", "no");
    expectError(await outcomeOf(redis.exec()), "TransactionAbortedError", "no");
    expect(await server.cli("DBSIZE")).toBe("0");
    expect(await redis.incr("free")).toBe(1);
  });

  it("refuses the members of a pipeline, until DISCARD", async () => {
    const redis = await afterCut(options, (client) => client.multi({ pipeline: false }));
    expect(await batchOutcomes(redis.pipeline().incr("bare").get("bare").exec())).toEqual([ABORTED, ABORTED]);
    expectError(await outcomeOf(redis.discard()), "TransactionAbortedError", "no");
    expect(await batchOutcomes(redis.pipeline().incr("free").exec())).toEqual(["ok"]);
    expect(await server.cli("EXISTS", "bare")).toBe("0");
  });

  it("refuses what was issued while disconnected, batches too", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, options);
    await redis.multi({ pipeline: false });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const batch = batchOutcomes(redis.pipeline().incr("bare").exec());
    const singles = outcomesOf([redis.incr("bare"), redis.exec(), redis.incr("free")]);
    await proxy.pass();
    expect(await batch).toEqual([ABORTED]);
    expect((await singles).map(gist)).toEqual([ABORTED, ABORTED, "ok"]);
    expect(await server.cli("EXISTS", "bare")).toBe("0");
  });

  it("lets the client quit", async () => {
    const redis = await afterCut(options, (client) => client.multi({ pipeline: false }));
    expect(await redis.quit()).toBe("OK");
  });

  it("knows of one that a pipeline left open", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, options);
    const batch = redis.pipeline();
    void batch.call("multi");
    await batch.exec();
    const lost = proxy.forwardThenCut();
    const queued = await outcomeOf(redis.set("bare", "1"));
    await lost;
    expectError(queued, "TransactionAbortedError", "no");
    expectError(await outcomeOf(redis.exec()), "TransactionAbortedError", "no");
    await redis.ping();
    expect(await server.cli("EXISTS", "bare")).toBe("0");
  });
});

describe("two callers on one client", () => {
  it("share what one of them watches and queues, and its loss: neither runs bare, both go on after the EXEC", async () => {
    const redis = await afterCut({}, (client) => client.multi({ pipeline: false }));
    const other = outcomeOf(redis.multi().incr("theirs").exec());
    const mine = outcomesOf([redis.incr("mine"), redis.exec()]);
    expectError(await other, "TransactionAbortedError", "no");
    expect((await mine).map(gist)).toEqual([ABORTED, ABORTED]);
    expect(await redis.multi().incr("theirs").exec()).toEqual([[null, 1]]);
    expect(await server.cli("EXISTS", "mine")).toBe("0");
  });
});

describe("a transaction of which a part is refused by the server", () => {
  const OK = "+OK\r\n";
  const replies = (...odd: [string, string][]): ((name: string) => string) => {
    const table = new Map(odd);
    return (name) => table.get(name) ?? OK;
  };
  const aborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";

  // Servers before 6.2, and proxies, refuse EXEC in these words too.
  it.each([aborted, LOADING])(
    "does not send a queued command again on its own, whatever EXEC said (%s)",
    async (end) => {
      const peer = await scriptedServer(replies(["set", LOADING], ["exec", end]));
      const redis = await ready(peer.port, { resilience: { breaker: false } });
      const seen = peer.seen.length;
      const outcomes = await outcomesOf([redis.multi({ pipeline: false }), redis.set("k", "1"), redis.exec()]);
      expect(outcomes.map(message)).toEqual(["ok", LOADING.slice(1, -2), end.slice(1, -2)]);
      await redis.ping();
      expect(peer.seen.slice(seen)).toEqual(["multi", "set", "exec", "ping"]);
    },
  );

  it.each([
    ["EXEC", "exec", (redis: Redis) => redis.exec()],
    ["WATCH", "watch", (redis: Redis) => redis.watch("k")],
    ["UNWATCH", "unwatch", (redis: Redis) => redis.unwatch()],
    ["DISCARD", "discard", (redis: Redis) => redis.discard()],
    ["MULTI", "multi", (redis: Redis) => redis.multi({ pipeline: false })],
  ])("does not send %s again on its own", async (_, name, send) => {
    const peer = await scriptedServer(replies([name, LOADING]));
    const redis = await ready(peer.port, { resilience: { breaker: false } });
    expect(message(await outcomeOf(send(redis)))).toBe(LOADING.slice(1, -2));
    await redis.ping();
    expect(peer.seen.filter((other) => other === name)).toEqual([name]);
  });

  it.each([
    ["MULTI", "multi", (redis: Redis) => redis.multi({ pipeline: false })],
    ["WATCH", "watch", (redis: Redis) => redis.watch("k")],
  ])("forgets a %s that the server refused", async (_, name, send) => {
    const peer = await scriptedServer(replies([name, "-NOPERM this user has no permissions\r\n"]));
    const proxy = await proxyTo(peer);
    const redis = await ready(proxy.port, { resilience: { breaker: false } });
    await outcomeOf(send(redis));
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    expect(await redis.set("k", "1")).toBe("OK");
    expect(await batchOutcomes(redis.pipeline([["multi"], ["set", "k", "1"], ["exec"]]).exec())).toContain("ok");
  });

  function message({ error }: Outcome): string {
    return error === undefined ? "ok" : error.message;
  }
});

describe("an interactive MULTI that is never sent", () => {
  it("takes along what was issued behind it, up to its EXEC", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const patience = new AbortController();
    const before = redis.incr("free");
    const multi = outcomeOf(redis.with({ signal: patience.signal }).multi({ pipeline: false }));
    const rest = outcomesOf([redis.incr("bare"), redis.exec(), redis.incr("free")]);
    patience.abort();
    await proxy.pass();
    expect(gist(await multi)).toBe("AbortedError no");
    expect((await rest).map(gist)).toEqual([ABORTED, ABORTED, "ok"]);
    expect(await before).toBe(1);
    expect(await server.cli("EXISTS", "bare")).toBe("0");
  });

  it("takes them along when it is refused at once", async () => {
    const redis = await ready(server.port);
    const outcomes = await outcomesOf([
      redis.with({ signal: AbortSignal.abort() }).multi({ pipeline: false }),
      redis.incr("bare"),
      redis.exec(),
      redis.incr("free"),
    ]);
    expect(outcomes.map(gist)).toEqual(["AbortedError no", ABORTED, ABORTED, "ok"]);
    expect(await server.cli("EXISTS", "bare")).toBe("0");
  });
});
