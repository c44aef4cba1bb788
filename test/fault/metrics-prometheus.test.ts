/** `ioredoubt/prometheus` in a registry of prom-client: the numbers that a scrape sees are those of `stats()`. */
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { register } from "../../src/prometheus/index.js";
import { Redis } from "../../src/redis.js";
import { startProxy, type FaultProxy } from "../helpers/fault-proxy.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";

let server: RedisServer;
let proxy: FaultProxy;
let registry: Registry;
let unregister: () => void;

beforeAll(async () => {
  server = await startRedis();
  proxy = await startProxy({ target: { port: server.port } });
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});
beforeEach(() => {
  registry = new Registry();
  unregister = register(registry);
});
afterEach(() => {
  unregister();
});

/** The samples of a scrape: series to value. */
async function scrape(): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

function client(port: number, name: string): Redis {
  const redis = new Redis(port, "127.0.0.1", {
    resilience: { logger: false, deadline: 400, name, breaker: { volumeThreshold: 100 } },
  });
  redis.on("error", () => undefined);
  return redis;
}

describe("a scrape", () => {
  it("counts commands by family and outcome, errors by code, clients by status", async () => {
    const redis = client(server.port, "counted");
    await redis.set("k", "v");
    await redis.get("k");
    await redis.lpush("k", "x").catch(() => undefined);
    const series = await scrape();
    const endpoint = `endpoint="counted (127.0.0.1:${String(server.port)})"`;
    expect(series.get(`ioredoubt_operations_total{${endpoint},family="read",outcome="answered"}`)).toBe(1);
    expect(series.get(`ioredoubt_operations_total{${endpoint},family="write",outcome="failed"}`)).toBe(1);
    expect(series.get(`redis_client_errors_total{${endpoint},error_type="WRONG_TYPE"}`)).toBe(1);
    expect(series.get(`ioredoubt_clients{${endpoint},status="ready"}`)).toBe(1);
    expect(series.get(`ioredoubt_clients{${endpoint},status="down"}`)).toBe(0);
    expect(series.get(`ioredoubt_circuit_state{${endpoint},circuit="write",state="closed"}`)).toBe(1);
    await redis.close();
  });

  it("tells of an outage while it lasts", async () => {
    const redis = client(proxy.port, "away");
    await redis.ping();
    await proxy.refuse();
    proxy.cutAll();
    await eventually(() => {
      expect(redis.health().status).toBe("down");
    });
    await redis.incr("n").catch(() => undefined);
    const series = await scrape();
    const endpoint = `endpoint="away (127.0.0.1:${String(proxy.port)})"`;
    expect(series.get(`ioredoubt_clients{${endpoint},status="down"}`)).toBe(1);
    expect(series.get(`ioredoubt_failing_clients{${endpoint},error_type="CONNECTION_REFUSED"}`)).toBe(1);
    expect(
      series.get(`redis_client_connection_closed_total{${endpoint},redis_client_connection_close_reason="error"}`),
    ).toBe(1);
    const { codes } = redis.stats();
    expect(Object.keys(codes)).not.toEqual([]);
    for (const [code, count] of Object.entries(codes)) {
      expect(series.get(`redis_client_errors_total{${endpoint},error_type="${code}"}`)).toBe(count);
    }
    await proxy.pass();
    await eventually(() => {
      expect(redis.health().status).toBe("ready");
    });
    expect([...(await scrape()).keys()].filter((key) => key.startsWith("ioredoubt_failing_clients"))).toEqual([]);
    await redis.close();
    expect(redis.stats().connectionsLost).toBe(1);
  });

  it("gives durations in a histogram whose buckets, sum and count agree", async () => {
    const redis = client(server.port, "timed");
    for (let i = 0; i < 20; i++) await redis.get("k");
    const series = await scrape();
    const endpoint = `endpoint="timed (127.0.0.1:${String(server.port)})"`;
    const name = "db_client_operation_duration_seconds";
    const count = series.get(`${name}_count{${endpoint}}`) ?? 0;
    expect(count).toBe(20);
    expect(series.get(`${name}_bucket{${endpoint},le="+Inf"}`)).toBe(count);
    const buckets = [...series].filter(([key]) => key.startsWith(`${name}_bucket`) && key.includes(endpoint));
    const values = buckets.map(([, value]) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(series.get(`${name}_sum{${endpoint}}`)).toBeGreaterThan(0);
    await redis.close();
  });

  it("does not fall when a client ends, nor count twice when it is revived", async () => {
    const redis = client(server.port, "revived");
    const series = `ioredoubt_operations_total{endpoint="revived (127.0.0.1:${String(server.port)})",family="read",outcome="answered"}`;
    await redis.get("k");
    redis.disconnect();
    await eventually(() => {
      expect(redis.status).toBe("end");
    });
    expect((await scrape()).get(series)).toBe(1);
    await redis.connect();
    expect((await scrape()).get(series)).toBe(1);
    await redis.get("k");
    expect((await scrape()).get(series)).toBe(2);
    await redis.close();
    expect((await scrape()).get(series)).toBe(2);
  });

  it("adds up the clients of an endpoint", async () => {
    const [one, two] = [client(server.port, "pair"), client(server.port, "pair")];
    await Promise.all([one.get("k"), two.get("k")]);
    const series = await scrape();
    const endpoint = `endpoint="pair (127.0.0.1:${String(server.port)})"`;
    expect(series.get(`ioredoubt_operations_total{${endpoint},family="read",outcome="answered"}`)).toBe(2);
    expect(series.get(`ioredoubt_clients{${endpoint},status="ready"}`)).toBe(2);
    await Promise.all([one.close(), two.close()]);
  });

  it("speaks OpenMetrics", async () => {
    const open = new Registry();
    open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const end = register(open);
    const redis = client(server.port, "open");
    await redis.get("k");
    const text = await open.metrics();
    expect(text).toContain("# TYPE redis_client_operation_retry_attempts counter");
    expect(text).toMatch(/^ioredoubt_operations_total\{endpoint="open \(.*family="read",outcome="answered"\} 1$/m);
    end();
    await redis.close();
  });
});

it("takes its metrics out again, and refuses to be registered twice in one registry", async () => {
  expect(() => register(registry)).toThrow("has already been registered");
  unregister();
  expect(await registry.metrics()).toBe("\n");
  unregister = register(registry);
});
