/** Subscriptions over RESP2 and RESP3: counts, messages, what a subscribed client may still do, and what a reconnect restores. */
import { describe, expect, it } from "vitest";
import {
  eventually,
  expectParity,
  IS_V6,
  next,
  outcomeOf,
  record,
  useServers,
  type Client,
  type Options,
  type Side,
} from "./parity-harness.js";

useServers();

const MESSAGES = ["message", "messageBuffer", "pmessage", "pmessageBuffer", "smessage", "smessageBuffer"];

/** Publishes and waits until as many messages have come. */
async function deliver(
  side: Side,
  seen: unknown[],
  expected: number,
  messages: readonly (readonly [string, string])[],
) {
  for (const [channel, text] of messages) await side.server.call("PUBLISH", channel, text);
  await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(expected));
}

const CASES: Readonly<Record<string, (side: Side, options: Options) => unknown>> = {
  "counts of subscribe and unsubscribe": async ({ open }, options) => {
    const client = open(options);
    return [
      await client.subscribe("a", "b"),
      await client.subscribe("c"),
      await client.psubscribe("p*"),
      await client.unsubscribe("a"),
      await client.punsubscribe("p*"),
      await client.unsubscribe(),
      await client.unsubscribe(),
      await client.ping(),
    ];
  },
  "messages as text and as buffers": async (side, options) => {
    const client = side.open(options);
    const seen = record(client, MESSAGES);
    await client.subscribe("news");
    await client.psubscribe("n*");
    await deliver(side, seen, 8, [
      ["news", "hello"],
      ["news", "ключ"],
    ]);
    return seen;
  },
  "sharded messages": async (side, options) => {
    const client = side.open(options);
    const seen = record(client, MESSAGES);
    const count = await client.ssubscribe("shard");
    await side.server.call("SPUBLISH", "shard", "hello");
    await eventually(() => expect(seen).toHaveLength(2));
    return [count, seen, await client.sunsubscribe("shard")];
  },
  "subscribe with an array and a callback": ({ open }, options) =>
    new Promise((resolve) => {
      const client = open(options);
      void client.subscribe("a", "b", (...args: unknown[]) => resolve(args));
    }),
  "other commands while subscribed": async ({ open }, options) => {
    const client = open(options);
    await client.subscribe("a");
    return [
      await outcomeOf(() => client.get("k")),
      await outcomeOf(() => client.ping()),
      await outcomeOf(() => client.pipeline().set("k", 1).get("k").exec()),
      await outcomeOf(() => client.multi().set("k", 1).exec()),
      await client.unsubscribe("a"),
      await outcomeOf(() => client.get("k")),
    ];
  },
  "a key prefix": async (side, options) => {
    const client = side.open({ ...options, keyPrefix: "p:" });
    const seen = record(client, ["message", "pmessage"]);
    await client.subscribe("a");
    await client.psubscribe("a*");
    await deliver(side, seen, 1, [
      ["p:a", "prefixed"],
      ["a", "bare"],
    ]);
    return [seen, await side.open({ ...options, keyPrefix: "p:" }).publish("a", "x")];
  },
  "subscriptions issued before the connection": async (side, options) => {
    const client = side.open(options);
    const seen = record(client, MESSAGES);
    const counts = await Promise.all([client.subscribe("a"), client.psubscribe("b*"), client.subscribe("c", "d")]);
    await deliver(side, seen, 4, [
      ["a", "1"],
      ["bb", "2"],
    ]);
    return [counts, seen];
  },
  "messages after a lost connection": async (side, options) => {
    const client = side.open({ ...options, retryStrategy: () => 5 });
    const seen = record(client, ["message", "pmessage"]);
    await client.subscribe("a", "b");
    await client.psubscribe("c*");
    const back = next(client, "ready");
    client.stream.destroy();
    await back;
    await eventually(async () => expect(await side.server.call("PUBSUB", "NUMPAT")).toBe(1));
    await deliver(side, seen, 2, [
      ["a", "again"],
      ["cc", "and again"],
    ]);
    return seen;
  },
  "no messages after a lost connection without autoResubscribe": async (side, options) => {
    const client = side.open({ ...options, autoResubscribe: false, retryStrategy: () => 5 });
    await client.subscribe("a");
    const back = next(client, "ready");
    client.stream.destroy();
    await back;
    return [await client.ping(), await side.server.call("PUBLISH", "a", "nobody")];
  },
  "quit while subscribed": async ({ open }, options) => {
    const client = open(options);
    await client.subscribe("a");
    const ended = next(client, "end");
    return [await client.quit(), (await ended).length];
  },
  "a publisher's counts": async ({ open }, options) => {
    const [publisher, subscriber] = [open(options), open(options)] as [Client, Client];
    await subscriber.subscribe("a");
    return [
      await publisher.publish("a", "x"),
      await publisher.publish("b", "x"),
      await publisher.pubsub("CHANNELS"),
      await publisher.pubsub("NUMSUB", "a"),
    ];
  },
};

const PROTOCOLS: Readonly<Record<string, Options>> = IS_V6 ? { RESP3: {}, RESP2: { protocol: 2 } } : { RESP2: {} };

describe.each(Object.entries(PROTOCOLS))("over %s", (_name, options) => {
  it.each(Object.entries(CASES))("gives the same for %s", async (_case, act) => {
    expect(await expectParity((side) => act(side, options))).toBeDefined();
  });
});
