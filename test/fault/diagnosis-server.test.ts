/** Real states of a server in which it refuses commands, produced one by one. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";
import { expectDiagnosis, failureOf, plainRedis } from "./diagnosis-harness.js";

const BUSY = { applied: "no", retryable: true, breaker: "read-write" } as const;
const WRITES = { applied: "no", retryable: false, breaker: "write" } as const;

describe("diagnosis of the server's state", () => {
  it("LOADING: a server that reads its snapshot", async () => {
    await using server = await startRedis({
      waitFor: "accepting",
      config: ["key-load-delay 500", "loading-process-events-interval-bytes 1024"],
    });
    await server.call("debug", "populate", 20_000, "key", 100);
    await server.call("save");
    await server.restart();
    const redis = plainRedis({ port: server.port, protocol: 2 });
    const error = await failureOf(redis.incr("n"));
    redis.disconnect();
    await server.kill();
    expectDiagnosis(error, { written: true }, "LOADING", BUSY);
  });

  it("BUSY_SCRIPT: a script without an end", async () => {
    await using server = await startRedis({ config: ["busy-reply-threshold 30"] });
    const looping = plainRedis({ port: server.port });
    const other = plainRedis({ port: server.port });
    await Promise.all([looping.ping(), other.ping()]);
    const killed = failureOf(looping.eval("while true do end", 0));
    const error = await eventually(() => failureOf(other.incr("n")));
    await eventually(() => other.script("KILL"));
    expectDiagnosis(error, { written: true }, "BUSY_SCRIPT", BUSY);
    expectDiagnosis(await killed, { command: "eval" }, "SCRIPT_FAILED", {
      applied: "maybe",
      retryable: false,
      breaker: "none",
    });
    looping.disconnect();
    other.disconnect();
  });

  it("READ_ONLY_REPLICA: a write to a demoted master, alone and inside a script", async () => {
    await using server = await startRedis();
    const redis = plainRedis({ port: server.port });
    await redis.replicaof("127.0.0.1", await freePort());
    const error = await failureOf(redis.set("k", "v"));
    expectDiagnosis(error, { written: true }, "READ_ONLY_REPLICA", { ...WRITES, retryable: true });
    const script = await failureOf(redis.eval("return redis.call('set', KEYS[1], 'v')", 1, "k"));
    expectDiagnosis(script, { written: true }, "READ_ONLY_REPLICA", { ...WRITES, applied: "maybe", retryable: true });
    redis.disconnect();
  });

  it("MASTER_DOWN: a replica that would have to answer from old data", async () => {
    await using server = await startRedis({ config: ["replica-serve-stale-data no"] });
    const redis = plainRedis({ port: server.port, protocol: 2 });
    await redis.replicaof("127.0.0.1", await freePort());
    expectDiagnosis(await failureOf(redis.get("k")), { written: true }, "MASTER_DOWN", BUSY);
    redis.disconnect();
  });

  it("OUT_OF_MEMORY: writes beyond maxmemory, while reads go on", async () => {
    await using server = await startRedis();
    const redis = plainRedis({ port: server.port });
    await redis.set("k", "v");
    await redis.config("SET", "maxmemory", "1");
    const error = await failureOf(redis.set("k2", "v"));
    const { seen } = expectDiagnosis(error, { written: true }, "OUT_OF_MEMORY", WRITES);
    expect(seen).toBe("OOM command not allowed when used memory > 'maxmemory'.");
    expect(await redis.get("k")).toBe("v");
    redis.disconnect();
  });

  it("PERSISTENCE_FAILED: a snapshot that could not be written", async () => {
    await using server = await startRedis({ config: ["save 3600 1", "enable-protected-configs yes"] });
    const redis = plainRedis({ port: server.port });
    const folder = join(server.dir, "gone");
    mkdirSync(folder);
    await redis.config("SET", "dir", folder);
    rmSync(folder, { recursive: true });
    await failureOf(redis.save());
    await redis.bgsave();
    const error = await eventually(() => failureOf(redis.set("k", "v")));
    const { seen } = expectDiagnosis(error, { written: true }, "PERSISTENCE_FAILED", WRITES);
    expect(seen.length).toBeLessThanOrEqual(300);
    redis.disconnect();
  });

  it("NOT_ENOUGH_REPLICAS: a master that wants a replica and has none", async () => {
    await using server = await startRedis({ config: ["min-replicas-to-write 1"] });
    const redis = plainRedis({ port: server.port });
    expectDiagnosis(await failureOf(redis.set("k", "v")), { written: true }, "NOT_ENOUGH_REPLICAS", WRITES);
    redis.disconnect();
  });

  it("UNBLOCKED: a blocking command when its master becomes a replica, or somebody unblocks it", async () => {
    await using server = await startRedis();
    const waiting = plainRedis({ port: server.port });
    const other = plainRedis({ port: server.port });
    const id = await waiting.client("ID");
    const unblocked = failureOf(waiting.blpop("queue", 0));
    await eventually(async () => expect(await other.client("UNBLOCK", id, "ERROR")).toBe(1));
    expectDiagnosis(await unblocked, {}, "UNBLOCKED", { applied: "no", retryable: false, breaker: "none" });

    const interrupted = failureOf(waiting.blpop("queue", 0));
    await eventually(async () => expect(await other.info("clients")).toContain("blocked_clients:1"));
    await other.replicaof("127.0.0.1", await freePort());
    expectDiagnosis(await interrupted, { written: true }, "UNBLOCKED", BUSY);
    waiting.disconnect();
    other.disconnect();
  });
});
