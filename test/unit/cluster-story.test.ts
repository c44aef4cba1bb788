/** One incident for a whole cluster: which nodes it concerns, when it is over, and who took over from whom. */
import { beforeEach, expect, it } from "vitest";
import { storyOf, wholeObserver } from "../../src/cluster/observer.js";
import type { EndpointFacts } from "../../src/endpoint/endpoint.js";
import type { Observer, Recovery, Takeover } from "../../src/engine/ports.js";
import { classify } from "../../src/failure/classify.js";
import { resolvePolicy } from "../../src/policy/resolve.js";

const policy = resolvePolicy({}, {}, {});
const refused = classify("connect ECONNREFUSED 10.0.0.1:7000");
const well: Recovery = { reconnected: true, troubled: 0, server: "same" };

function factsOf(label: string): EndpointFacts {
  return {
    label,
    policy,
    waiting: () => 0,
    troubled: () => 0,
    tookWrites: () => -Infinity,
    hasServed: () => true,
  };
}

let heard: (readonly [string, unknown])[];
let cluster: EndpointFacts;
let nodes: readonly Observer[];
let story: ReturnType<typeof storyOf>;

beforeEach(() => {
  heard = [];
  const whole = wholeObserver((facts) => {
    cluster = facts;
    const note = (name: string) => (told: unknown) => void heard.push([name, told]);
    const names = [
      "firstConnected",
      "connectionFailed",
      "serverRefused",
      "reconnected",
      "tookOver",
      "recovered",
      "closed",
    ];
    return Object.fromEntries(names.map((name) => [name, note(name)])) as unknown as Observer;
  })(factsOf("cluster orders"));
  story = storyOf(whole);
  nodes = ["a:1", "b:1", "c:1", "d:1", "e:1"].map((label) => story.partOf(factsOf(label)));
});

const part = (): string | undefined => cluster.part?.();
const recoveries = (): unknown[] => heard.filter(([name]) => name === "recovered").map(([, told]) => told);

it("says which nodes are in trouble, unless all are", () => {
  expect(part()).toBeUndefined();
  nodes[0]?.connectionFailed(refused);
  expect(part()).toBe("1 of 5 nodes (a:1)");
  for (const node of nodes.slice(1, 4)) node.connectionFailed(refused);
  expect(part()).toBe("4 of 5 nodes (a:1, b:1, c:1 and 1 more)");
  nodes[4]?.connectionFailed(refused);
  expect(part()).toBeUndefined();
});

it("says nothing of processes: that one node is the same as before is no news of the cluster", () => {
  nodes[0]?.connectionFailed(refused);
  nodes[0]?.reconnected({ away: 5, server: "same" });
  nodes[0]?.recovered(well);
  expect(heard).toContainEqual(["reconnected", { away: 5, server: "unknown" }]);
  expect(recoveries()).toEqual([{ reconnected: true, troubled: 0, server: "unknown" }]);
  expect(part()).toBeUndefined();
});

it("is over for a node that has left", () => {
  nodes[0]?.connectionFailed(refused);
  nodes[0]?.closed();
  expect(part()).toBeUndefined();
  expect(recoveries()).toHaveLength(1);
});

it("tells a takeover once, however many clients see it, and the next one again", () => {
  story.tookOver("a:1", "b:1");
  story.tookOver("a:1", "b:1");
  story.tookOver("b:1", "a:1");
  const told = heard.filter(([name]) => name === "tookOver").map(([, takeover]) => takeover as Takeover);
  expect(told).toEqual([
    { from: "a:1", to: "b:1", as: "the nodes say" },
    { from: "b:1", to: "a:1", as: "the nodes say" },
  ]);
});
