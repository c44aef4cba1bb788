/** What callers bring along to a cluster client, and what they do before it knows who serves what, harms nobody. */
import { describe, expect, it } from "vitest";
import { Cluster, type ClusterOptions } from "../../src/cluster.js";
import { eventually } from "../helpers/eventually.js";
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

function clientOf({ port }: ScriptedNode, options: ClusterOptions = {}) {
  const log = createLogSink();
  const resilience = { deadline: 10_000, logger: log };
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
