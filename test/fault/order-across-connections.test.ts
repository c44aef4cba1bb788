/**
 * Order where a client has several connections: what concerns all of them, and a blocking command, start after everything
 * that was issued before has been answered, whatever the callers were told meanwhile.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd, clean, gist, outcomeOf, proxyTo, ready, scriptedServer, sleep, waitsAgain } from "./core-harness.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => clean(server));

/** Keys of different lanes, of two. */
const [HERE, THERE] = ["b", "a"];

/** From here on the server answers no write, until `resumed`. */
async function paused(): Promise<() => Promise<unknown>> {
  await server.call("CLIENT", "PAUSE", "20000", "WRITE");
  const resume = (): Promise<unknown> => server.call("CLIENT", "UNPAUSE");
  atEnd(resume);
  return resume;
}

/** Issues a write whose caller gives up at once. */
async function giveUp(issue: (view: Redis) => Promise<unknown>, redis: Redis): Promise<void> {
  const patience = new AbortController();
  const outcome = outcomeOf(issue(redis.with({ signal: patience.signal })));
  patience.abort();
  expect(gist(await outcome)).toBe("AbortedError maybe");
}

/** Both lanes are connected. */
async function twoLanes(port: number): Promise<Redis> {
  const redis = await ready(port, { resilience: { pool: { size: 2 } } });
  await Promise.all([redis.set(HERE, "0"), redis.set(THERE, "0")]);
  expect(redis.stats().pool?.lanes).toHaveLength(2);
  return redis;
}

describe("with two lanes", () => {
  it("MGET does not overtake an earlier SET, although the newest command gave up early", async () => {
    const redis = await twoLanes(server.port);
    const resume = await paused();
    const write = redis.set(HERE, "1");
    await giveUp((view) => view.append(HERE, "2"), redis);
    const read = redis.mget(THERE, HERE);
    await sleep(50);
    await resume();
    expect(await write).toBe("OK");
    expect(await read).toEqual(["0", "12"]);
  });

  it("nothing overtakes a command of all lanes whose caller gave up", async () => {
    const redis = await twoLanes(server.port);
    const resume = await paused();
    const patience = new AbortController();
    const both = outcomeOf(redis.with({ signal: patience.signal }).mset(HERE, "1", THERE, "1"));
    await eventually(() => expect(redis.stats().inFlight).toBe(1));
    patience.abort();
    expect(gist(await both)).toBe("AbortedError maybe");
    const read = redis.get(THERE);
    await sleep(50);
    await resume();
    expect(await read).toBe("1");
  });

  it("MGET does not overtake a refused SET that is sent again", async () => {
    let isLoading = true;
    const peer = await scriptedServer((name) =>
      name === "append" && isLoading ? "-LOADING Redis is loading the dataset in memory\r\n" : "+OK\r\n",
    );
    const redis = await ready(peer.port, {
      resilience: { breaker: false, pool: { size: 2 }, retry: { minTimeout: 5, maxTimeout: 20 } },
    });
    await Promise.all([redis.set(HERE, "0"), redis.set(THERE, "0")]);
    const write = redis.append(HERE, "1");
    await waitsAgain(redis, 2);
    const read = redis.mget(THERE, HERE);
    await sleep(50);
    expect(peer.seen).not.toContain("mget");
    isLoading = false;
    await Promise.all([write, read]);
    expect(peer.seen.slice(-2)).toEqual(["append", "mget"]);
  });

  it("MGET does not overtake a SET that was lost and is sent again", async () => {
    const proxy = await proxyTo(server);
    const redis = await twoLanes(proxy.port);
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const writes = [redis.set(HERE, "1"), redis.set(THERE, "1")];
    const read = redis.mget(THERE, HERE);
    await proxy.pass();
    expect(await Promise.all(writes)).toEqual(["OK", "OK"]);
    expect(await read).toEqual(["1", "1"]);
  });

  it("a blocking command at the tail of a lane hides nothing that was written before it", async () => {
    const redis = await ready(server.port, { resilience: { pool: { size: 2, blocking: 0 } } });
    await Promise.all([redis.set(HERE, "0"), redis.set(THERE, "0")]);
    const resume = await paused();
    const write = redis.set(HERE, "1");
    const pop = redis.blpop(`queue{${HERE}}`, 0.2);
    const read = redis.mget(THERE, HERE);
    await sleep(50);
    await resume();
    expect(await write).toBe("OK");
    expect(await read).toEqual(["0", "1"]);
    expect(await pop).toBeNull();
  });

  it("a command of all lanes does not wait for the end of a block", async () => {
    const redis = await twoLanes(server.port);
    const pop = redis.blpop("queue", 30);
    await eventually(async () => expect(await server.cli("INFO", "clients")).toMatch(/blocked_clients:1/));
    expect(await redis.mget(THERE, HERE)).toEqual(["0", "0"]);
    await redis.rpush("queue", "x");
    expect(await pop).toEqual(["queue", "x"]);
  });
});

describe.each([1, 2])("a blocking command of a client with %i shared connections", (size) => {
  it("starts after an earlier write is answered, although the newest command gave up early", async () => {
    const redis = await ready(server.port, { resilience: { pool: { size } } });
    // A client that only blocks keeps its connection for it.
    for (let n = 0; n < 20; n++) await redis.set("warm", n);
    const resume = await paused();
    const add = redis.xadd("stream", "*", "n", "1");
    await giveUp((view) => view.set("other", "1"), redis);
    // It sees what is there when it starts, and would find nothing in its time.
    const read = redis.xread("BLOCK", 20, "STREAMS", "stream", "0");
    await sleep(100);
    await resume();
    expect(await add).toBeDefined();
    expect(await read).toHaveLength(1);
  });

  it("starts after an earlier write that was refused and is sent again", async () => {
    let isLoading = true;
    const peer = await scriptedServer((name) => {
      if (name === "del" && isLoading) return "-LOADING Redis is loading the dataset in memory\r\n";
      return name === "blpop" ? "*-1\r\n" : "+OK\r\n";
    });
    const redis = await ready(peer.port, {
      resilience: { breaker: false, pool: { size }, retry: { minTimeout: 5, maxTimeout: 20 } },
    });
    for (let n = 0; n < 20; n++) await redis.set("warm", n);
    const del = redis.del("queue{b}");
    const pop = redis.blpop("queue{b}", 1);
    await waitsAgain(redis, 2);
    expect(peer.seen).not.toContain("blpop");
    isLoading = false;
    await Promise.all([del, pop]);
    expect(peer.seen.filter((name) => name === "del" || name === "blpop").at(-1)).toBe("blpop");
  });
});
