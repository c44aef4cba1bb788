/** Issue order through a lost connection: what was refused, what was lost and what is new keep their order towards each other. */
import { describe, expect, it } from "vitest";
import type { Redis } from "../../src/redis.js";
import { eventually } from "../helpers/eventually.js";
import { client, gist, outcomeOf, outcomesOf, proxyTo, scriptedServer, type ScriptedServer } from "./core-harness.js";

const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";
const OK = "+OK\r\n";

/** A client whose connection is cut after so many replies to its commands; the server refuses the commands with these numbers. */
async function cutting(
  replies: number,
  ...refused: number[]
): Promise<{ redis: Redis; peer: ScriptedServer; cut: Promise<unknown> }> {
  const peer = await scriptedServer((_, nth) => (refused.includes(nth) ? LOADING : OK));
  const proxy = await proxyTo(peer);
  const redis = client(proxy.port, {
    resilience: { breaker: false, retry: { minTimeout: 5, maxTimeout: 20, budget: false } },
  });
  await eventually(() => expect(redis.status).toBe("ready"));
  return { redis, peer, cut: proxy.cutAfterReplies(replies) };
}

describe("a refused command and a lost one behind it", () => {
  it("go again in the order in which they were issued", async () => {
    const { redis, peer, cut } = await cutting(1, 1);
    const outcomes = outcomesOf([redis.set("k", "1"), redis.setex("k", 9, "2"), redis.get("k")]);
    await cut;
    expect((await outcomes).map(gist)).toEqual(["ok", "ok", "ok"]);
    expect(peer.seen.slice(-3)).toEqual(["set", "setex", "get"]);
    expect(redis.stats()).toMatchObject({ inFlight: 0, waiting: { commands: 0 } });
  });

  it("leave the refused one with the server's error where the lost one may have been executed", async () => {
    const { redis, peer, cut } = await cutting(1, 1);
    const outcomes = outcomesOf([redis.set("k", "1"), redis.incr("k")]);
    await cut;
    const [set, incr] = await outcomes;
    expect(set?.error).toMatchObject({ message: LOADING.slice(1, -2), diagnosis: { applied: "no" } });
    expect(gist(incr)).toBe("OutcomeUnknownError maybe");
    await redis.ping();
    expect(peer.seen.filter((name) => name !== "ping")).toEqual(["set", "incr"]);
  });

  it("let the refused one go again where the lost one has other keys", async () => {
    const { redis, peer, cut } = await cutting(1, 1);
    const outcomes = outcomesOf([redis.set("k", "1"), redis.incr("other")]);
    await cut;
    expect((await outcomes).map(gist)).toEqual(["ok", "OutcomeUnknownError maybe"]);
    expect(peer.seen).toEqual(["set", "incr", "set"]);
  });

  it("stand in the issue's order also where a reply came between them", async () => {
    // SET is refused, APPEND of another key is answered, the rest is lost.
    const { redis, peer, cut } = await cutting(2, 1);
    const outcomes = outcomesOf([
      redis.set("a", "1"),
      redis.append("b", "1"),
      redis.setex("a", 9, "2"),
      redis.mset("b", "2"),
    ]);
    await cut;
    expect((await outcomes).map(gist)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(peer.seen.slice(-3)).toEqual(["set", "setex", "mset"]);
  });

  it("go before a barrier that was lost with them, and stay refused where it may have been executed", async () => {
    const { redis, cut } = await cutting(1, 1);
    const outcomes = outcomesOf([redis.set("k", "1"), redis.flushall()]);
    await cut;
    const [set, flush] = await outcomes;
    expect(set?.error?.message).toBe(LOADING.slice(1, -2));
    expect(gist(flush)).toBe("OutcomeUnknownError maybe");
  });
});

describe("a command that is issued while others wait", () => {
  it("overtakes neither what was refused nor what was lost", async () => {
    const { redis, peer, cut } = await cutting(1, 1);
    const first = outcomesOf([redis.set("k", "1"), redis.setex("k", 9, "2")]);
    await cut;
    await eventually(() => expect(redis.status).not.toBe("ready"));
    const second = outcomesOf([redis.append("k", "3"), redis.withDeadline(5_000).append("k", "4")]);
    const batch = redis.pipeline().append("k", "5").get("k").exec();
    expect([...(await first), ...(await second)].map(gist)).toEqual(["ok", "ok", "ok", "ok"]);
    await batch;
    expect(peer.seen.slice(-6)).toEqual(["set", "setex", "append", "append", "append", "get"]);
  });

  it("waits behind a blocking command's predecessors, and not for its end", async () => {
    const peer = await scriptedServer((name, nth) => (name === "blpop" ? "" : nth === 1 ? LOADING : OK));
    const redis = client(peer.port, { resilience: { breaker: false, retry: { minTimeout: 5, maxTimeout: 20 } } });
    await eventually(() => expect(redis.status).toBe("ready"));
    const push = redis.set("k", "1");
    const pop = outcomeOf(redis.blpop("k", 0));
    const after = redis.append("other", "2");
    expect(await Promise.all([push, after])).toEqual(["OK", "OK"]);
    await eventually(() => expect(peer.seen).toContain("blpop"));
    expect(peer.seen.lastIndexOf("set")).toBeLessThan(peer.seen.indexOf("blpop"));
    redis.disconnect();
    expect(gist(await pop)).toBe("ClosedError maybe");
  });
});
