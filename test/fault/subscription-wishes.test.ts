/**
 * A subscription is a wish about the connection, whichever that will be: made before Redis is up or while it is away, it is kept and
 * made on the next one.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, client, gist, outcomeOf, proxyTo, ready, type TestOptions } from "./core-harness.js";

const PASSWORD = "p";
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis({ acl: [`user deaf on >${PASSWORD} ~* resetchannels +@all`] });
});
afterAll(() => redis.stop());

/** Everything is given up within milliseconds, but for wishes. */
const IMPATIENT: TestOptions = {
  resilience: { deadline: 150, breaker: { downAfter: 50 }, reconnect: { minTimeout: 5, maxTimeout: 20 } },
};

const KINDS: Readonly<Record<string, TestOptions>> = {
  RESP3: {},
  RESP2: { protocol: 2 },
  lanes: { resilience: { ...IMPATIENT.resilience, pool: { size: 3 } } },
};

describe("a subscription", () => {
  it.each(Object.entries(KINDS))("made before Redis is up is kept until it is (%s)", async (_name, options) => {
    const port = await freePort();
    const subscriber = client(port, { ...IMPATIENT, ...options });
    const heard: string[] = [];
    subscriber.on("message", (channel, message) => heard.push(`${channel} ${message}`));
    subscriber.on("pmessage", (pattern, channel, message) => heard.push(`${pattern} ${channel} ${message}`));
    const wishes = [outcomeOf(subscriber.subscribe("news", "sports")), outcomeOf(subscriber.psubscribe("n*"))];
    // Long after the deadline, and with the circuit open.
    await eventually(() => expect(subscriber.stats().breaker.readWrite.state).not.toBe("closed"));
    expect(gist(await outcomeOf(subscriber.get("k")))).toMatch(/^(CircuitOpen|Deadline)Error no$/);
    wishes.push(outcomeOf(subscriber.subscribe("late")));
    const server = await startRedis({ port });
    atEnd(() => server.stop());
    expect(await Promise.all(wishes)).toMatchObject([{ value: 2 }, { value: 3 }, { value: 4 }]);
    const publisher = await ready(port);
    await publisher.publish("news", "hello");
    await publisher.publish("late", "hello");
    await eventually(() => expect(heard.sort()).toEqual(["late hello", "n* news hello", "news hello"]));
  });

  it("made while the connection is away is made on the next one, with those that were made before", async () => {
    const proxy = await proxyTo(redis);
    const subscriber = await ready(proxy.port, IMPATIENT);
    const heard = new Set<string>();
    subscriber.on("message", (channel) => heard.add(channel));
    await subscriber.subscribe("before");
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(subscriber.status).toBe("reconnecting"));
    const wish = outcomeOf(subscriber.subscribe("meanwhile"));
    await eventually(() => expect(subscriber.stats().breaker.readWrite.state).not.toBe("closed"));
    await proxy.pass();
    expect(await wish).toMatchObject({ value: 2 });
    const publisher = await ready(redis.port);
    await eventually(async () => {
      await publisher.publish("before", "m");
      await publisher.publish("meanwhile", "m");
      expect([...heard].sort()).toEqual(["before", "meanwhile"]);
    });
  });

  it("that was lost unanswered, however often, is made again", async () => {
    const proxy = await proxyTo(redis);
    const subscriber = await ready(proxy.port, {
      ...IMPATIENT,
      resilience: { ...IMPATIENT.resilience, retry: false },
    });
    proxy.dropReplies();
    const wish = outcomeOf(subscriber.subscribe("lost"));
    for (let times = 0; times < 5; times++) {
      proxy.cutAll();
      await eventually(() => expect(subscriber.status).not.toBe("ready"));
    }
    await proxy.pass();
    proxy.cutAll();
    expect(await wish).toMatchObject({ value: 1 });
  });

  it("that is taken back while Redis is away is not made", async () => {
    const port = await freePort();
    const subscriber = client(port, IMPATIENT);
    const wishes = [subscriber.subscribe("a", "b"), subscriber.unsubscribe("a")].map((call) => outcomeOf(call));
    const server = await startRedis({ port });
    atEnd(() => server.stop());
    expect(await Promise.all(wishes)).toMatchObject([{ value: 2 }, { value: 1 }]);
    const publisher = await ready(port);
    expect(await publisher.publish("a", "m")).toBe(0);
    expect(await publisher.publish("b", "m")).toBe(1);
  });

  it("that the server refuses is told to its caller", async () => {
    const subscriber = await ready(redis.port, { ...IMPATIENT, username: "deaf", password: PASSWORD });
    expect(gist(await outcomeOf(subscriber.subscribe("news")))).toContain("NOPERM");
  });

  it("keeps to a deadline that its caller gave it, and ends with its client", async () => {
    const subscriber = client(await freePort(), IMPATIENT);
    expect(gist(await outcomeOf(subscriber.withDeadline(50).subscribe("a")))).toMatch(
      /^(CircuitOpen|Deadline)Error no$/,
    );
    const wish = outcomeOf(subscriber.subscribe("b"));
    subscriber.disconnect();
    expect(gist(await wish)).toBe("ClosedError no");
  });
});
