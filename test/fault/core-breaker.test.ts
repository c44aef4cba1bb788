/** A blip is waited out, an outage fails fast and says why, and only what speaks against the server opens a circuit. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CircuitOpenError } from "../../src/failure/errors.js";
import type { BreakerPolicy } from "../../src/policy/shape.js";
import { atMost } from "../helpers/at-most.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import {
  atEnd,
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
} from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

/** Fast enough for a test: the window is judged and probed within a second. */
const QUICK: Partial<BreakerPolicy> = {
  downAfter: 300,
  rollingCountTimeout: 1000,
  resetTimeout: 200,
  maxResetTimeout: 400,
};

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
}

describe("a connection that goes away", () => {
  it("for less than downAfter costs nobody an error", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000, breaker: { downAfter: 10_000 } } });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const waiting = outcomesOf(Array.from({ length: 200 }, () => redis.incr("n")));
    await sleep(400);
    await proxy.pass();
    expect(new Set((await waiting).map(gist))).toEqual(new Set(["ok"]));
    expect(redis.stats().breaker.readWrite).toMatchObject({ state: "closed", trips: 0 });
  });

  it("for longer fails what is new fast, names the cause and the next probe, and heals by itself", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000, breaker: QUICK } });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const waiting = outcomesOf([redis.incr("m"), redis.withDeadline(700).get("m")]);
    const since = performance.now();
    await eventually(() => expect(redis.stats().breaker.readWrite.state).not.toBe("closed"));
    expect(performance.now() - since).toBeLessThan(atMost(300));

    const times: number[] = [];
    for (let i = 0; i < 100; i++) {
      const outcome = await outcomeOf(i % 2 === 0 ? redis.get("n") : redis.incr("n"));
      times.push(outcome.after);
      const error = expectError(outcome, "CircuitOpenError", "no");
      if (!(error instanceof CircuitOpenError)) throw error;
      expect(error.message).toMatch(/was not sent: .*127\.0\.0\.1:\d+.*(ECONNREFUSED|refused|CONNECTION_).*/i);
      expect(error.retryAfter).toBeLessThanOrEqual(600);
    }
    expect(median(times)).toBeLessThan(1);
    expect(redis.health()).toMatchObject({ status: "down" });

    // What waited when the circuit opened keeps its own deadline.
    await eventually(() => expect(redis.stats().waiting.commands).toBe(1));
    await proxy.pass();
    const [patient, late] = await waiting;
    expect(patient?.value).toBe(1);
    expect(gist(late)).toBe("DeadlineError no");
    await eventually(async () => expect(await redis.incr("n")).toBe(1));
    await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("closed"));
    expect(redis.health()).toEqual({ status: "ready", since: redis.health().since });
  });

  it("ends for what has no deadline when the circuit opens: nothing waits for ever unasked", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: false, breaker: QUICK } });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    expectError(await outcomeOf(redis.incr("n")), "CircuitOpenError", "no");
  });

  it("does not count from when some other client went: the time of the last one that was connected decides", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000, breaker: { downAfter: 2000 } } });
    await proxy.refuse();
    const other = redis.duplicate();
    atEnd(() => other.disconnect());
    // Its time is nearly over when that of the first begins.
    await sleep(1900);
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const waiting = outcomeOf(redis.incr("n"));
    await eventually(async () => {
      expectError(await outcomeOf(other.withDeadline(100).get("n")), "CircuitOpenError", "no");
    });
    await proxy.pass();
    expect(gist(await waiting)).toBe("ok");
    expect(redis.stats().breaker.readWrite).toMatchObject({ state: "closed", trips: 0 });
  });

  it("is no outage while another client of the endpoint is connected: only who cannot connect fails fast", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { deadline: 20_000, breaker: QUICK } });
    await proxy.refuse();
    const other = redis.duplicate();
    atEnd(() => other.disconnect());
    await eventually(async () => {
      expectError(await outcomeOf(other.withDeadline(100).get("n")), "CircuitOpenError", "no");
    });
    expect(await redis.incr("n")).toBe(1);
    expect(redis.stats().breaker.readWrite).toMatchObject({ state: "closed", trips: 0 });
  });

  it("refuses each client after its own downAfter; the circuit that they share opens for the most patient", async () => {
    const proxy = await proxyTo(server);
    const hasty = await ready(proxy.port, { resilience: { breaker: { downAfter: 300 } } });
    const { logger } = hasty.options.resilience ?? {};
    const patient = await ready(proxy.port, {
      resilience: { breaker: { downAfter: 2000 }, ...(logger && { logger }) },
    });
    await proxy.refuse();
    const since = performance.now();
    proxy.cutAll();
    await eventually(() => expect([hasty.status, patient.status]).not.toContain("ready"));
    await eventually(async () =>
      expectError(await outcomeOf(hasty.withDeadline(20).get("n")), "CircuitOpenError", "no"),
    );
    const waiting = outcomeOf(patient.withDeadline(20_000).incr("n"));
    if (performance.now() - since < 1900) {
      // It tells of itself what its own commands meet.
      expect(hasty.stats().breaker.readWrite.state).toBe("open");
      expect(patient.stats().breaker.readWrite.state).toBe("closed");
      expectError(await outcomeOf(patient.withDeadline(20).get("n")), "DeadlineError", "no");
    }
    await eventually(() => expect(patient.stats().breaker.readWrite.state).toBe("open"));
    expect(performance.now() - since).toBeGreaterThan(1900);
    expectError(await outcomeOf(patient.get("n")), "CircuitOpenError", "no");
    await proxy.pass();
    expect((await waiting).value).toBe(1);
  });

  it("is one incident for all clients of the endpoint: they share the circuit", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { breaker: QUICK } });
    const twin = redis.duplicate();
    atEnd(() => twin.disconnect());
    twin.on("error", () => undefined);
    await twin.ping();
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.stats().breaker.readWrite.state).not.toBe("closed"));
    expect(twin.stats().breaker.readWrite.state).not.toBe("closed");
    expectError(await outcomeOf(twin.get("n")), "CircuitOpenError", "no");
    const opened = redis.log.lines.filter(({ fields }) => fields["event"] === "incident.open");
    expect(opened).toHaveLength(1);
    await proxy.pass();
    await eventually(async () => expect([await redis.ping(), await twin.ping()]).toEqual(["PONG", "PONG"]));
  });

  it("is answered by the fallback, with the command's name and the reason; never for what was sent", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: {
        breaker: QUICK,
        deadline: 400,
        fallback: ({ name }, error) => {
          if (name === "incr") throw new Error("no default for a counter", { cause: error });
          return `${name}: ${error.name}`;
        },
      },
    });
    proxy.dropReplies();
    expectError(await outcomeOf(redis.get("a")), "DeadlineError", "maybe");
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("open"));
    expect(await redis.get("a")).toBe("get: CircuitOpenError");
    expect(gist(await outcomeOf(redis.incr("n")))).toBe("no default for a counter");
    expect((await redis.pipeline().get("a").exec())?.map(([error]) => gist(error))).toEqual(["CircuitOpenError no"]);
  });
});

describe("a connected server that fails", () => {
  it("does not open anything with a thousand usage errors", async () => {
    const redis = await ready(server.port, { resilience: { breaker: { ...QUICK, rollingCountTimeout: 1000 } } });
    await redis.set("s", "x");
    for (let round = 0; round < 10; round++) {
      const outcomes = await outcomesOf(Array.from({ length: 100 }, () => redis.lpush("s", "x")));
      expect(outcomes.every((outcome) => outcome.error?.message.startsWith("WRONGTYPE") === true)).toBe(true);
    }
    await sleep(300);
    expect(redis.stats().breaker).toMatchObject({ readWrite: { state: "closed" }, write: { state: "closed" } });
    const told = redis.log.at("warn", "error", "fatal").filter(({ fields }) => fields["event"] !== "policy.warning");
    expect(told).toEqual([]);
  });

  const SICK: Readonly<Record<string, { sicken: string[]; heal: string[]; word: RegExp; config?: string[] }>> = {
    OOM: { sicken: ["maxmemory", "1"], heal: ["maxmemory", "0"], word: /^OOM/ },
    NOREPLICAS: { sicken: ["min-replicas-to-write", "1"], heal: ["min-replicas-to-write", "0"], word: /^NOREPLICAS/ },
  };

  it.each(Object.entries(SICK))(
    "opens only writes on %s, and closes when it has passed; its probe leaves no key",
    async (_, sick) => {
      const own = await startRedis();
      atEnd(() => own.stop());
      const redis = await ready(own.port, { resilience: { breaker: QUICK, retry: { retries: 0 } } });
      await redis.set("a", "1");
      await own.call("CONFIG", "SET", ...sick.sicken);
      await eventually(async () => {
        const outcomes = await outcomesOf(Array.from({ length: 50 }, () => redis.set("b", "1")));
        for (const { error } of outcomes)
          if (error?.name !== "CircuitOpenError") expect(error?.message).toMatch(sick.word);
        expect(redis.stats().breaker.write.state).not.toBe("closed");
      });
      expect(redis.stats().breaker.readWrite.state).toBe("closed");
      expect(redis.health().status).toBe("degraded");
      expect(await redis.get("a")).toBe("1");
      const refused = await outcomeOf(redis.set("b", "1"));
      expect(expectError(refused, "CircuitOpenError", "no").message).toMatch(
        /circuit for writes to .* has been open for/,
      );
      expect(gist(await outcomeOf(redis.multi().set("b", "1").exec()))).toBe("CircuitOpenError no");

      await own.call("CONFIG", "SET", ...sick.heal);
      await eventually(async () => expect(await redis.set("b", "2")).toBe("OK"), { withinMs: 10_000 });
      expect(redis.stats().breaker.write.state).toBe("closed");
      expect(await own.cli("KEYS", "*probe*")).toBe("");
      expect((await callsOf(own))["setrange"]).toBeGreaterThan(0);
    },
  );

  it("opens only writes on MISCONF", async () => {
    const own = await startRedis();
    atEnd(() => own.stop());
    const redis = await ready(own.port, { resilience: { breaker: QUICK, retry: { retries: 0 } } });
    await redis.set("a", "1");
    // A folder that cannot be written to: `dbfilename` names a folder.
    await own.call("CONFIG", "SET", "save", "1 1");
    const { mkdirSync, rmSync } = await import("node:fs");
    mkdirSync(`${own.dir}/dump.rdb`);
    await own.call("BGSAVE");
    await eventually(async () => expect(gist(await outcomeOf(own.call("SET", "x", "1")))).toMatch(/^MISCONF/));
    await eventually(async () => {
      await outcomesOf(Array.from({ length: 50 }, () => redis.set("b", "1")));
      expect(redis.stats().breaker.write.state).not.toBe("closed");
    });
    expect(await redis.get("a")).toBe("1");
    rmSync(`${own.dir}/dump.rdb`, { recursive: true });
    await own.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
    await eventually(async () => expect(await redis.set("b", "2")).toBe("OK"), { withinMs: 10_000 });
  });

  it("opens on deadlines, and a probe that hangs does not keep it half-open", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: { deadline: 100, breaker: { ...QUICK, downAfter: 5000, probeTimeout: 100 } },
    });
    proxy.dropReplies();
    await eventually(async () => {
      await outcomesOf(Array.from({ length: 30 }, () => redis.get("a")));
      expect(redis.stats().breaker.readWrite.state).not.toBe("closed");
    });
    expectError(await outcomeOf(redis.get("a")), "CircuitOpenError", "no");
    await eventually(() => expect(redis.stats().breaker.readWrite.trips).toBeGreaterThanOrEqual(3), {
      withinMs: 15_000,
    });
    await proxy.pass();
    await eventually(async () => expect(await redis.get("a")).toBeNull(), { withinMs: 10_000 });
  });

  it("does not open for short deadlines of one caller while everybody else is answered", async () => {
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, { resilience: { breaker: QUICK } });
    proxy.latency(20);
    // A call that comes due while this process stands still gets another look at the socket, and may find its reply there.
    for (let late = 0; late < 200;) {
      const hasty = outcomesOf(Array.from({ length: 5 }, () => redis.withDeadline(5).get("a")));
      expect(gist(await outcomeOf(redis.get("a")))).toBe("ok");
      const outcomes = (await hasty).map(gist).filter((outcome) => outcome !== "ok");
      expect(["DeadlineError maybe"]).toEqual(expect.arrayContaining(outcomes));
      late += outcomes.length;
    }
    expect(redis.stats().breaker.readWrite).toMatchObject({ state: "closed", trips: 0 });
  });

  it("is not judged by what happens to MULTI when only reads are left", async () => {
    const redis = await ready(server.port, { resilience: { breaker: QUICK } });
    expect(await redis.multi().get("a").exec()).toEqual([[null, null]]);
    expect(redis.stats().breaker.write.state).toBe("closed");
  });
});

describe("while never connected at all", () => {
  it("opens after downAfter too, and says what the server said", async () => {
    const proxy = await proxyTo(server);
    proxy.acceptThenClose();
    const redis = client(proxy.port, { resilience: { deadline: 20_000, breaker: QUICK } });
    const waiting = outcomeOf(redis.get("a"));
    await eventually(() => expect(redis.stats().breaker.readWrite.state).not.toBe("closed"));
    const outcome = await outcomeOf(redis.get("a"));
    expect(gist(outcome)).toBe("CircuitOpenError no");
    expect(outcome.error?.message).toMatch(/CONNECTION_CLOSED_EARLY|closed the connection|reset/i);
    await proxy.pass();
    expect(gist(await waiting)).toBe("ok");
    await eventually(async () => expect(await redis.get("a")).toBeNull());
  });

  it("breaker: false waits until the deadline", async () => {
    const proxy = await proxyTo(server);
    await proxy.refuse();
    const redis = client(proxy.port, { resilience: { breaker: false, deadline: 600 } });
    const { elapsed } = expectError(await outcomeOf(redis.get("a")), "DeadlineError", "no");
    expect(elapsed).toBeGreaterThanOrEqual(600);
  });
});
