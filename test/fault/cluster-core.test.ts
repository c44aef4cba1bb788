/** A cluster client on a real cluster: what callers get in peace, through migrations and failovers, and at the end. */
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { ClusterLoad } from "../../lab/cluster-load.mjs";
import { ReplicationRecord } from "../../lab/replication-record.mjs";
import { ConfigError } from "../../src/failure/errors.js";
import { Cluster } from "../../src/cluster.js";
import { eventually } from "../helpers/eventually.js";
import { clientOf, plainReader, readyClientOf, sharedCluster } from "./cluster-harness.js";
import { ignore, outcomeOf, sleep } from "./core-harness.js";

const shared = sharedCluster();

/** Keys in slots of all three masters. */
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** ioredis's types know no MULTI within a pipeline. */
interface Mixed {
  multi(): Mixed;
  incr(key: string): Mixed;
  exec(): Mixed & Promise<unknown>;
}

describe("in peace", () => {
  it("sends each command to the node of its slot", async () => {
    const client = await readyClientOf(shared.cluster);
    for (const key of KEYS) expect(await client.set(`peace:${key}`, key)).toBe("OK");
    expect(await Promise.all(KEYS.map((key) => client.get(`peace:${key}`)))).toEqual(KEYS);
    expect(client.stats().redirections).toMatchObject({ moved: 0, asked: 0 });
    expect(
      new Set(
        client
          .stats()
          .nodes.filter(({ answered }) => answered > 0)
          .map(({ endpoint }) => endpoint),
      ).size,
    ).toBe(3);
    expect(client.health()).toMatchObject({ status: "ready", mastersDown: [], slotsServed: 1 });
  });

  it("runs pipelines over several nodes, with the results in order", async () => {
    const client = await readyClientOf(shared.cluster);
    const pipeline = client.pipeline();
    for (const key of KEYS) pipeline.set(`pipe:${key}`, key).get(`pipe:${key}`);
    pipeline.lpush(`pipe:a`, "x");
    const results = await pipeline.exec();
    expect(results?.slice(0, -1)).toEqual(
      KEYS.flatMap((key) => [
        [null, "OK"],
        [null, key],
      ]),
    );
    expect(results?.at(-1)?.[0]?.message).toContain("WRONGTYPE");
  });

  it("keeps a transaction whole, and refuses one over several slots before anything is sent", async () => {
    const client = await readyClientOf(shared.cluster);
    expect(await client.multi().set("{multi}a", 1).incr("{multi}a").get("{multi}a").exec()).toEqual([
      [null, "OK"],
      [null, 2],
      [null, "2"],
    ]);
    const several = await outcomeOf(client.multi().set("several:a", 1).set("several:b", 1).exec());
    expect(several.error?.message).toBe("All keys in the pipeline should belong to the same slots allocation group");
    expect(await client.exists("several:a")).toBe(0);
    const mixed = client.pipeline().get("{multi}a") as unknown as Mixed;
    const results = (await mixed.multi().incr("{multi}b").exec().exec()) as unknown[];
    expect([results[0], results.at(-1)]).toEqual([
      [null, "2"],
      [null, [1]],
    ]);
  });

  it("refuses a MULTI that is no batch: others share the connection", async () => {
    const client = await readyClientOf(shared.cluster);
    const { error } = await outcomeOf(client.multi({ pipeline: false }));
    expect(error?.message).toContain("MULTI without a pipeline");
    expect(await client.set("after", 1)).toBe("OK");
  });

  it("tells a server's own refusals as they are", async () => {
    const client = await readyClientOf(shared.cluster);
    const { error } = await outcomeOf(client.mset("x", 1, "y", 2));
    expect(error?.message).toBe("CROSSSLOT Keys in request don't hash to the same slot");
  });

  it("takes callbacks, buffers, key prefixes, scripts, automatic pipelines and limits of single calls", async () => {
    const client = await readyClientOf(shared.cluster, {
      keyPrefix: "pre:",
      enableAutoPipelining: true,
      scripts: { twice: { lua: "return redis.call('incrby', KEYS[1], 2)", numberOfKeys: 1 } },
    });
    await client.set("k", "v");
    expect(await new Promise((resolve) => void client.get("k", (_error, value) => resolve(value)))).toBe("v");
    expect(await client.getBuffer("k")).toEqual(Buffer.from("v"));
    const scripted = client as unknown as { twice(key: string): Promise<number> };
    expect(await scripted.twice("n")).toBe(2);
    expect(await client.pipeline([["get", "n"]]).exec()).toEqual([[null, "2"]]);
    const plain = plainReader(shared.cluster);
    expect(await plain.mget("pre:n")).toEqual(["2"]);
    expect(await client.withDeadline(5_000).get("n")).toBe("2");
    const aborted = await outcomeOf(client.with({ signal: AbortSignal.abort() }).get("n"));
    expect(aborted.error?.name).toBe("AbortedError");
  });

  it("knows its nodes by role, and makes another of itself", async () => {
    const client = await readyClientOf(shared.cluster);
    expect(client.isCluster).toBe(true);
    await eventually(async () => {
      await new Promise<void>((resolve) => client.refreshSlotsCache(() => resolve()));
      expect([client.nodes().length, client.nodes("master").length, client.nodes("slave").length]).toEqual([6, 3, 3]);
    });
    const sizes = await Promise.all(client.nodes("master").map((node) => node.dbsize()));
    expect(sizes.every((size) => size > 0)).toBe(true);
    const other = client.duplicate();
    expect(other).toBeInstanceOf(Cluster);
    expect(await other.ping()).toBe("PONG");
    await other.quit();
    expect(await client.ping()).toBe("PONG");
  });

  it("shows no password when it is printed", () => {
    const client = new Cluster([7000], { redisOptions: { password: "hunter2" }, lazyConnect: true });
    expect(inspect(client) + inspect(client.options) + JSON.stringify(client)).not.toContain("hunter2");
  });

  it("refuses a database", () => {
    const options = { redisOptions: { db: 1 } };
    expect(() => new Cluster([7000], { ...options, lazyConnect: true })).toThrow(ConfigError);
  });
});

describe("life", () => {
  it("goes through ioredis's statuses and events, and begins again", async () => {
    const client = clientOf(shared.cluster, { lazyConnect: true });
    const seen: string[] = [];
    for (const event of ["connecting", "connect", "ready", "close", "end"]) client.on(event, () => seen.push(event));
    expect(client.status).toBe("wait");
    await client.connect();
    expect(client.status).toBe("ready");
    expect(await outcomeOf(client.connect())).toMatchObject({
      error: { message: "Redis is already connecting/connected" },
    });
    expect(await client.quit()).toBe("OK");
    expect(client.status).toBe("end");
    const closed = await outcomeOf(client.get("k"));
    expect(closed.error).toMatchObject({ name: "ClosedError", message: "Connection is closed.", applied: "no" });
    await eventually(() => expect(seen).toEqual(["connecting", "connect", "ready", "close", "end"]));
    await client.connect();
    expect(await client.ping()).toBe("PONG");
    client.disconnect();
    expect(client.status).toBe("end");
  });

  it("finishes what is under way when it is closed", async () => {
    const client = await readyClientOf(shared.cluster);
    const pending = KEYS.map((key) => client.incr(`closing:${key}:${String(Math.random())}`));
    await client.close();
    expect(await Promise.all(pending)).toEqual(KEYS.map(() => 1));
  });

  it("settles everything when nobody is there", async () => {
    const client = new Cluster([{ host: "127.0.0.1", port: 1 }], {
      resilience: { profile: "production", deadline: 500, logger: false },
      clusterRetryStrategy: () => 50,
    });
    client.on("error", ignore);
    try {
      const outcomes = await Promise.all(KEYS.map((key) => outcomeOf(client.set(key, 1))));
      for (const { error } of outcomes) expect(error).toMatchObject({ name: "DeadlineError", applied: "no" });
      expect(client.health()).toMatchObject({ status: "down", code: "CONNECTION_REFUSED" });
    } finally {
      client.disconnect();
    }
  });

  it("tells `clusterRetryStrategy` why a name was not found, in the resolver's own words", async () => {
    const reasons: (string | undefined)[] = [];
    const client = new Cluster([{ host: "nowhere.example", port: 1 }], {
      dnsLookup: (_name, callback) => callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), "", 4),
      clusterRetryStrategy: (_times: number, reason?: Error) => {
        reasons.push(reason?.message);
        return null;
      },
      resilience: { profile: "production", logger: false },
    });
    client.on("error", ignore);
    await outcomeOf(client.get("k"));
    expect(reasons).toEqual(["no such name"]);
  });

  it("gives up when `clusterRetryStrategy` says so", async () => {
    const client = new Cluster([{ host: "127.0.0.1", port: 1 }], {
      resilience: { profile: "production", logger: false },
      clusterRetryStrategy: () => null,
      lazyConnect: true,
    });
    const errors: Error[] = [];
    client.on("error", (error: Error) => errors.push(error));
    const waiting = outcomeOf(client.get("k"));
    expect((await waiting).error?.message).toBe("Connection is closed.");
    expect(client.status).toBe("end");
    expect(errors[0]?.message).toBe("Failed to refresh slots cache.");
  });
});

describe("what it says of itself", () => {
  it("goes on serving the other shards' callers while one master says nothing, unless all slots are asked for", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster);
    expect(await client.startup()).toMatchObject({ ready: true });
    // What an earlier test did to a node may not be over yet.
    await eventually(() => expect(client.health().status).toBe("ready"));
    expect(await client.readiness({ maxAge: 60_000, slots: 1 })).toMatchObject({ ready: true });
    for (const { server } of cluster.running) await server.call("CONFIG", "SET", "cluster-replica-no-failover", "yes");
    const frozen = await cluster.owner(0);
    frozen.server.freeze();
    try {
      const [some, all] = await Promise.all([
        client.readiness({ maxAge: 0 }),
        client.readiness({ maxAge: 0, slots: 1 }),
      ]);
      const mastersDown = [`127.0.0.1:${String(frozen.server.port)}`];
      expect(some).toMatchObject({
        ready: true,
        health: { status: "degraded", code: "RESPONSE_TIMEOUT", mastersDown },
      });
      expect(all.ready).toBe(false);
      expect(all.health.slotsServed).toBeCloseTo(2 / 3, 2);
      expect(client.liveness().alive).toBe(true);
    } finally {
      frozen.server.thaw();
      for (const { server } of cluster.running) await server.call("CONFIG", "SET", "cluster-replica-no-failover", "no");
    }
    await eventually(async () =>
      expect(await client.readiness({ maxAge: 0, slots: 1 })).toMatchObject({ ready: true }),
    );
    await client.close();
    expect(client.liveness().alive).toBe(true);
    expect(await client.readiness({ required: false })).toMatchObject({ ready: false, health: { status: "closed" } });
    await cluster.whenOk();
  });

  it("fails fast while the cluster itself is down, and goes on by itself", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster, {
      resilience: { deadline: 300, breaker: { downAfter: 400, resetTimeout: 600_000, maxResetTimeout: 600_000 } },
    });
    const slot = 16_000;
    const owner = await cluster.owner(slot);
    for (const { server } of cluster.running) await server.call("CLUSTER", "DELSLOTS", slot).catch(ignore);
    try {
      await eventually(async () => {
        const { error } = await outcomeOf(client.set("down", 1));
        expect(error).toMatchObject({ name: "CircuitOpenError", applied: "no" });
        expect(client.health()).toMatchObject({ status: "down", code: "CLUSTER_DOWN", slotsServed: 0 });
      });
      expect((await client.readiness()).ready).toBe(false);
      expect(client.stats().nodes.every(({ breaker }) => breaker.readWrite.state === "closed")).toBe(true);
    } finally {
      await owner.server.call("CLUSTER", "ADDSLOTS", slot);
      await cluster.whenOk();
    }
    await eventually(async () => {
      expect(await client.set("down", 1)).toBe("OK");
      expect(client.health().status).toBe("ready");
    });
  });

  it("finds out with a key of the node's own slots whether it takes writes again", async () => {
    const { cluster } = shared;
    // One that the usual key of a probe is not in.
    const usual = await cluster.owner(await cluster.slotOf("ioredoubt:probe"));
    const ports = (await cluster.table()).map(({ master }) => master).filter((port) => port !== usual.server.port);
    const { server } = cluster.at(ports[0] ?? 0);
    const client = await readyClientOf(cluster, {
      resilience: { deadline: 200, breaker: { volumeThreshold: 1, resetTimeout: 50, maxResetTimeout: 50 } },
    });
    const slots = await Promise.all(KEYS.map(async (key) => cluster.owner(await cluster.slotOf(`full:${key}`))));
    const key = `full:${String(KEYS[slots.findIndex((owner) => owner.server === server)])}`;
    const closed: unknown[] = [];
    client.onEvent((event) => {
      if (event.type === "circuit.changed" && event.state === "closed") closed.push(event);
    });
    await server.call("CONFIG", "SET", "maxmemory", "1");
    try {
      await eventually(async () => {
        await outcomeOf(client.set(key, "v"));
        expect(client.health()).toMatchObject({ status: "degraded", code: "OUT_OF_MEMORY", slotsServed: 1 });
      });
      await eventually(async () => {
        await outcomeOf(client.set(key, "v"));
        const stats = await server.cli("INFO", "commandstats");
        expect(Number(/cmdstat_setrange:.*rejected_calls=(\d+)/.exec(stats)?.[1])).toBeGreaterThanOrEqual(4);
      });
      expect(closed).toEqual([]);
      expect((await client.readiness()).ready).toBe(true);
    } finally {
      await server.call("CONFIG", "SET", "maxmemory", "0");
    }
    await eventually(() => expect(client.health().status).toBe("ready"));
    expect(await client.set(key, "v")).toBe("OK");
  });
});

describe("through change", () => {
  afterEach(() => shared.cluster.whenOk());

  it("moves with slots under load: nothing fails, nothing runs twice, nothing overtakes", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster);
    const load = new ClusterLoad(client, "migration");
    load.start(300);
    const slots = await Promise.all(
      Array.from({ length: 24 }, (_, at) => cluster.slotOf(`migration:list:${String(at)}`)),
    );
    const target = await cluster.owner(slots[0] ?? 0);
    await cluster.migrate(slots.slice(1), target);
    await load.stop();
    await load.settled(20_000);
    const told = await load.account(plainReader(cluster));
    expect([...load.errors]).toEqual([]);
    expect(told).toMatchObject({ failed: 0, unknown: 0, unsettled: 0, twice: 0, lost: 0, untrue: 0, disorder: 0 });
    expect(client.stats().redirections.moved).toBeGreaterThan(0);
  });

  it("lets a command in where its key has arrived before its slot", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster);
    const slot = await cluster.slotOf("ask");
    const from = await cluster.owner(slot);
    const to = cluster.running.find(
      (node) => node !== from && client.nodes("master").some((one) => one.options.port === node.server.port),
    );
    if (to === undefined) throw new Error("no other master");
    await to.server.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
    await from.server.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
    expect(await client.set("ask", 1)).toBe("OK");
    expect(await client.multi().incr("ask").get("ask").exec()).toEqual([
      [null, 2],
      [null, "2"],
    ]);
    expect(client.stats().redirections.asked).toBe(2);
    for (const node of [to, from]) await node.server.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    expect(await client.get("ask")).toBe("2");
  });

  it("follows a planned failover without an error", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster);
    const load = new ClusterLoad(client, "failover");
    load.start(200);
    await cluster.failover(await cluster.replicaOf(await cluster.owner(0)));
    await sleep(300);
    await load.stop();
    await load.settled(20_000);
    await cluster.whenOk();
    const told = await load.account(plainReader(cluster));
    expect(told).toMatchObject({ failed: 0, unsettled: 0, twice: 0, untrue: 0, disorder: 0 });
  });

  it("fails no more than what was in flight when a master is killed, and nothing of other shards", async () => {
    const { cluster } = shared;
    await cluster.whenReplicated();
    const client = await readyClientOf(cluster);
    const owner = await cluster.owner(0);
    const load = new ClusterLoad(client, "kill");
    load.start(200);
    const record = new ReplicationRecord(cluster);
    record.start();
    await sleep(200);
    await record.failing(owner, () => owner.server.kill());
    expect(await Promise.all(KEYS.map((key) => client.get(`kill:${key}`)))).toEqual(KEYS.map(() => null));
    await cluster.whenReplaced(owner);
    await load.stop();
    await load.settled(25_000);
    await record.stop();
    const told = await load.account(plainReader(cluster), record);
    expect(told).toMatchObject({ failed: 0, unsettled: 0, twice: 0, lost: 0, untrue: 0, disorder: 0 });
    await owner.server.restart();
    await cluster.whenReplicated();
  });

  it("believes nothing that a master says that was replaced while it stood still", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster);
    for (let round = 0; round < 3; round++) {
      await cluster.whenReplicated();
      const owner = await cluster.owner(0);
      const replica = await eventually(() => cluster.replicaOf(owner));
      const slots = (await cluster.table()).filter(({ master }) => master === owner.server.port);
      const keys: string[] = [];
      for (let at = 0; keys.length < 20; at++) {
        const key = `still:${String(round)}:${String(at)}`;
        const slot = await cluster.slotOf(key);
        if (slots.some(({ from, to }) => from <= slot && slot <= to)) keys.push(key);
      }
      await client.exists(keys[0] ?? "");
      // Of the round before nothing is left that could be taken for the silence of this one.
      await eventually(() => expect(client.health().status).toBe("ready"));
      owner.server.freeze();
      const writes = keys.map((key) => outcomeOf(client.incr(key)));
      await eventually(() => expect(client.health().status).toBe("degraded"));
      // Without a vote, which would take until the others miss the master.
      await replica.server.call("CLUSTER", "FAILOVER", "TAKEOVER");
      owner.server.thaw();
      const outcomes = await Promise.all(writes);
      await cluster.whenOk();
      const reader = plainReader(cluster);
      const values = await Promise.all(keys.map((key) => reader.get(key)));
      const lost = keys.filter((_, at) => outcomes[at]?.error === undefined && values[at] === null);
      expect(lost).toEqual([]);
      expect(values.filter((value) => Number(value) > 1)).toEqual([]);
    }
  });

  it("ends in time while a master stands still, and a new client begins", async () => {
    const { cluster } = shared;
    const client = await readyClientOf(cluster);
    const frozen = await cluster.owner(0);
    frozen.server.freeze();
    try {
      const begun = await readyClientOf(cluster);
      expect(begun.status).toBe("ready");
      const waiting = outcomeOf(client.set("still", 1));
      expect(await client.quit()).toBe("OK");
      await waiting;
    } finally {
      frozen.server.thaw();
    }
  });
});
