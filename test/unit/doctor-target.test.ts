import { describe, expect, it } from "vitest";
import { addressOf, parseUrl, resolveTarget } from "../../src/doctor/target.js";

describe(parseUrl, () => {
  it("reads the forms ioredis reads", () => {
    expect(parseUrl("6380")).toEqual({ port: 6380 });
    expect(parseUrl("/run/redis.sock")).toEqual({ path: "/run/redis.sock" });
    expect(parseUrl("db.internal:6380")).toEqual({ host: "db.internal", port: 6380 });
    expect(parseUrl("redis://[::1]:6379")).toEqual({ host: "::1", port: 6379 });
    expect(parseUrl("rediss://app:p%40ss@db.internal:6380/2?family=6")).toEqual({
      host: "db.internal",
      port: 6380,
      username: "app",
      password: "p@ss",
      db: 2,
      family: 6,
      tls: {},
    });
  });
});

describe(resolveTarget, () => {
  it("fills in ioredis's defaults and says that they are defaults", () => {
    const target = resolveTarget("redis://db.internal", { env: {} });
    expect(target.endpoint).toMatchObject({ host: "db.internal", port: 6379 });
    expect([...target.origins]).toEqual([
      ["host", "argument"],
      ["port", "default"],
    ]);
  });

  it("lets the URL take precedence over the single variables, as the client does", () => {
    const target = resolveTarget(undefined, {
      env: { REDIS_URL: "redis://a.internal:1/3", REDIS_DB: "7", REDIS_USERNAME: "app", REDIS_PASSWORD: "p" },
    });
    expect(target).toMatchObject({ endpoint: { host: "a.internal", port: 1 }, db: 3, username: "app", problems: [] });
    expect(Object.fromEntries(target.origins)).toEqual({
      host: "REDIS_URL",
      port: "REDIS_URL",
      db: "REDIS_URL",
      username: "REDIS_USERNAME",
      password: "REDIS_PASSWORD",
    });
  });

  it("knows Sentinel and Cluster from the environment", () => {
    const sentinel = resolveTarget(undefined, { env: { REDIS_SENTINELS: "a:1,b", REDIS_SENTINEL_NAME: "main" } });
    expect(sentinel).toMatchObject({ mode: "sentinel", sentinelName: "main", endpoint: undefined });
    expect(sentinel.nodes.map(addressOf)).toEqual(["a:1", "b:26379"]);
    const cluster = resolveTarget(undefined, { env: { REDIS_CLUSTER_NODES: "a:1,b:2" } });
    expect(cluster).toMatchObject({
      mode: "cluster",
      nodes: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    });
  });

  it("reports what is wrong instead of connecting somewhere else", () => {
    for (const text of ['"redis://h"', "redis://${HOST}", "https://h", "", "undefined"]) {
      const target = resolveTarget(text, { env: {} });
      expect(target.problems, text).toHaveLength(1);
      expect(target.endpoint).toBeUndefined();
    }
    expect(resolveTarget({ host: "h:6379" }, { env: {} }).problems).toHaveLength(1);
  });

  it("takes tls: true for the defaults", () => {
    expect(resolveTarget({ host: "h", tls: true }, { env: {} }).tls).toEqual({});
    expect(resolveTarget({ host: "h", tls: false }, { env: {} }).tls).toBeUndefined();
  });
});
