/** What a server refuses for a passing reason is sent again: later, apart, within the deadline, and never as a storm. */
import { describe, expect, it } from "vitest";
import {
  callsOf,
  client,
  expectError,
  gist,
  outcomeOf,
  outcomesOf,
  ready,
  scriptedServer,
  atEnd,
  waitsAgain,
} from "./core-harness.js";
import { atMost } from "../helpers/at-most.js";
import { startRedis } from "../helpers/redis-server.js";

const TRANSIENT = [
  "LOADING Redis is loading the dataset in memory",
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  "TRYAGAIN Multiple keys request during rehashing of slot",
  "CLUSTERDOWN The cluster is down",
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
];

describe("a passing refusal", () => {
  it.each(TRANSIENT)("%s: is waited out, a write too, because it was not executed", async (text) => {
    const server = await scriptedServer((_, nth) => (nth <= 2 ? `-${text}\r\n` : ":1\r\n"));
    const redis = client(server.port, { resilience: { breaker: false, retry: { minTimeout: 10, maxTimeout: 50 } } });
    expect(await redis.incr("n")).toBe(1);
    expect(server.seen).toEqual(["incr", "incr", "incr"]);
    expect(redis.stats()).toMatchObject({ retried: 2, unknownOutcomes: 0 });
  });

  it("ends as the server's own error when the budget is used up", async () => {
    const server = await scriptedServer(() => `-${TRANSIENT[0] ?? ""}\r\n`);
    const redis = client(server.port, {
      resilience: { breaker: false, retry: { minTimeout: 5, maxTimeout: 20, budget: { tokens: 2, refill: 0 } } },
    });
    const outcome = await outcomeOf(redis.incr("n"));
    expect(outcome.error?.message).toBe(TRANSIENT[0]);
    expect(outcome.error).toHaveProperty("diagnosis.retryable", true);
    expect(server.seen).toHaveLength(3);
  });

  it("is never waited out beyond the deadline", async () => {
    const server = await scriptedServer(() => `-${TRANSIENT[1] ?? ""}\r\n`);
    const redis = client(server.port, {
      resilience: { breaker: false, deadline: 300, retry: { retries: 1000, minTimeout: 20, maxTimeout: 100 } },
    });
    const outcome = await outcomeOf(redis.incr("n"));
    expect(gist(outcome)).toMatch(/^(DeadlineError no|BUSY)/);
    expect(outcome.after).toBeLessThan(atMost(300));
    const sent = server.seen.length;
    await outcomeOf(redis.withDeadline(50).get("a"));
    expect(server.seen.slice(sent)).not.toContain("incr");
  });

  it("is waited out apart: the delays between the attempts differ", async () => {
    const server = await scriptedServer((_, nth) => (nth % 8 === 0 ? "+OK\r\n" : `-${TRANSIENT[0] ?? ""}\r\n`));
    const redis = client(server.port, {
      resilience: { breaker: false, retry: { retries: 20, minTimeout: 30, maxTimeout: 30 } },
    });
    await redis.set("a", "1");
    await redis.set("a", "2");
    const gaps = server.at.slice(1).map((at, i) => Math.round(at - (server.at[i] ?? at)));
    expect(new Set(gaps).size).toBeGreaterThan(4);
  });

  it("keeps the order of everything behind it", async () => {
    const server = await scriptedServer((_, nth) => (nth <= 6 ? `-${TRANSIENT[0] ?? ""}\r\n` : "+OK\r\n"));
    const redis = client(server.port, { resilience: { breaker: false, retry: { minTimeout: 5, maxTimeout: 20 } } });
    await Promise.all([redis.set("a", "1"), redis.get("a"), redis.del("a")]);
    expect(server.seen).toEqual(["set", "get", "del", "set", "set", "set", "set", "get", "del"]);
  });

  it("gives up a command that its caller aborts during the backoff", async () => {
    const server = await scriptedServer((name) => (name === "incr" ? `-${TRANSIENT[0] ?? ""}\r\n` : "+OK\r\n"));
    const redis = client(server.port, {
      resilience: { breaker: false, retry: { retries: 50, minTimeout: 100, maxTimeout: 100 } },
    });
    const controller = new AbortController();
    const aborted = outcomeOf(redis.with({ signal: controller.signal }).incr("n"));
    await waitsAgain(redis);
    controller.abort();
    expect(gist(await aborted)).toMatch(/^AbortedError/);
    expect(await redis.set("a", "1")).toBe("OK");
    expect(redis.stats().inFlight).toBe(0);
  });
});

describe("a server that refuses everything", () => {
  it("gets at most 1.2 sends a call: the budget stops the storm", async () => {
    const server = await scriptedServer(() => `-${TRANSIENT[1] ?? ""}\r\n`);
    const redis = client(server.port, {
      resilience: { breaker: false, deadline: 3000, retry: { retries: 5, minTimeout: 5, maxTimeout: 20 } },
    });
    const CALLS = 1000;
    for (let i = 0; i < CALLS / 50; i++) {
      const outcomes = await outcomesOf(Array.from({ length: 50 }, () => redis.incr("n")));
      for (const outcome of outcomes) expect(outcome.error).toBeDefined();
    }
    expect(server.seen.length / CALLS).toBeLessThanOrEqual(1.2);
    expect(redis.stats().budget?.denied).toBeGreaterThan(0);
  });

  it("is not asked again by clients that share its budget", async () => {
    const server = await scriptedServer(() => `-${TRANSIENT[1] ?? ""}\r\n`);
    const redis = client(server.port, {
      resilience: {
        breaker: false,
        retry: { retries: 5, minTimeout: 5, maxTimeout: 10, budget: { tokens: 10, refill: 0.1 } },
      },
    });
    const twins = Array.from({ length: 4 }, () => redis.duplicate());
    for (const twin of twins) atEnd(() => twin.disconnect());
    const outcomes = await outcomesOf(
      [redis, ...twins].flatMap((one) => Array.from({ length: 10 }, () => one.incr("n"))),
    );
    expect(outcomes.every(({ error }) => error !== undefined)).toBe(true);
    expect(server.seen.length).toBeLessThanOrEqual(60);
  });
});

describe("what is not retried", () => {
  it.each([
    "WRONGTYPE Operation against a key",
    "OOM command not allowed",
    "NOPERM no permissions",
    "ERR syntax error",
  ])("%s: is passed on at once as it is", async (text) => {
    const server = await scriptedServer(() => `-${text}\r\n`);
    const redis = client(server.port, { resilience: { breaker: false } });
    const outcome = await outcomeOf(redis.set("a", "1"));
    expect(outcome.error?.message).toBe(text);
    expect(server.seen).toEqual(["set"]);
  });

  it("is a refusal from inside a script: what ran before it has happened", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const redis = await ready(server.port);
    const script =
      "redis.call('incr', KEYS[1]) return redis.error_reply('READONLY You can not write against a read only replica. script: x')";
    const outcome = await outcomeOf(redis.eval(script, 1, "n"));
    expect(outcome.error?.message).toContain("READONLY");
    expect((await callsOf(server))["eval"]).toBe(1);
    expect(await server.cli("GET", "n")).toBe("1");
  });

  it("is anything with retry: false", async () => {
    const server = await scriptedServer(() => `-${TRANSIENT[0] ?? ""}\r\n`);
    const redis = client(server.port, { resilience: { breaker: false, retry: false } });
    expect((await outcomeOf(redis.get("a"))).error?.message).toBe(TRANSIENT[0]);
    expect(server.seen).toHaveLength(1);
  });
});

describe("garbage instead of a reply", () => {
  it("fails what is in flight as unknown and heals on a new connection", async () => {
    let broken = true;
    const server = await scriptedServer(() => (broken ? "HTTP/1.1 400 Bad Request\r\n" : "+OK\r\n"));
    const redis = client(server.port, { resilience: { breaker: false } });
    const outcomes = await outcomesOf([redis.incr("n")]);
    expect(outcomes[0]?.error).toBeDefined();
    if (outcomes[0] !== undefined) expectError(outcomes[0], "OutcomeUnknownError", "maybe");
    broken = false;
    expect(await redis.set("a", "1")).toBe("OK");
  });
});
