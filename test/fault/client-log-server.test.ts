/** A server in a state in which it cannot serve, and cluster nodes that send a client elsewhere: error and log line. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { atEnd } from "./core-harness.js";
import { at, CANARY, events, expectFailure, expectLine, open, opened } from "./client-log-harness.js";

async function started(...config: string[]): Promise<RedisServer> {
  const server = await startRedis({ password: CANARY, config });
  atEnd(() => server.stop());
  return server;
}

/** A command that waits for another try ends with the server's words or with its deadline, whichever comes first. */
const TOLD_AT_ONCE = { retry: { retries: 0 } } as const;

describe("a server that cannot serve", () => {
  it("LOADING: a command that waited says that the server was loading, and so does the log", async () => {
    const server = await startRedis({
      password: CANARY,
      waitFor: "accepting",
      config: ["key-load-delay 500", "loading-process-events-interval-bytes 1024"],
    });
    atEnd(() => server.stop());
    await server.call("debug", "populate", 20_000, "key", 100);
    await server.call("save");
    await server.restart();
    const redis = open({ port: server.port, resilience: { deadline: 1500 } });
    const { error, why } = await expectFailure(redis.incr("n"), "DEADLINE", "no", true);
    expect(error.message).toContain("loading");
    expect(why.length).toBeGreaterThan(0);
    const line = await expectLine(redis, "incident.open", "error", "LOADING");
    expect(line.message).toContain("cannot serve commands");
    await server.kill();
  });

  it("BUSY_SCRIPT: a script without an end, and how to stop it", async () => {
    const server = await started("busy-reply-threshold 30");
    const looping = await opened({ port: server.port });
    const redis = await opened({ port: server.port, resilience: TOLD_AT_ONCE });
    const killed = looping.eval("while true do end", 0).catch(() => undefined);
    await eventually(async () => expect(await server.cli("PING").catch(String)).toContain("BUSY"));
    await expectFailure(redis.incr("n"), "BUSY_SCRIPT", "no", true);
    const line = await expectLine(redis, "incident.open", "error", "BUSY_SCRIPT");
    expect(line.runs).toContain(`redis-cli ${at(redis)}`);
    expect(line.runs).toMatch(/script kill/i);
    await server.call("SCRIPT", "KILL");
    await killed;
    await redis.ping();
  });

  it("READ_ONLY_REPLICA: a demoted master refuses writes", async () => {
    const server = await started();
    const redis = await opened({ port: server.port, resilience: TOLD_AT_ONCE });
    const looks = async () =>
      Number(/setrange:.*rejected_calls=(\d+)/.exec(await server.cli("INFO", "commandstats"))?.[1]);
    await server.call("REPLICAOF", "127.0.0.1", await freePort());
    await expectFailure(redis.set("k", "v"), "READ_ONLY_REPLICA", "no", true);
    const line = await expectLine(redis, "incident.open", "error", "READ_ONLY_REPLICA");
    expect(line.message).toContain("refuses writes");
    expect(line.runs).toContain(`redis-cli ${at(redis)}`);
    const script = redis.eval("return redis.call('set', KEYS[1], 'v')", 1, "k");
    await expectFailure(script, "READ_ONLY_REPLICA", "maybe", true);
    // The client looks for a new master over a connection of its own; that alone does not end the incident.
    await eventually(async () => expect(await looks()).toBeGreaterThan(0));
    await expectFailure(redis.set("k", "v"), "READ_ONLY_REPLICA", "no", true);
    expect(redis.log.at("error")).toHaveLength(1);
    expect(events(redis.log, "incident.closed")).toEqual([]);
  });

  it("MASTER_DOWN: a replica that would have to answer from old data", async () => {
    const server = await started("replica-serve-stale-data no");
    const redis = await opened({ port: server.port, protocol: 2, resilience: TOLD_AT_ONCE });
    await server.call("REPLICAOF", "127.0.0.1", await freePort());
    await expectFailure(redis.get("k"), "MASTER_DOWN", "no", true);
    const line = await expectLine(redis, "incident.open", "error", "MASTER_DOWN");
    expect(line.runs).toContain(`redis-cli ${at(redis)}`);
  });

  it("OUT_OF_MEMORY: a burst of writes is one line that speaks of memory; reads go on; the probe ends it", async () => {
    const server = await started();
    const redis = await opened({ port: server.port, resilience: { breaker: { resetTimeout: 100 } } });
    await redis.set("k", "v");
    await server.call("CONFIG", "SET", "maxmemory", "1");
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        await expectFailure(redis.set(`k${String(i)}`, CANARY), "OUT_OF_MEMORY", "no", false);
      }),
    );
    const line = await expectLine(redis, "incident.open", "error", "OUT_OF_MEMORY");
    expect(line.message).toContain("refuses writes");
    expect(line.why.join()).not.toContain("wait behind");
    expect(line.runs).toContain(`redis-cli ${at(redis)}`);
    expect(await redis.get("k")).toBe("v");
    await server.call("CONFIG", "SET", "maxmemory", "0");
    const closed = await expectLine(redis, "incident.closed", "info", "OUT_OF_MEMORY");
    expect(closed.fields).toMatchObject({ failed: 50, codes: { OUT_OF_MEMORY: 50 } });
    expect(redis.log.lines.length, redis.log.text()).toBeLessThanOrEqual(5);
  });

  it("PERSISTENCE_FAILED: a snapshot that could not be written", async () => {
    const server = await started("save 3600 1", "enable-protected-configs yes");
    const folder = join(server.dir, "gone");
    mkdirSync(folder);
    await server.call("CONFIG", "SET", "dir", folder);
    rmSync(folder, { recursive: true });
    const redis = await opened({ port: server.port });
    await redis.bgsave();
    await eventually(async () => expect(await server.cli("INFO", "persistence")).toContain("last_bgsave_status:err"));
    await expectFailure(redis.set("k", "v"), "PERSISTENCE_FAILED", "no", false);
    const line = await expectLine(redis, "incident.open", "error", "PERSISTENCE_FAILED");
    expect(line.runs).toContain(`redis-cli ${at(redis)}`);
  });

  it("NOT_ENOUGH_REPLICAS: a master that wants a replica and has none", async () => {
    const server = await started("min-replicas-to-write 1");
    const redis = await opened({ port: server.port });
    await expectFailure(redis.set("k", "v"), "NOT_ENOUGH_REPLICAS", "no", false);
    const line = await expectLine(redis, "incident.open", "error", "NOT_ENOUGH_REPLICAS");
    expect(line.message).toContain("refuses writes");
  });

  it("UNBLOCKED: a blocking command that somebody unblocks", async () => {
    const server = await started();
    const redis = await opened({ port: server.port });
    const unblocked = expectFailure(redis.blpop("queue", 0), "UNBLOCKED", "no", false);
    await eventually(async () => {
      const id = / ?id=(\d+) [^\n]*cmd=blpop/.exec(await server.cli("CLIENT", "LIST"))?.[1];
      expect(await server.call("CLIENT", "UNBLOCK", id ?? 0, "ERROR")).toBe(1);
    });
    await unblocked;
    await expectLine(redis, "command.refused", "debug", "UNBLOCKED");
    expect(redis.log.at("error", "fatal")).toEqual([]);
  });
});

describe("a plain client at cluster nodes", () => {
  const NODE = ["cluster-enabled yes", "cluster-node-timeout 2000", "cluster-require-full-coverage no"];
  let left: RedisServer;
  let right: RedisServer;

  beforeAll(async () => {
    const options = { password: CANARY, config: NODE };
    [left, right] = await Promise.all([startRedis(options), startRedis(options)]);
    await left.call("cluster", "addslotsrange", 0, 8191);
    await right.call("cluster", "addslotsrange", 8192, 16382);
    await right.call("cluster", "set-config-epoch", 2);
    await left.call("cluster", "meet", "127.0.0.1", right.port);
    await eventually(
      async () =>
        expect(await left.cli("cluster", "info")).toMatch(/cluster_state:ok[\s\S]*cluster_slots_assigned:16383/),
      { withinMs: 20_000 },
    );
  });

  afterAll(async () => {
    await Promise.all([left.stop(), right.stop()]);
  });

  /** The first number whose key slot fits. */
  async function keyIn(from: number, to: number): Promise<string> {
    for (let key = 0; ; key++) {
      const slot = Number(await left.call("cluster", "keyslot", `{${String(key)}}`));
      if (slot >= from && slot <= to) return `{${String(key)}}`;
    }
  }

  it("MOVED: is told to use the cluster client", async () => {
    const redis = await opened({ port: left.port });
    const { why } = await expectFailure(redis.incr(await keyIn(8192, 16_382)), "MOVED", "no", false);
    expect(why[0]).toContain("new Cluster(");
    const line = await expectLine(redis, "command.refused", "debug", "MOVED");
    expect(line.message).toContain("(MOVED)");
  });

  /** Runs with the slot of this key on its way to the other node. */
  async function migrating(key: string, body: () => Promise<unknown>): Promise<void> {
    const slot = await left.call("cluster", "keyslot", key);
    await left.call("cluster", "setslot", Number(slot), "migrating", await right.cli("cluster", "myid"));
    await body();
    await left.call("cluster", "setslot", Number(slot), "stable");
  }

  it("ASK: a key that has gone ahead of its slot", async () => {
    const redis = await opened({ port: left.port });
    const key = await keyIn(6001, 8191);
    await migrating(key, () => expectFailure(redis.get(key), "ASK", "no", false));
    const line = await expectLine(redis, "command.refused", "debug", "ASK");
    expect(line.why[0]).toContain("new Cluster(");
  });

  it("TRY_AGAIN: keys split between two nodes, after the client has tried again", async () => {
    const redis = await opened({ port: left.port });
    const here = await keyIn(4001, 6000);
    await left.call("set", here, "v");
    await migrating(here, () => expectFailure(redis.mget(here, `${here}gone`), "TRY_AGAIN", "no", true));
    await expectLine(redis, "command.refused", "debug", "TRY_AGAIN");
    expect(redis.stats().retried).toBeGreaterThan(0);
  });

  it("CROSS_SLOT: keys without a common slot", async () => {
    const redis = await opened({ port: left.port });
    await expectFailure(redis.mget("a", "b"), "CROSS_SLOT", "no", false);
    await expectLine(redis, "command.refused", "debug", "CROSS_SLOT");
  });

  it("CLUSTER_DOWN: a slot that nobody serves", async () => {
    const redis = await opened({ port: left.port, resilience: TOLD_AT_ONCE });
    await left.call("cluster", "delslotsrange", 0, 4000);
    await expectFailure(redis.get(await keyIn(0, 4000)), "CLUSTER_DOWN", "no", true);
    const line = await expectLine(redis, "incident.open", "error", "CLUSTER_DOWN");
    expect(line.runs).toContain(`redis-cli ${at(redis)}`);
  });
});
