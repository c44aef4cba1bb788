/** The private parts of ioredis's `Cluster` that this package touches, in the releases it supports. */
import { Cluster } from "ioredis";
import { describe, expect, it } from "vitest";
import { clusterInternalsOf } from "../../src/ioredis/cluster-internals.js";

describe("ioredis's Cluster", () => {
  it("has the parts that are declared", async () => {
    const cluster = new Cluster([{ host: "127.0.0.1", port: 7000 }], {
      lazyConnect: true,
      natMap: { "10.0.0.1:7000": { host: "mapped", port: 7001 } },
    });
    const internals = clusterInternalsOf(cluster);
    expect(internals.status).toBe("wait");
    expect(internals.slots).toEqual([]);
    expect(internals.startupNodes).toEqual([{ host: "127.0.0.1", port: 7000 }]);
    expect(internals.natMapper({ host: "10.0.0.1", port: 7000 })).toEqual({ host: "mapped", port: 7001 });
    expect(internals.natMapper({ host: "10.0.0.2", port: 7000 })).toEqual({ host: "10.0.0.2", port: 7000 });
    expect(await internals.resolveStartupNodeHostnames()).toMatchObject([{ host: "127.0.0.1", port: 7000 }]);
    expect(internals.connectionPool.getNodes("all")).toEqual([]);
    expect(internals.connectionPool.nodes).toEqual({ all: {}, master: {}, slave: {} });
    const heard: string[] = [];
    cluster.on("connecting", () => heard.push("connecting"));
    internals.setStatus("connecting");
    expect(internals.status).toBe("connecting");
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(["connecting"]);
    const told = new Promise((resolve) => {
      (cluster as unknown as { delayUntilReady(callback: (error?: Error) => void): void }).delayUntilReady(resolve);
    });
    const error = new Error("no");
    internals.invokeReadyDelayedCallbacks(error);
    expect(await told).toBe(error);
  });
});
