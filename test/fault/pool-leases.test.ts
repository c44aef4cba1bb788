import { Command } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClosedError, PoolTimeoutError, TransactionAbortedError, type Redis } from "../../src/index.js";
import { connected } from "../helpers/connected.js";
import { createLogSink } from "../helpers/log-sink.js";
import { eventually } from "../helpers/eventually.js";
import { startProxy } from "../helpers/fault-proxy.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { outcomeOf, sleep } from "./core-harness.js";
import { blocked, client, connections } from "./pool-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe("withConnection", () => {
  it("opens nothing until it is used, and one connection for calls one after the other", async () => {
    await using redis = client(server.port);
    await redis.ping();
    expect(redis.stats().pool).toMatchObject({ open: 0, created: 0 });
    for (let n = 0; n < 10; n++) await redis.withConnection((conn) => conn.incr("one"));
    expect(redis.stats().pool).toMatchObject({ created: 1 });
  });

  it("returns what the function returns and throws what it throws, and takes the connection back either way", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    expect(await redis.withConnection(() => 42)).toBe(42);
    const error = new Error("mine");
    await expect(redis.withConnection(() => Promise.reject(error))).rejects.toBe(error);
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
    expect(redis.stats().pool?.created).toBe(1);
  });

  it("prefixes keys and knows the client's own commands", async () => {
    await using redis = client(server.port, {}, { keyPrefix: "app:" });
    redis.defineCommand("double", { numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1]) * 2" });
    await redis.set("n", 21);
    const doubled = await redis.withConnection((conn) =>
      (conn as Redis & { double(key: string): Promise<number> }).double("n"),
    );
    expect(doubled).toBe(42);
    expect(await server.call("GET", "app:n")).toBe("21");
  });

  it("starts on the database that the client is on now", async () => {
    await using redis = client(server.port);
    await redis.withConnection((conn) => conn.ping());
    await redis.select(3);
    await redis.withConnection((conn) => conn.set("where", "three"));
    expect(await redis.get("where")).toBe("three");
  });

  it.each<[string, (conn: Redis) => Promise<unknown>]>([
    ["WATCH", (conn) => conn.watch("k")],
    [
      "an open MULTI",
      async (conn) => {
        await conn.multi({ pipeline: false });
        await conn.set("k", "never");
      },
    ],
    ["SELECT", (conn) => conn.select(5)],
    [
      "a SELECT inside a MULTI that was given up",
      async (conn) => {
        await conn.select(5);
        await conn.multi({ pipeline: false });
        await conn.select(0);
      },
    ],
    ["listeners", (conn) => Promise.resolve(conn.on("error", () => undefined))],
    [
      "commands that were not awaited",
      (conn) => {
        void conn.set("loose", "1");
        return Promise.resolve();
      },
    ],
  ])("cleans up after %s and uses the connection again", async (_what, leave) => {
    await using redis = client(server.port, { pool: { max: 1 } });
    await server.call("SET", "k", "before");
    await redis.withConnection(leave);
    await server.call("SET", "k", "by another");
    const seen = await redis.withConnection(async (conn) => {
      // A forgotten WATCH would fail this, a forgotten MULTI would queue it, a forgotten SELECT would not find it.
      const result = await conn.multi().get("k").exec();
      return [result, conn.listenerCount("error")];
    });
    expect(seen).toEqual([[[null, "by another"]], 0]);
    expect(redis.stats().pool).toMatchObject({ created: 1, destroyed: {} });
    expect(await server.call("EXISTS", "never")).toBe(0);
  });

  it.each<[string, string, (conn: Redis) => Promise<unknown>]>([
    ["a subscription", "dirty", (conn) => conn.subscribe("news")],
    ["CLIENT SETNAME", "dirty", (conn) => conn.client("SETNAME", "mine")],
    ["CLIENT TRACKING", "dirty", (conn) => conn.client("TRACKING", "ON", "BCAST")],
    ["another login", "dirty", (conn) => conn.call("HELLO", "3", "SETNAME", "mine")],
    ["RESET", "lost", (conn) => conn.call("RESET")],
    ["QUIT", "lost", (conn) => conn.quit()],
    [
      "disconnect()",
      "lost",
      (conn) => {
        conn.disconnect();
        return Promise.resolve();
      },
    ],
  ])("does not use a connection again after %s", async (_what, reason, leave) => {
    await using redis = client(server.port, { pool: { max: 1 } });
    await redis.withConnection(leave);
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
    expect(redis.stats().pool).toMatchObject({ created: 2, destroyed: { [reason]: 1 } });
    await eventually(async () => expect(await connections(server)).toHaveLength(2));
  });

  it("destroys a connection with a command that does not end", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    const pending = await redis.withConnection((conn) => ({ pop: conn.blpop("nothing", 0).catch((e: unknown) => e) }));
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
    expect(redis.stats().pool?.created).toBe(2);
    expect(await pending.pop).toBeInstanceOf(ClosedError);
  });

  it("refuses commands on a connection that was given back, and never sends them", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    const kept = await redis.withConnection((conn) => ({ conn }));
    await expect(kept.conn.set("late", "1")).rejects.toThrow(/SET was not sent: .* was given back/);
    const results = await kept.conn.pipeline().set("late", "1").exec();
    expect(results?.[0]?.[0]).toBeInstanceOf(ClosedError);
    expect(await server.call("EXISTS", "late")).toBe(0);
  });

  it("treats views with other limits as the connection itself: cleaned, refused after the return, ended by the loan's signal", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    await redis.withConnection((conn) => conn.withDeadline(1000).watch("seen"));
    await server.call("SET", "seen", "by another");
    expect(await redis.withConnection((conn) => conn.multi().get("seen").exec())).toEqual([[null, "by another"]]);
    const kept = await redis.withConnection((conn) => ({ view: conn.with({ deadline: 1000 }) }));
    await expect(kept.view.set("late", "1")).rejects.toThrow(/SET was not sent: .* was given back/);
    expect(await server.call("EXISTS", "late")).toBe(0);
    await redis.withConnection((conn) => conn.withDeadline(1000).client("NO-EVICT", "ON"));
    await redis.withConnection((conn) => conn.ping());
    expect(redis.stats().pool).toMatchObject({ created: 2, destroyed: { dirty: 1 } });
    const loan = new AbortController();
    const own = new AbortController();
    const work = redis.withConnection((conn) => conn.with({ signal: own.signal }).blpop("nothing", 0), {
      signal: loan.signal,
    });
    await blocked(server, 1);
    loan.abort();
    await expect(work).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("keeps what one borrower left in an automatic pipeline from the next one", async () => {
    await using redis = client(server.port, { pool: { max: 1 } }, { enableAutoPipelining: true });
    let left: Promise<unknown> = Promise.resolve();
    await redis.withConnection((conn) => void (left = conn.set("left", "1")));
    expect(await redis.withConnection((conn) => conn.set("mine", "1"))).toBe("OK");
    expect(await left).toBe("OK");
  });

  it("inside itself takes a second connection, and says who holds the only one if there is none", async () => {
    await using redis = client(server.port, { pool: { max: 1, acquireTimeout: 1500 } });
    const work = redis.withConnection(function outer() {
      return redis.withConnection(function inner(conn) {
        return conn.ping();
      });
    });
    await expect(work).rejects.toThrow(/^inner got no connection .* 1 of 1 leased \(outer for [\d.]+ m?s\)/);
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
  });

  it("says why no connection can be made, and which function wanted it", async () => {
    await using full = await startRedis({ args: ["--maxclients", "1"] });
    await using redis = client(full.port, { pool: { acquireTimeout: 700 } });
    await connected(redis);
    await eventually(
      async () => {
        const error: unknown = await redis
          .withConnection(function audit(conn) {
            return conn.ping();
          })
          .catch((e: unknown) => e);
        expect(error).toBeInstanceOf(PoolTimeoutError);
        // On a machine that stands still there may be no time to hear it.
        expect(String(error)).toMatch(/audit got no connection .* MAX_CLIENTS: .* as many clients as it allows/);
      },
      { withinMs: 20_000 },
    );
  });

  it("refuses EXEC after the connection that held the WATCH was lost", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port);
    await server.call("SET", "guarded", "1");
    const work = redis.withConnection(async (conn) => {
      await conn.watch("guarded");
      proxy.cutAll();
      await server.call("SET", "guarded", "theirs");
      await eventually(() => expect(conn.status).not.toBe("ready"));
      return conn.multi().set("guarded", "ours").exec();
    });
    await expect(work).rejects.toBeInstanceOf(TransactionAbortedError);
    expect(await server.call("GET", "guarded")).toBe("theirs");
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
  });

  it("does not lend a connection again that was another one when the loan began", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, { pool: { max: 1 }, reconnect: { minTimeout: 1, maxTimeout: 10 } });
    await redis.withConnection(async (conn) => {
      await conn.watch("guarded");
      const again = new Promise((resolve) => conn.once("ready", resolve));
      proxy.cutAll();
      await again;
    });
    // The WATCH that was lost with the first is nobody's any more: the next holder's transaction runs.
    expect(await redis.withConnection((conn) => conn.multi().ping().exec())).toEqual([[null, "PONG"]]);
    expect(redis.stats().pool).toMatchObject({ created: 2, destroyed: { reconnected: 1 } });
  });

  it("says who holds the connections when none becomes free, in names only", async () => {
    await using redis = client(server.port, { pool: { max: 2, acquireTimeout: 2000 } });
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const transfer = async (conn: Redis): Promise<void> => {
      await conn.set("secret-key", "secret-value");
      await finished;
    };
    const holding = [redis.withConnection(transfer), redis.withConnection(transfer)];
    await eventually(() => expect(redis.stats().pool?.leased).toBe(2));
    const error: unknown = await redis.withConnection((conn) => conn.ping()).catch((e: unknown) => e);
    finish();
    await Promise.all(holding);
    expect(error).toBeInstanceOf(PoolTimeoutError);
    const { pool, message, diagnosis } = error as PoolTimeoutError;
    expect(pool).toMatchObject({ max: 2, leased: 2 });
    expect(pool.holders.map(({ by, lastCommand }) => [by, lastCommand])).toEqual([
      ["transfer", "set"],
      ["transfer", "set"],
    ]);
    expect(message).toMatch(/2 of 2 leased \(transfer for [\d.]+ m?s after SET, transfer for [\d.]+ m?s after SET\)/);
    expect(diagnosis?.code).toBe("POOL_TIMEOUT");
    expect(JSON.stringify([pool, message, diagnosis])).not.toContain("secret");
  });

  it("counts each caller that gets no connection once, and nobody who ends the wait", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, {
      pool: { max: 1, acquireTimeout: 1_500 },
      breaker: { downAfter: 1_000, resetTimeout: 60_000 },
    });
    await redis.ping();
    const codes = (): unknown => {
      const { failed, rejected, codes: byCode } = redis.stats();
      return { failed, rejected, byCode };
    };
    let finish = (): void => undefined;
    const holding = redis.withConnection(() => new Promise<void>((resolve) => (finish = resolve)));
    await eventually(() => expect(redis.stats().pool?.leased).toBe(1));
    const ended = new AbortController();
    const waits = outcomeOf(redis.withConnection((conn) => conn.ping(), { signal: ended.signal }));
    ended.abort();
    await waits;
    expect(codes()).toEqual({ failed: 0, rejected: 0, byCode: {} });
    await outcomeOf(redis.withConnection((conn) => conn.ping()));
    expect(codes()).toEqual({ failed: 1, rejected: 1, byCode: { POOL_TIMEOUT: 1 } });
    finish();
    await holding;
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("open"));
    const { error } = await outcomeOf(redis.withConnection((conn) => conn.ping()));
    expect(error?.message).toMatch(/its circuit is open. Nothing was sent. It opened because of CONNECTION_REFUSED/);
    expect(codes()).toEqual({ failed: 2, rejected: 2, byCode: { POOL_TIMEOUT: 1, CIRCUIT_OPEN: 1 } });
  });

  it("warns of a connection that is kept for long, with the stack of the borrower", async () => {
    const logger = createLogSink();
    await using redis = client(server.port, { logger, pool: { leakAfter: 20 } });
    let finish = (): void => undefined;
    const kept = redis.withConnection(function forgetful() {
      return new Promise<void>((resolve) => (finish = resolve));
    });
    await eventually(() => expect(logger.at("warn")).toHaveLength(1));
    finish();
    await kept;
    const [line] = logger.at("warn");
    expect(line?.message).toMatch(/^redis \S+: forgetful has kept a connection/);
    expect(String(line?.fields["borrowedAt"]).split("\n")[0]).toContain("pool-leases.test.ts");
  });

  it("serves in order of arrival whoever is left, when some give up and some are aborted", async () => {
    await using redis = client(server.port, { pool: { max: 2, acquireTimeout: 2_000 } });
    const served: number[] = [];
    let release = (): void => undefined;
    const holding = new Promise<void>((resolve) => (release = resolve));
    const held = [1, 2].map(() => redis.withConnection(() => holding).catch(() => undefined));
    await eventually(() => expect(redis.stats().pool?.leased).toBe(2));
    const callers: Promise<unknown>[] = [];
    const abort = new AbortController();
    for (let n = 0; n < 300; n++) {
      // Every third is aborted, and the first hundred wait for longer than they may.
      const signal = n % 3 === 0 ? abort.signal : undefined;
      const call = redis.withConnection(
        async (conn) => {
          served.push(n);
          await conn.ping();
        },
        { signal },
      );
      callers.push(outcomeOf(call));
      if (n === 99) await eventually(() => expect(redis.stats().pool?.waiting).toBe(0));
    }
    abort.abort();
    release();
    await Promise.all([...held, ...callers]);
    expect(served).toEqual(Array.from({ length: 200 }, (_, n) => n + 100).filter((n) => n % 3 !== 0));
    expect(redis.stats().pool).toMatchObject({ leased: 0, waiting: 0 });
  });

  it("leaves the queue, and ends the wait of commands, when the signal fires", async () => {
    await using redis = client(server.port, { pool: { max: 1 } });
    const controller = new AbortController();
    const work = redis.withConnection((conn) => conn.blpop("nothing", 0), { signal: controller.signal });
    const queued = redis.withConnection((conn) => conn.ping(), { signal: controller.signal });
    await eventually(() => expect(redis.stats().pool).toMatchObject({ leased: 1, waiting: 1 }));
    controller.abort(new Error("enough"));
    await expect(queued).rejects.toThrow("enough");
    await expect(work).rejects.toThrow(/aborted by its caller/);
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
  });

  it("loses no command to a connection that a balancer dropped silently while it rested", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, { pool: { max: 1, idleTimeout: 400, min: 1 } });
    await redis.withConnection((conn) => conn.set("kept", "1"));
    // Held connections stay dark when a later one is healthy again: halfClose would be noticed, this is not.
    proxy.dropReplies();
    await eventually(() => expect(redis.stats().pool?.idle).toBe(1));
    await sleep(250);
    const work = redis.withConnection((conn) => conn.incr("counted"));
    await eventually(() => expect(redis.stats().pool?.dialing).toBe(1));
    await proxy.pass();
    expect(await work).toBe(1);
    expect(await server.call("GET", "counted")).toBe("1");
  });

  it("fails fast with the reason while the circuit is open", async () => {
    await using proxy = await startProxy({ target: server });
    await using redis = client(proxy.port, { breaker: { downAfter: 50 }, reconnect: { maxTimeout: 50 } });
    await connected(redis);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.health().status).toBe("down"));
    await eventually(async () => {
      const start = performance.now();
      const error = await redis
        .withConnection(function transfer(conn) {
          return conn.ping();
        })
        .catch((e: unknown) => e as Error);
      expect(error).toMatchObject({ code: "CIRCUIT_OPEN", applied: "no" });
      expect((error as Error).message).toMatch(/^transfer got no connection .* because of CONNECTION_REFUSED: /);
      expect(performance.now() - start).toBeLessThan(100);
    });
    await proxy.pass();
    await eventually(async () => expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG"), {
      withinMs: 15_000,
    });
  });

  it("lets loans end while the client closes, and refuses new ones", async () => {
    const redis = client(server.port);
    let proceed = (): void => undefined;
    const proceeding = new Promise<void>((resolve) => (proceed = resolve));
    const work = redis.withConnection(async (conn) => {
      await proceeding;
      return conn.set("last", "word");
    });
    await eventually(() => expect(redis.stats().pool?.leased).toBe(1));
    const closed = redis.close();
    await expect(redis.withConnection((conn) => conn.ping())).rejects.toBeInstanceOf(ClosedError);
    proceed();
    expect(await work).toBe("OK");
    await closed;
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
  });

  it("ends loans at once on disconnect()", async () => {
    const redis = client(server.port);
    const work = redis.withConnection((conn) => conn.blpop("nothing", 0));
    let proceed = (): void => undefined;
    const proceeding = new Promise<void>((resolve) => (proceed = resolve));
    const late = redis.withConnection((conn) => proceeding.then(() => conn.get("k"))).catch((error: unknown) => error);
    await eventually(() => expect(redis.stats().pool?.leased).toBe(2));
    redis.disconnect();
    proceed();
    await expect(work).rejects.toThrow("Connection is closed.");
    expect(await late).toMatchObject({ message: "Connection is closed.", applied: "no" });
    await eventually(async () => expect(await connections(server)).toHaveLength(0));
  });

  it("counts no loan after disconnect(), although its function never ends, and warns of none", async () => {
    const logger = createLogSink();
    const redis = client(server.port, { logger, pool: { leakAfter: 100 } });
    const lent: Redis[] = [];
    const stuck = (conn: Redis): Promise<never> => {
      lent.push(conn);
      return new Promise(() => undefined);
    };
    for (let n = 0; n < 3; n++) void redis.withConnection(stuck);
    await eventually(() => expect(lent).toHaveLength(3));
    const warned = logger.at("warn").length;
    redis.disconnect();
    expect(redis.stats().pool).toMatchObject({ open: 0, leased: 0, waiting: 0, destroyed: { closed: 3 } });
    // Longer than a loan may last unnoticed.
    await sleep(200);
    expect(logger.at("warn")).toHaveLength(warned);
    await redis.connect();
    expect(await redis.withConnection((conn) => conn.ping())).toBe("PONG");
    for (const conn of lent) await expect(conn.ping()).rejects.toThrow("Connection is closed.");
    await redis.close();
  });

  it("rejects, as everything asynchronous does, when there is no function to run", async () => {
    await using redis = client(server.port);
    await expect(redis.withConnection(undefined as never)).rejects.toThrow(/^withConnection needs the function/);
    await expect(redis.transaction(["k"], undefined as never)).rejects.toThrow(/^transaction needs the function/);
    const nested = redis.withConnection((conn) => conn.withConnection(() => 1));
    await expect(nested).rejects.toThrow(/has no pool of its own/);
  });

  it("does not keep the commands of a lent connection from a tracer that patches sendCommand", async () => {
    await using redis = client(server.port);
    const result = await redis.withConnection((conn) => {
      const command = new Command("set", ["raw", "1"]);
      return conn.sendCommand(command);
    });
    expect(String(result)).toBe("OK");
  });
});
