/** What callers bring along to a cluster client, and what they do before it knows who serves what, harms nobody. */
import { describe, expect, it } from "vitest";
import { Cluster, type ClusterOptions } from "../../src/cluster.js";
import { ConfigError } from "../../src/failure/errors.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { createLogSink } from "../helpers/log-sink.js";
import { ScriptedNode } from "../helpers/scripted-node.js";
import { atEnd, ignore, nextUncaught, outcomeOf } from "./core-harness.js";

/** One node that serves all slots. */
async function node(): Promise<ScriptedNode> {
  const one = await new ScriptedNode().start();
  one.table = [{ slots: [0, 16383], master: one.port, replicas: [] }];
  atEnd(() => void one[Symbol.asyncDispose]());
  return one;
}

function clientOf(
  { port }: ScriptedNode,
  options: ClusterOptions = {},
  profile: "production" | "worker" = "production",
) {
  const log = createLogSink();
  const resilience = { profile, deadline: 10_000, breaker: { downAfter: 100 }, logger: log };
  const client = new Cluster([{ host: "127.0.0.1", port }], { ...options, resilience });
  client.on("error", ignore);
  atEnd(() => client.disconnect());
  return Object.assign(client, { log });
}

describe("a MULTI that is no batch", () => {
  it("is refused before anybody knows who serves what, too: it would begin on a connection that others use", async () => {
    const one = await node();
    const client = clientOf(one);
    const multi = outcomeOf(client.multi({ pipeline: false }));
    expect(await client.incr("n")).toBe(1);
    expect((await multi).error?.message).toContain("MULTI without a pipeline");
    expect(one.seen).toEqual(["incr"]);
  });
});

/** ioredis's types know no MULTI within a pipeline. */
interface Mixed {
  multi(): Mixed;
  incr(key: string): Mixed;
  exec(): Mixed & Promise<unknown>;
}

describe("what is issued in the moment in which a cluster is there", () => {
  /** A client of eight nodes whose first attempts have failed, when the next one has succeeded: its circuit has not heard of that yet. */
  async function moment() {
    const nodes = await Promise.all(Array.from({ length: 8 }, () => new ScriptedNode().start()));
    for (const each of nodes) {
      each.table = nodes.map(({ port }, at) => ({ slots: [at * 2048, at * 2048 + 2047], master: port, replicas: [] }));
      each.freeze();
      atEnd(() => void each[Symbol.asyncDispose]());
    }
    const [first, last] = [nodes[0], nodes[7]] as [ScriptedNode, ScriptedNode];
    const client = clientOf(first, { slotsRefreshTimeout: 100, clusterRetryStrategy: () => 20 }, "worker");
    const circuit: string[] = [];
    client.onEvent((event) => {
      if (event.type === "circuit.changed") circuit.push(event.state);
    });
    const waiting = client.incr("a");
    await eventually(() => expect(circuit).toEqual(["open"]));
    // Between two attempts.
    await eventually(() => expect(client.health()).toMatchObject({ status: "down", code: "RESPONSE_TIMEOUT" }));
    for (const each of nodes) each.thaw();
    await new Promise<void>((resolve) => client.once("ready", resolve));
    expect(circuit).not.toContain("closed");
    return { client, last, waiting };
  }

  it.each([
    [
      "a MULTI",
      (client: Cluster) => client.multi().incr("a").incr("a").exec(),
      [
        [null, 1],
        [null, 1],
      ],
    ],
    [
      "a pipeline that holds one",
      (client: Cluster) => (client.pipeline().incr("a") as unknown as Mixed).multi().incr("a").exec().incr("a").exec(),
      [
        [null, 1],
        [null, "OK"],
        [null, "QUEUED"],
        [null, [1]],
        [null, 1],
      ],
    ],
  ])("%s stays whole, and every reply belongs to its caller", async (_what, issue, results) => {
    // prettier-ignore
    const { client, last, waiting } = await moment();
    const before = client.incr("a");
    const whole = issue(client);
    const after = client.incr("a");
    expect(await whole).toEqual(results);
    expect(await Promise.all([waiting, before, after, client.incr("a"), client.incr("b")])).toEqual([1, 1, 1, 1, 1]);
    expect(last.seen.filter((name) => name === "multi" || name === "exec")).toEqual(["multi", "exec"]);
    expect(last.seen.indexOf("exec") - last.seen.indexOf("multi")).toBe(results.length === 2 ? 3 : 2);
  });
});

describe("a `natMap`", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
      "threw an error",
    ],
    ["names no host", () => ({}), "gave no host and port"],
  ])("that %s leaves the address as it is, and is told of", async (_what, natMap, says) => {
    // prettier-ignore
    const one = await node();
    const client = clientOf(one, { natMap: natMap as never });
    expect(await client.incr("n")).toBe(1);
    const address = `127.0.0.1:${String(one.port)}`;
    const warning = `check the configuration: natMap ${says} for ${address}, which is dialled as it is.`;
    await eventually(() => expect(client.log.at("warn").map(({ message }) => message)).toEqual([expect.stringContaining(warning)])); // prettier-ignore
    expect(client.log.text()).not.toContain("secret");
  });

  it("may give the port as a text", async () => {
    const one = await node();
    const natMap = { "10.255.0.1:1": { host: "127.0.0.1", port: String(one.port) as unknown as number } };
    const client = clientOf(one, { natMap });
    one.table = [{ slots: [0, 16383], master: 1, replicas: [] }];
    one.host = "10.255.0.1";
    expect(await client.incr("n")).toBe(1);
  });
});

it("what a listener throws is thrown as anywhere, and the client works on", async () => {
  const one = await node();
  const client = clientOf(one);
  client.on("+node", () => {
    throw new Error("of the caller");
  });
  const thrown = nextUncaught();
  expect(await client.incr("n")).toBe(1);
  expect(await thrown).toEqual(new Error("of the caller"));
});

describe("a `scaleReads` that throws", () => {
  it("fails the reads that waited for the table, and nothing else", async () => {
    const one = await node();
    const client = clientOf(one, {
      scaleReads: () => {
        throw new Error("from scaleReads");
      },
    });
    const [read, write] = [outcomeOf(client.get("a")), outcomeOf(client.incr("a"))];
    expect((await read).error?.message).toBe("from scaleReads");
    expect((await write).value).toBe(1);
  });
});

describe("a `clusterRetryStrategy`", () => {
  it("that throws surfaces, and the client goes on trying", async () => {
    const port = await freePort();
    let calls = 0;
    const where = { port } as unknown as ScriptedNode;
    const thrown = nextUncaught();
    const client = clientOf(where, {
      lazyConnect: true,
      clusterRetryStrategy: () => {
        if (calls++ === 0) throw new Error("from the strategy");
        return null;
      },
    });
    await expect(client.connect()).rejects.toThrow("None of startup nodes is available");
    expect(await thrown).toMatchObject({ message: "from the strategy" });
    await eventually(() => expect([calls, client.status]).toEqual([2, "end"]));
  });

  it("is not the only one who may throw: a listener's error does not end the search", async () => {
    const port = await freePort();
    const where = { port } as unknown as ScriptedNode;
    const thrown = nextUncaught();
    const client = clientOf(where, { lazyConnect: true, clusterRetryStrategy: () => null });
    client.on("error", () => {
      throw new Error("from a listener");
    });
    await expect(client.connect()).rejects.toThrow("None of startup nodes is available");
    expect(await thrown).toMatchObject({ message: "from a listener" });
    await eventually(() => expect(client.status).toBe("end"));
  });
});

describe("an argument that cannot be encoded", () => {
  it("refuses its pipeline, whenever that is executed, and leaves no promise that nobody looks at", async () => {
    const one = await node();
    const client = clientOf(one);
    await client.incr("n");
    const bare = Object.create(null) as string;
    const batches = [client.pipeline().incr("a").set("b", bare), client.pipeline([["set", "b", bare]])];
    // Long enough for a promise that was rejected before.
    await client.incr("n");
    for (const batch of batches) {
      const errors = (await batch.exec())?.map(([error]) => error?.message);
      expect(new Set(errors?.map((text) => text?.includes("argument 2 (object without a prototype)")))).toEqual(
        new Set([true]),
      );
    }
    expect(one.seen).toEqual(["incr", "incr"]);
  });
});

describe("options", () => {
  it.each([
    ["stringNumbers", { redisOptions: { stringNumbers: true } }],
    ["replyMapping", { redisOptions: { protocol: 3, replyMapping: "resp3" } }],
    ["a node's enableOfflineQueue, which is none of its own", { redisOptions: { enableOfflineQueue: false } }],
    ["numbers as texts", { slotsRefreshTimeout: "900", slotsRefreshInterval: "1000", maxRedirections: "4" }],
  ])("may have %s", async (_what, options) => {
    const one = await node();
    const client = clientOf(one, options as unknown as ClusterOptions);
    expect(String(await client.incr("n"))).toBe("1");
  });

  it("are refused where they mean nothing, before anything connects", () => {
    const make = (nodes: unknown, options?: unknown) => () => new Cluster(nodes as [], options as ClusterOptions);
    expect(make(undefined)).toThrow(ConfigError);
    expect(make("redis://127.0.0.1")).toThrow("startNodes: a string of 17 characters; must be an array of nodes");
    expect(make([1], { slotsRefreshTimeout: "soon" })).toThrow("slotsRefreshTimeout");
  });
});
