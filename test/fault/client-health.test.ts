/** What probes of an orchestrator, dashboards and listeners are told of a client, in each state that it can be in. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeAll, afterAll, describe, expect, it } from "vitest";
import type { ResilienceEvent } from "../../src/index.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, outcomeOf, proxyTo, ready } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe("health(), and the probes made of it", () => {
  it("a lazy client that nobody has used is idle, alive and ready", async () => {
    const redis = client(server.port, { lazyConnect: true });
    const { status, since, code, reason } = redis.health();
    expect({ status, code, reason }).toEqual({ status: "idle", code: undefined, reason: undefined });
    expect(Math.abs(since - Date.now())).toBeLessThan(1_000);
    expect(redis.liveness().alive).toBe(true);
    expect((await redis.readiness()).ready).toBe(true);
    const started = await redis.startup({ within: 5_000 });
    expect(started.ready).toBe(true);
    expect(started.health.status).toBe("ready");
  });

  it("a client whose first attempt is under way is connecting: nothing has failed, and it is not ready", async () => {
    const proxy = await proxyTo(server);
    proxy.silent();
    const redis = client(proxy.port);
    await eventually(() => expect(redis.health().status).toBe("connecting"));
    expect(redis.health().reason).toContain("The first attempt to connect has been under way for");
    expect((await redis.readiness()).ready).toBe(false);
    expect((await redis.readiness({ required: false })).ready).toBe(true);
    expect(await redis.startup({ within: 50 })).toMatchObject({ ready: false, health: { status: "connecting" } });
    await proxy.pass();
  });

  it("a client that cannot connect is down, with code, reason, since when, and when it tries next", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { reconnect: { minTimeout: 300, maxTimeout: 300 } } });
    const readySince = redis.health().since;
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.health()).toMatchObject({ status: "down", code: "CONNECTION_REFUSED" }));
    const { since, reason, nextAttemptMs } = redis.health();
    expect(since).toBeGreaterThanOrEqual(readySince);
    expect(reason).toContain("ECONNREFUSED");
    expect(nextAttemptMs).toBeGreaterThanOrEqual(0);
    expect(nextAttemptMs).toBeLessThanOrEqual(300);
    await eventually(() => expect(redis.health().since).toBe(since));
    expect(redis.liveness().alive).toBe(true);
    expect((await redis.readiness()).ready).toBe(false);
    await proxy.pass();
    await eventually(() => expect(redis.health().status).toBe("ready"));
    expect(redis.health().since).toBeGreaterThan(since);
  });

  it("a client whose writes are refused is degraded: not ready where Redis is required, ready where it is not", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: { breaker: { volumeThreshold: 1, resetTimeout: 60_000 }, deadline: 100, fallback: () => "answered" },
    });
    await server.call("CONFIG", "SET", "maxmemory", "1");
    atEnd(() => server.call("CONFIG", "SET", "maxmemory", "0"));
    await eventually(async () => {
      await outcomeOf(redis.set("k", "v"));
      expect(redis.health()).toMatchObject({ status: "degraded", code: "OUT_OF_MEMORY" });
    });
    expect(redis.health().reason).toContain("Writes are refused");
    expect(redis.health().nextAttemptMs).toBeGreaterThan(0);
    expect((await redis.readiness()).ready).toBe(false);
    expect((await redis.readiness({ required: false })).ready).toBe(true);
  });

  it("a client of which one lane has been away for too long is degraded, and stats() shows why its commands are refused", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      connectionName: "laned",
      resilience: { pool: { size: 2 }, breaker: { downAfter: 200 }, deadline: 500 },
    });
    const own = String(await redis.client("ID"));
    const others = [...(await server.cli("CLIENT", "LIST")).matchAll(/^id=(\d+) .* name=laned /gm)]
      .map(([, id = ""]) => id)
      .filter((id) => id !== own);
    await proxy.refuse();
    await server.call("CLIENT", "KILL", "ID", others[0] ?? "");
    await eventually(async () => {
      const outcomes = await Promise.all(["a", "b", "c", "d"].map((key) => outcomeOf(redis.set(key, "2"))));
      expect(outcomes.map(({ error }) => error?.name)).toContain("CircuitOpenError");
    });
    const { status, since, code, reason, nextAttemptMs } = redis.health();
    expect({ status, code }).toEqual({ status: "degraded", code: "CONNECTION_REFUSED" });
    expect(reason).toContain("Commands of one lane are refused");
    expect(since).toBeGreaterThan(Date.now() - 60_000);
    expect(nextAttemptMs).toBeGreaterThanOrEqual(0);
    expect(redis.stats().breaker.readWrite).toMatchObject({ state: "open", cause: "CONNECTION_REFUSED" });
    expect((await redis.readiness()).ready).toBe(false);
    await proxy.pass();
    await eventually(() => expect(redis.health().status).toBe("ready"));
    expect(redis.stats().breaker.readWrite.state).toBe("closed");
  });

  it("asks the server only when the last sign of life is older than maxAge", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { breaker: { probeTimeout: 100 } } });
    proxy.blackhole();
    expect((await redis.readiness()).ready).toBe(true);
    expect((await redis.readiness({ maxAge: 60_000 })).ready).toBe(true);
    await eventually(async () => {
      expect(await redis.readiness({ maxAge: 1 })).toMatchObject({
        ready: false,
        health: { code: "RESPONSE_TIMEOUT" },
      });
    });
    await proxy.pass();
    await eventually(async () => expect((await redis.readiness({ maxAge: 1 })).ready).toBe(true));
  });

  it("a closed client is not ready; it is alive if its owner closed it, and not if it gave up by itself", async () => {
    const redis = await ready(server.port);
    await redis.close();
    expect(redis.health()).toMatchObject({ status: "closed", code: "CLIENT_CLOSED" });
    expect(redis.liveness().alive).toBe(true);
    expect((await redis.readiness({ required: false })).ready).toBe(false);

    const proxy = await proxyTo(server);
    const desperate = await ready(proxy.port, { retryStrategy: () => null });
    proxy.cutAll();
    await eventually(() => expect(desperate.health().status).toBe("closed"));
    expect(desperate.liveness().alive).toBe(false);
  });

  it("a wrong password ends startup at once", async () => {
    const guarded = await startRedis({ password: "right" });
    atEnd(() => guarded.stop());
    const redis = client(guarded.port, { password: "wrong", lazyConnect: true });
    const began = performance.now();
    const { ready: isReady, health } = await redis.startup({ within: 20_000 });
    expect(isReady).toBe(false);
    expect(health).toMatchObject({ status: "down", code: "AUTH_WRONG" });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(JSON.stringify(health)).not.toContain('"wrong"');
  });
});

describe("isConsuming()", () => {
  it("says what a worker waits for, where, and when it last got something", async () => {
    const redis = await ready(server.port);
    expect(redis.isConsuming()).toEqual({ consuming: false, waits: [] });
    const got = redis.blpop("consuming:jobs", 0);
    const { waits } = await eventually(() => {
      const now = redis.isConsuming();
      expect(now.consuming).toBe(true);
      return now;
    });
    expect(waits).toMatchObject([{ for: "BLPOP", count: 1 }]);
    expect(Math.abs((waits[0]?.lastProofAt ?? 0) - Date.now())).toBeLessThan(5_000);
    const other = await ready(server.port);
    await other.rpush("consuming:jobs", "one");
    await got;
    const { lastElementAt } = redis.isConsuming();
    expect(Math.abs((lastElementAt ?? 0) - Date.now())).toBeLessThan(5_000);
    expect(JSON.stringify(redis.isConsuming())).not.toContain("jobs");
  });

  it("takes no WAIT for one that consumes: nobody brings it anything", async () => {
    const redis = await ready(server.port);
    const waiting = redis.wait(1, 300);
    await eventually(() => expect(redis.stats().inFlight).toBe(1));
    expect(redis.isConsuming()).toEqual({ consuming: false, waits: [] });
    expect(await waiting).toBe(0);
    expect(redis.isConsuming()).toEqual({ consuming: false, waits: [] });
  });

  it("says what a subscriber listens to, and when it last heard a message; not while it is cut off", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port);
    const heard = new Promise((resolve) => redis.once("message", resolve));
    await redis.subscribe("news", "sport");
    expect(redis.isConsuming()).toMatchObject({
      consuming: true,
      waits: [{ for: "SUBSCRIBE", count: 2, connection: "own" }],
    });
    await server.call("PUBLISH", "news", "hello");
    await heard;
    expect(redis.isConsuming().lastMessageAt).toBeGreaterThan(Date.now() - 5_000);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.isConsuming().consuming).toBe(false));
    await proxy.pass();
    await eventually(() => expect(redis.isConsuming().consuming).toBe(true));
  });
});

describe("stats()", () => {
  it("counts by code and by family, and knows how long commands take", async () => {
    const redis = await ready(server.port);
    for (let i = 0; i < 50; i++) await redis.get("stats:a");
    await redis.set("stats:a", "text");
    await outcomeOf(redis.lpush("stats:a", "1"));
    const { codes, families, latency, failed } = redis.stats();
    expect({ codes, failed }).toEqual({ codes: { WRONG_TYPE: 1 }, failed: 1 });
    expect(families.read).toEqual({ answered: 50, failed: 0 });
    expect(families.write).toEqual({ answered: 2, failed: 1 });
    expect(latency.samples).toBeGreaterThanOrEqual(50);
    expect(latency.p50).toBeGreaterThan(0);
    expect(latency.p50).toBeLessThanOrEqual(latency.p99);
    expect(latency.p99).toBeLessThanOrEqual(latency.max);
  });

  it("counts what a borrower did not wait for, and none of what the pool sends itself", async () => {
    const redis = await ready(server.port, { resilience: { pool: { max: 1 } } });
    await redis.set("stats:c", "text");
    let late: Promise<unknown> = Promise.resolve();
    await redis.withConnection((connection) => {
      late = outcomeOf(connection.lpush("stats:c", "1"));
    });
    await late;
    expect(redis.stats()).toMatchObject({ failed: 1, codes: { WRONG_TYPE: 1 } });
    await server.call("ACL", "SETUSER", "default", "-ping");
    atEnd(() => server.call("ACL", "SETUSER", "default", "+ping"));
    await redis.withConnection((connection) => void outcomeOf(connection.get("stats:c")));
    await redis.withConnection((connection) => connection.get("stats:c"));
    expect(redis.stats()).toMatchObject({ failed: 1, codes: { WRONG_TYPE: 1 } });
  });

  it("counts what ran on connections of the pool, also after they have ended", async () => {
    const redis = await ready(server.port);
    const failed = await redis.withConnection(async (connection) => {
      await connection.set("stats:b", "text");
      await outcomeOf(connection.lpush("stats:b", "1"));
      connection.disconnect();
      return true;
    });
    expect(failed).toBe(true);
    expect(redis.stats()).toMatchObject({ failed: 1, codes: { WRONG_TYPE: 1 } });
  });
});

describe("codes and fallbacks", () => {
  it("gives the server's own errors a code that programs can match on, and that no log prints by itself", async () => {
    const redis = await ready(server.port);
    await redis.set("codes:a", "text");
    const { error } = await outcomeOf(redis.lpush("codes:a", "1"));
    expect(error).toMatchObject({ code: "WRONG_TYPE", name: "ReplyError" });
    expect(Object.keys(error ?? {})).not.toContain("code");
    expect((error as { diagnosis?: { code?: string } }).diagnosis?.code).toBe("WRONG_TYPE");
  });

  it("tells a fallback what was asked for, and keeps it out of what is enumerable", async () => {
    const proxy = await proxyTo(server);
    const seen: unknown[] = [];
    const redis = await ready(proxy.port, {
      keyPrefix: "p:",
      resilience: {
        deadline: 50,
        fallback: (command) => {
          seen.push(JSON.stringify(command));
          return `${command.name} ${command.keys.join()} ${command.args.length.toString()}`;
        },
      },
    });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.health().status).toBe("down"));
    await eventually(async () => expect(await redis.mget("a", "b")).toBe("mget p:a,p:b 2"));
    expect(new Set(seen)).toEqual(new Set(['{"name":"mget"}']));
    expect(redis.stats().fallbacks).toBe(seen.length);
    expect(redis.stats().failed).toBe(0);
  });
});

describe("events", () => {
  it("tell an outage to listeners and to the channel, and stop when told to", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: { deadline: 100, breaker: { downAfter: 300, resetTimeout: 100 } },
    });
    const heard: ResilienceEvent[] = [];
    const published: unknown[] = [];
    const subscriber = (message: unknown): void => void published.push(message);
    subscribe("ioredoubt:event", subscriber);
    atEnd(() => unsubscribe("ioredoubt:event", subscriber));
    const stop = redis.onEvent((event) => heard.push(event));
    await proxy.refuse();
    proxy.cutAll();
    await eventually(async () => {
      await outcomeOf(redis.incr("events:n"));
      expect(heard.map(({ type }) => type)).toEqual(
        expect.arrayContaining(["incident.opened", "circuit.changed", "command.refused"]),
      );
    });
    await proxy.pass();
    await eventually(() => {
      const closed = heard.find((event) => event.type === "incident.closed");
      expect(closed).toMatchObject({ ending: "recovered", failed: redis.stats().failed, codes: redis.stats().codes });
    });
    expect(heard.find((event) => event.type === "reconnected")).toMatchObject({ server: "same" });
    const refused = heard.filter((event) => event.type === "command.refused");
    expect(refused).toHaveLength(redis.stats().rejected);
    expect(published).toEqual(heard);
    stop();
    const before = heard.length;
    proxy.cutAll();
    await eventually(() => expect(published.length).toBeGreaterThan(before));
    expect(heard).toHaveLength(before);
  });

  it("tell that the server was started anew, and so does the log", async () => {
    const own = await startRedis();
    atEnd(() => own.stop());
    const redis = await ready(own.port);
    const heard: ResilienceEvent[] = [];
    redis.onEvent((event) => heard.push(event));
    await own.kill();
    await eventually(() => expect(heard.map(({ type }) => type)).toContain("incident.opened"));
    await own.restart();
    await eventually(() => expect(redis.log.text()).toContain("The server was restarted."));
    expect(heard.find((event) => event.type === "reconnected")).toMatchObject({ server: "restarted" });
  });
});
