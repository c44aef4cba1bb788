/** The connection under the commands: bytes leave whole and in order, dead sockets are noticed, and new ones come apart. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connected } from "../helpers/connected.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { makeCertificates, type Certificates } from "../helpers/tls.js";
import { Redis } from "../../src/redis.js";
import {
  atEnd,
  callsOf,
  clean,
  client,
  gist,
  outcomeOf,
  proxyTo,
  ready,
  scriptedServer,
  sleep,
} from "./core-harness.js";

let certificates: Certificates;
let server: RedisServer;
beforeAll(async () => {
  certificates = await makeCertificates();
  server = await startRedis({ tls: certificates.valid });
});
afterAll(async () => {
  await server.stop();
  await certificates.remove();
});
beforeEach(() => clean(server));

/** Deterministic numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("writes that are joined", () => {
  const ways: Readonly<Record<string, () => Redis>> = {
    tcp: () => client(server.port),
    "a unix socket": () => track(new Redis(server.path, { resilience: { profile: "production", logger: false } })),
    tls: () => client(server.tlsPort ?? 0, { tls: { ca: certificates.caPem } }),
  };

  function track(redis: Redis): Redis {
    atEnd(() => redis.disconnect());
    return redis;
  }

  it.each(Object.entries(ways))(
    "over %s arrive byte for byte and in order, whatever their number, size and kind",
    async (_, make) => {
      const redis = make();
      await redis.ping();
      const random = generator(7);
      for (const commands of [1, 2, 11, 12, 13, 500, 2000, 3, 200, 1, 1000]) {
        const sent: Buffer[] = [];
        const replies: Promise<unknown>[] = [];
        for (let i = 0; i < commands; i++) {
          const size = random() < 0.02 ? Math.floor(random() * 200_000) : Math.floor(random() * 200);
          const kind = random();
          const bytes = kind < 0.4 ? randomBytes(size) : Buffer.from("ü€".repeat(size / 4) + String(i));
          sent.push(bytes);
          replies.push(redis.echoBuffer(kind < 0.4 ? bytes : bytes.toString()));
        }
        const received = await Promise.all(replies);
        expect(received.every((reply, i) => Buffer.isBuffer(reply) && reply.equals(sent[i] ?? Buffer.alloc(0)))).toBe(
          true,
        );
      }
      const { asked, made } = redis.stats().writes;
      expect(made).toBeLessThan(asked / 2);
    },
  );

  it("are not held back when the client ends in the same tick", async () => {
    const redis = await ready(server.port);
    for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 50 }, () => redis.incr("warm")));
    const last = Array.from({ length: 50 }, () => redis.incr("n"));
    const quit = redis.quit();
    await Promise.all(last);
    expect(await quit).toBe("OK");
    expect(await server.cli("GET", "n")).toBe("50");
  });

  it("leave before an end that follows in the same tick", async () => {
    const redis = await ready(server.port);
    for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 50 }, () => redis.incr("warm")));
    const last = Array.from({ length: 50 }, () => outcomeOf(redis.incr("n")));
    redis.disconnect();
    for (const outcome of await Promise.all(last)) expect(gist(outcome)).toMatch(/^(ok|ClosedError maybe)$/);
    await eventually(async () => expect(await server.cli("GET", "n")).toBe("50"));
  });
});

describe("a handshake without an answer", () => {
  it("is given up after handshakeTimeout, and the next connection serves what waited", async () => {
    const proxy = await proxyTo(server);
    proxy.silent();
    const redis = client(proxy.port, {
      resilience: {
        deadline: 20_000,
        breaker: false,
        reconnect: { minTimeout: 20, maxTimeout: 100, handshakeTimeout: 300 },
      },
    });
    const waiting = outcomeOf(redis.incr("n"));
    // ioredis's own limit is 10 s.
    await eventually(() => expect(proxy.counters.connections).toBeGreaterThanOrEqual(2), { withinMs: 5000 });
    await eventually(() => expect(redis.log.text()).toContain("HANDSHAKE_TIMEOUT"));
    await proxy.pass();
    expect((await waiting).value).toBe(1);
  });
});

describe("a handshake that goes silent where others took milliseconds", () => {
  it("is given up before handshakeTimeout, and the next connection serves what waited", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: { deadline: 20_000, breaker: false, reconnect: { handshakeTimeout: 10_000 } },
    });
    proxy.silent();
    const before = proxy.counters.connections;
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const waiting = outcomeOf(redis.incr("n"));
    await eventually(() => expect(proxy.counters.connections).toBeGreaterThanOrEqual(before + 2), { withinMs: 8000 });
    await proxy.pass();
    expect((await waiting).value).toBe(1);
  });
});

describe("an idle connection", () => {
  it("that is reset costs nobody anything", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000, breaker: { downAfter: 20_000 } } });
    for (let i = 0; i < 3; i++) {
      proxy.cutAll();
      await eventually(() => expect(redis.status).not.toBe("ready"));
      expect(await redis.incr("n")).toBe(i + 1);
    }
    expect(redis.stats()).toMatchObject({ lost: 0, rejected: 0 });
    expect(redis.log.at("error", "fatal")).toHaveLength(0);
  });

  it("that went dead is noticed by the heartbeat before anybody needs it", async () => {
    const proxy = await proxyTo(server);
    const resilience = { deadline: 20_000, breaker: false, heartbeat: { interval: 200, timeout: 200 } } as const;
    const redis = await ready(proxy.port, { resilience });
    const before = proxy.counters.connections;
    proxy.blackhole();
    // The handshake of the next one gets no answer either.
    await eventually(() => expect(proxy.counters.connections).toBe(before + 1), { withinMs: 2500 });
    await proxy.pass();
    expect(await redis.incr("n")).toBe(1);
    expect(redis.stats()).toMatchObject({ deadlines: 0, rejected: 0 });
  });

  it("of a subscriber too: it is replaced, subscribed again, and messages arrive", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { heartbeat: { interval: 200, timeout: 200 } } });
    const messages: string[] = [];
    redis.on("message", (_channel, message) => messages.push(message));
    await redis.subscribe("news");
    const before = proxy.counters.connections;
    proxy.blackhole();
    await eventually(() => expect(proxy.counters.connections).toBeGreaterThan(before), { withinMs: 2500 });
    await proxy.pass();
    await eventually(async () => {
      await server.call("PUBLISH", "news", "hello");
      expect(messages).toContain("hello");
    });
  });

  it("that was idle is not taken for dead because the next answer is still on its way", async () => {
    const proxy = await proxyTo(server);
    const resilience = { deadline: 20_000, heartbeat: { interval: 10_000, timeout: 1500 } } as const;
    const redis = await ready(proxy.port, { resilience });
    // Idle for longer than the watchdog's patience; then longer on the way than it waits between two looks.
    await sleep(1600);
    proxy.blackhole();
    const answer = outcomeOf(redis.incr("n"));
    await sleep(800);
    await proxy.pass();
    expect((await answer).value).toBe(1);
    expect(proxy.counters.connections).toBe(1);
    expect(redis.stats()).toMatchObject({ lost: 0 });
  });

  it("that answers is left alone", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { heartbeat: { interval: 50, timeout: 1000 } } });
    // For longer than an answer that is not noticed would be waited for.
    await eventually(async () => expect((await callsOf(server))["ping"]).toBeGreaterThan(30));
    expect(proxy.counters.connections).toBe(1);
    expect(redis.status).toBe("ready");
  });
});

describe("a primary that became a replica", () => {
  it("is left for the new one, and the writes that it refused succeed there", async () => {
    const next = await startRedis();
    atEnd(() => next.stop());
    const old = await startRedis();
    atEnd(() => old.stop());
    const proxy = await proxyTo(old);
    const redis = await ready(proxy.port, {
      resilience: { retry: { retries: 100, maxTimeout: 200 }, deadline: 20_000, breaker: false },
    });
    await redis.set("a", "1");
    proxy.switchTarget(next.port);
    await old.call("REPLICAOF", "127.0.0.1", next.port);
    const outcome = await outcomeOf(redis.incr("n"));
    expect(outcome.value).toBe(1);
    expect(outcome.after).toBeLessThan(10_000);
    expect(await next.cli("GET", "n")).toBe("1");
  });

  it("for good is dialled again at a bounded rate only, and its reads go on", async () => {
    const own = await startRedis();
    atEnd(() => own.stop());
    await own.call("REPLICAOF", "127.0.0.1", server.port);
    const proxy = await proxyTo(own);
    const redis = await ready(proxy.port, { resilience: { deadline: 300, breaker: false, retry: { budget: false } } });
    const start = performance.now();
    let reads = 0;
    while (performance.now() - start < 2500) {
      expect(gist(await outcomeOf(redis.set("a", "1")))).toMatch(/^READONLY|^DeadlineError/);
      if ((await outcomeOf(redis.get("a"))).error === undefined) reads++;
    }
    // Its own, and a look each 500 ms.
    expect(proxy.counters.connections).toBeLessThanOrEqual(1 + 1 + 2800 / 500);
    expect(reads).toBeGreaterThan(0);
  });
});

describe("reconnecting", () => {
  it("spreads 200 clients of a restarted server", async () => {
    const peer = await scriptedServer(() => "+PONG\r\n");
    const proxy = await proxyTo(peer);
    const redises = Array.from({ length: 200 }, () =>
      client(proxy.port, {
        resilience: { breaker: false, reconnect: { minTimeout: 2000, maxTimeout: 2000, handshakeTimeout: 20_000 } },
      }),
    );
    await Promise.all(redises.map((redis) => connected(redis)));
    const before = proxy.counters.connections;
    // When each one means to dial. When it then does is up to the machine as well.
    const due: number[] = [];
    for (const redis of redises) redis.once("reconnecting", (delay: number) => due.push(performance.now() + delay));
    proxy.cutAll();
    await eventually(() => expect(proxy.counters.connections).toBe(before + 200), { withinMs: 15_000 });
    const peak = Math.max(...due.map((from) => due.filter((at) => at >= from && at < from + 100).length));
    expect(due).toHaveLength(200);
    // The pace gives out 25 in each 50 ms, and 100 ms touch three of these.
    expect(peak).toBeLessThanOrEqual(75);
  });

  it("backs off from a server that accepts and drops, instead of starting anew each time", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: { reconnect: { minTimeout: 50, maxTimeout: 1000, stableAfter: 5000 } },
    });
    const start = performance.now();
    while (performance.now() - start < 2500) {
      proxy.cutAll();
      await sleep(5);
    }
    expect(proxy.counters.connections).toBeLessThan(25);
    expect(redis.stats().reconnects.attempts).toBeGreaterThan(3);
  });
});
