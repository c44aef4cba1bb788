/** Functions that callers hand in may throw or never come back: no command may hang for it. */
import { Command } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { reportBug } from "../../src/ioredis/report-bug.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atMost } from "../helpers/at-most.js";
import { client, expectError, outcomeOf, proxyTo, ready } from "./core-harness.js";

// What it throws would end the run of the tests.
vi.mock("../../src/ioredis/report-bug.js", () => ({ reportBug: vi.fn() }));

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** A client whose circuit is open. */
async function refused(resilience: NonNullable<Parameters<typeof client>[1]>["resilience"]) {
  const proxy = await proxyTo(server);
  await proxy.refuse();
  const redis = client(proxy.port, { resilience: { breaker: { downAfter: 100 }, ...resilience } });
  // The first command tells that it failed fast.
  await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("open"));
  return redis;
}

describe("a fallback", () => {
  it("that never settles gets as long as the command's deadline, and then the refusal stands", async () => {
    const redis = await refused({ deadline: 400, fallback: () => new Promise(() => undefined) });
    const outcome = await outcomeOf(redis.get("a"));
    expectError(outcome, "CircuitOpenError", "no");
    expect(outcome.after).toBeGreaterThan(300);
    expect(outcome.after).toBeLessThan(atMost(400));
    const own = await outcomeOf(redis.withDeadline(20).get("a"));
    expectError(own, "CircuitOpenError", "no");
    expect(own.after).toBeLessThan(atMost(20));
  });

  it("whose answer the command's reply transformer cannot read rejects", async () => {
    Command.setReplyTransformer("lolwut", () => {
      throw new Error("not a reply");
    });
    const redis = await refused({ fallback: () => "anything" });
    expect((await outcomeOf(redis.lolwut())).error?.message).toBe("not a reply");
  });
});

describe("a logger that throws", () => {
  it("changes nothing for commands through an outage and back", async () => {
    const bad = vi.fn(() => {
      throw new Error("disk full");
    });
    const proxy = await proxyTo(server);
    const redis = await ready(proxy.port, {
      resilience: { logger: { debug: bad, info: bad, warn: bad, error: bad }, breaker: { downAfter: 100 } },
    });
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.stats().breaker.readWrite.state).toBe("open"));
    expectError(await outcomeOf(redis.incr("n")), "CircuitOpenError", "no");
    await proxy.pass();
    await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    expect(bad).toHaveBeenCalled();
  });
});

describe("a reconnectOnError that throws", () => {
  it("leaves the command with the server's error, and reports the bug", async () => {
    const bug = new Error("bug");
    const redis = await ready(server.port, {
      resilience: { deadline: false },
      reconnectOnError: () => {
        throw bug;
      },
    });
    const outcome = await outcomeOf(redis.call("nonsense"));
    expect(outcome.error?.message).toContain("unknown command");
    expect(reportBug).toHaveBeenCalledExactlyOnceWith(bug);
    expect(await redis.ping()).toBe("PONG");
  });
});

describe("a reconnectOnError that selects another database", () => {
  it("has the command sent again to its own, and what comes later to the other", async () => {
    const redis = await ready(server.port, {
      db: 3,
      reconnectOnError: () => {
        void redis.select(3);
        void redis.del("list");
        void redis.select(5);
        return 2;
      },
    });
    await redis.set("list", "no list");
    expect(await redis.rpush("list", "element")).toBe(1);
    await redis.set("later", "value");
    const [three, five] = [await ready(server.port, { db: 3 }), await ready(server.port, { db: 5 })];
    expect(await three.lrange("list", 0, -1)).toEqual(["element"]);
    expect(await five.get("later")).toBe("value");
  });
});
