/** Clients of the replicas beside those of the master, through the same Sentinels: the troubles of one are not the other's. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { createLogSink } from "../helpers/log-sink.js";
import { outcomeOf } from "./core-harness.js";
import { portOf, sentinel, through } from "./sentinel-harness.js";

let master: RedisServer;
let replica: RedisServer;

beforeAll(async () => {
  master = await startRedis();
  replica = await startRedis({ config: [`replicaof 127.0.0.1 ${String(master.port)}`] });
});
afterAll(async () => {
  await Promise.all([master.stop(), replica.stop()]);
});

describe("a client of the replicas", () => {
  it("has circuits of its own: writes that go there by mistake are not held against the master", async () => {
    const watching = await sentinel({ master, replicas: [{ port: replica.port }] });
    const resilience = { logger: createLogSink(), retry: false, breaker: { volumeThreshold: 5 } } as const;
    const reader = through([watching], { role: "slave", resilience });
    const writer = through([watching], { resilience });
    await Promise.all([reader.ping(), writer.ping()]);
    expect(portOf(reader)).toBe(replica.port);
    await eventually(async () => {
      await outcomeOf(reader.set("x", "1"));
      expect(reader.stats().breaker.write.state).toBe("open");
    });
    expect(await writer.set("x", "1")).toBe("OK");
    expect(writer.stats().breaker.write.state).toBe("closed");
  });

  it("has a name and an incident of its own", async () => {
    await using lost = await startRedis();
    const watching = await sentinel({ master: lost, replicas: [{ port: replica.port }] });
    const logger = createLogSink();
    const writer = through([watching], { resilience: { logger } });
    await writer.ping();
    await lost.kill();
    await eventually(() => expect(logger.at("error")).toHaveLength(1));
    const reader = through([watching], { role: "slave", resilience: { logger } });
    await reader.ping();
    expect(writer.stats().endpoint).toMatch(/^sentinel cache \(127\.0\.0\.1:\d+\)$/);
    expect(reader.stats().endpoint).toMatch(/^sentinel cache replicas \(127\.0\.0\.1:\d+\)$/);
    expect(logger.text()).not.toContain("recovered");
  });
});
