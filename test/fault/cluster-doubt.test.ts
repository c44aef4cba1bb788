/** A master that was silent answers again: what it says is believed if those who follow it, and the others, say that it still is one. */
import { Cluster } from "../../src/cluster.js";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.js";
import { ScriptedNode, type Served } from "../helpers/scripted-node.js";
import { atEnd, ignore, outcomeOf } from "./core-harness.js";

/** A key in the upper half of the slots: 15495. */
const KEY = "a";

interface Scene {
  readonly client: Cluster;
  /** Serves the upper half. */
  readonly silent: ScriptedNode;
  /** Follows it. */
  readonly follower: ScriptedNode;
  /** Serves the lower half. */
  readonly other: ScriptedNode;
  /** The table in which this node serves the upper half, and the others follow it. */
  under(node: ScriptedNode): ScriptedNode["table"];
}

/** `first`: what the nodes say at first of each range, if not all that there is. */
async function scene(first = (served: Served): Served => served): Promise<Scene> {
  const nodes = await Promise.all(Array.from({ length: 3 }, () => new ScriptedNode().start()));
  const [silent, follower, other] = nodes as [ScriptedNode, ScriptedNode, ScriptedNode];
  const under = (node: ScriptedNode): ScriptedNode["table"] => [
    { slots: [0, 8191], master: other.port, replicas: [] },
    { slots: [8192, 16383], master: node.port, replicas: [node === silent ? follower.port : silent.port] },
  ];
  for (const node of nodes) {
    node.table = under(silent).map(first);
    atEnd(() => void node[Symbol.asyncDispose]());
  }
  const client = new Cluster([{ host: "127.0.0.1", port: other.port }], {
    resilience: { deadline: 10_000, retry: false, logger: false },
  });
  client.on("error", ignore);
  atEnd(() => client.disconnect());
  expect(await client.incr(KEY)).toBe(1);
  return { client, silent, follower, other, under };
}

/** Held back: nothing more goes to it. */
async function isHeld({ client }: Scene): Promise<void> {
  await eventually(() => expect(client.health().status).toBe("degraded"));
}

describe("what a master says that was silent", () => {
  it("is not believed where its follower has taken over, though the others do not know it yet", async () => {
    const all = await scene();
    all.silent.freeze();
    const write = outcomeOf(all.client.incr(KEY));
    await isHeld(all);
    all.follower.table = all.under(all.follower);
    all.silent.thaw();
    expect((await write).error).toMatchObject({ code: "OUTCOME_UNKNOWN", applied: "maybe" });
  });

  it("is not believed either where the client has not heard of the follower before", async () => {
    const all = await scene((served) => ({ ...served, replicas: [] }));
    for (const node of [all.silent, all.follower, all.other]) node.table = all.under(all.silent);
    all.silent.freeze();
    const write = outcomeOf(all.client.incr(KEY));
    await isHeld(all);
    // Told by the others, who were asked when the silence began.
    await eventually(() => expect(all.client.nodes("slave")).toHaveLength(1));
    all.follower.table = all.under(all.follower);
    all.silent.thaw();
    expect((await write).error).toMatchObject({ code: "OUTCOME_UNKNOWN", applied: "maybe" });
  });

  it("is not believed where the others name another master, though its follower is away", async () => {
    const all = await scene();
    all.follower.freeze();
    all.silent.freeze();
    const write = outcomeOf(all.client.incr(KEY));
    await isHeld(all);
    all.other.table = all.under(all.follower);
    all.silent.thaw();
    expect((await write).error).toMatchObject({ code: "OUTCOME_UNKNOWN", applied: "maybe" });
  });

  it("is believed where nobody names another master", async () => {
    const all = await scene();
    all.silent.freeze();
    const write = outcomeOf(all.client.incr(KEY));
    await isHeld(all);
    all.silent.thaw();
    expect(await write).toMatchObject({ value: 1 });
    await eventually(() => expect(all.client.health().status).toBe("ready"));
    expect(all.silent.seen).toEqual(["incr", "incr"]);
  });

  it("is believed on each connection that speaks, while another one stays silent", async () => {
    const all = await scene();
    await all.client.withConnection(
      async (lease) => {
        await lease.ping();
        all.silent.freeze();
        const write = outcomeOf(all.client.incr(KEY));
        const read = lease.get(KEY);
        await isHeld(all);
        all.silent.thaw("get");
        expect(await read).toBe(1);
        // The first one is still stuck.
        expect(await lease.get(KEY)).toBe(1);
        expect(all.client.health().status).toBe("degraded");
        all.silent.thaw();
        expect(await write).toMatchObject({ value: 1 });
      },
      { key: KEY },
    );
  });
});
