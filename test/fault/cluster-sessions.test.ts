/** What a cluster client does on connections of their own: blocking, leases, transactions, listening. On a real cluster. */
import { describe, expect, it } from "vitest";
import type { Cluster } from "../../src/cluster.js";
import { ConfigError } from "../../src/failure/errors.js";
import { eventually } from "../helpers/eventually.js";
import { clientOf, readyClientOf, sharedCluster } from "./cluster-harness.js";
import { outcomeOf } from "./core-harness.js";

const shared = sharedCluster();

/** Moves the slot of a key to another master. */
async function move(key: string): Promise<void> {
  const { cluster } = shared;
  const slot = await cluster.slotOf(key);
  const from = await cluster.owner(slot);
  const ports = new Set((await cluster.table()).map(({ master }) => master));
  const [to] = [...ports].filter((port) => port !== from.server.port).map((port) => cluster.at(port));
  if (to === undefined) throw new Error("there is no other master");
  await cluster.migrate([slot], to);
}

describe("blocking commands", () => {
  it("block nobody else, and are woken by a push of the same client", async () => {
    const client = await readyClientOf(shared.cluster);
    const popped = client.blpop("{block}list", 30);
    expect(await client.set("{block}other", 1)).toBe("OK");
    await client.rpush("{block}list", "x");
    expect(await popped).toEqual(["{block}list", "x"]);
  });

  it("go on at the new owner of their slot", async () => {
    const client = await readyClientOf(shared.cluster);
    const popped = client.blpop("wander", 30);
    await eventually(async () => {
      const clients = await Promise.all(shared.cluster.running.map(({ server }) => server.cli("INFO", "clients")));
      expect(clients.some((text) => /blocked_clients:[1-9]/.test(text))).toBe(true);
    });
    await move("wander");
    await client.rpush("wander", "x");
    expect(await popped).toEqual(["wander", "x"]);
  });
});

describe("leases", () => {
  it("are connections to the master of the key's slot", async () => {
    const client = await readyClientOf(shared.cluster);
    const result = await client.withConnection(
      async (conn) => {
        await conn.watch("lease");
        await conn.multi({ pipeline: false });
        await conn.set("lease", 1);
        return conn.exec();
      },
      { key: "lease" },
    );
    expect(result).toEqual([[null, "OK"]]);
    const none = await outcomeOf(client.withConnection(() => 1, {} as { key: string }));
    expect(none.error).toBeInstanceOf(ConfigError);
  });

  it("run a transaction, again if need be, also when its slot moves meanwhile", async () => {
    const client = await readyClientOf(shared.cluster);
    await client.set("{tx}n", 1);
    let attempts = 0;
    const { value } = await client.transaction(["{tx}n"], async ({ conn, multi }) => {
      const n = Number(await conn.get("{tx}n"));
      if (++attempts === 1) await client.incr("{tx}n");
      multi.set("{tx}n", n * 10);
      return n;
    });
    expect([value, attempts, await client.get("{tx}n")]).toEqual([2, 2, "20"]);
    await move("{tx}n");
    await client.transaction(["{tx}n"], ({ multi }) => void multi.incr("{tx}n"));
    expect(await client.get("{tx}n")).toBe("21");
    const several = await outcomeOf(client.transaction(["a", "b"], () => undefined));
    expect(several.error).toBeInstanceOf(ConfigError);
  });
});

/** Publishes until the listener has heard something, and returns it. */
async function heardBy(client: Cluster, event: string, publish: () => Promise<unknown>): Promise<unknown> {
  let heard: unknown;
  client.once(event, (...args: unknown[]) => (heard = args));
  await eventually(
    async () => {
      await publish();
      expect(heard).toBeDefined();
    },
    { withinMs: 20_000 },
  );
  return heard;
}

describe("listening", () => {
  it("hears what was subscribed to before there was a table", async () => {
    const client = clientOf(shared.cluster);
    const [first, ...others] = [client.subscribe("early"), client.psubscribe("ear*"), client.ssubscribe("early")];
    expect(await first).toBe(1);
    await Promise.all(others);
    const publisher = await readyClientOf(shared.cluster);
    // Each message is heard as both, one after the other.
    const pattern = heardBy(client, "pmessage", () => publisher.publish("early", "1"));
    expect(await heardBy(client, "message", () => publisher.publish("early", "1"))).toEqual(["early", "1"]);
    expect(await pattern).toEqual(["ear*", "early", "1"]);
    expect(await heardBy(client, "smessage", () => publisher.spublish("early", "3"))).toEqual(["early", "3"]);
  });

  it("goes on at another node when the one that was listened to is killed", async () => {
    const { cluster } = shared;
    await cluster.whenReplicated();
    const client = await readyClientOf(cluster);
    const publisher = await readyClientOf(cluster);
    await client.subscribe("news");
    await client.psubscribe("n*s");
    expect(await heardBy(client, "message", () => publisher.publish("news", "1"))).toEqual(["news", "1"]);
    const lists = await Promise.all(
      cluster.running.map(async (node) => ({ node, text: await node.server.cli("CLIENT", "LIST", "TYPE", "pubsub") })),
    );
    const listened = lists.find(({ text }) => text.includes("sub=1"))?.node;
    if (listened === undefined) throw new Error("nobody listens");
    const resubscribed = new Promise((resolve) => client.once("resubscribed", resolve));
    await listened.server.kill();
    try {
      expect(await resubscribed).toMatchObject({ channels: ["news"], patterns: ["n*s"] });
      expect(await heardBy(client, "message", () => publisher.publish("news", "2"))).toEqual(["news", "2"]);
    } finally {
      await listened.server.restart();
      await cluster.whenOk();
    }
  });

  it("hears shard channels, and follows their slots", async () => {
    const client = await readyClientOf(shared.cluster);
    await client.ssubscribe("shard");
    const publish = (text: string) => () => client.spublish("shard", text);
    expect(await heardBy(client, "smessage", publish("1"))).toEqual(["shard", "1"]);
    const resubscribed = new Promise((resolve) => client.once("resubscribed", resolve));
    await move("shard");
    // Whoever publishes hears of the new owner.
    expect(await heardBy(client, "smessage", publish("2"))).toEqual(["shard", "2"]);
    expect(await resubscribed).toMatchObject({ shardChannels: ["shard"] });
    await client.sunsubscribe("shard");
  });
});
