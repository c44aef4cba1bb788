/** The pure parts of a cluster: what nodes say, and who is asked. */
import { describe, expect, it } from "vitest";
import { firstAnswer } from "../../src/cluster/hedged.js";
import { readRedirection, saysUnserved } from "../../src/cluster/redirection.js";
import { SlotHolds } from "../../src/cluster/slot-holds.js";
import { fingerprintOf, readSlots } from "../../src/cluster/slot-ranges.js";
import { Topology, type Source, type TopologyMember } from "../../src/cluster/topology.js";
import { makeCall } from "./call-factory.js";

const ROW = [0, 5460, ["10.0.0.1", 7000, "id"], ["10.0.0.2", 7001, "id"]];

describe("CLUSTER SLOTS", () => {
  it("is read, with the one that was asked for an address that is left out", () => {
    expect(readSlots([ROW, [5461, 16383, ["", 7002], [null, 7003], ["?", 7004]]], "asked")).toEqual([
      { from: 0, to: 5460, master: { host: "10.0.0.1", port: 7000 }, replicas: [{ host: "10.0.0.2", port: 7001 }] },
      { from: 5461, to: 16383, master: { host: "asked", port: 7002 }, replicas: [{ host: "asked", port: 7003 }] },
    ]);
  });

  it.each([[[]], ["OK"], [null], [[[0, 99_999, ["h", 1]]]], [[[0, 5, ["?", 1]]]], [[[0, 5, ["h", 0]]]]])(
    "is refused as %j",
    (reply) => {
      expect(() => readSlots(reply, "asked")).toThrow(Error);
    },
  );

  it("is the same table in whatever order it is told", () => {
    const [one, other] = [ROW, [5461, 16383, ["10.0.0.3", 7002, "id"]]];
    expect(fingerprintOf(readSlots([one, other], "h"))).toBe(fingerprintOf(readSlots([other, one], "h")));
    expect(fingerprintOf(readSlots([one], "h"))).not.toBe(fingerprintOf(readSlots([other], "h")));
  });
});

describe("MOVED and ASK", () => {
  it.each([
    ["MOVED 3999 10.0.0.7:6381", { slot: 3999, to: { host: "10.0.0.7", port: 6381 } }],
    ["ASK 0 ::1:6381", { slot: 0, to: { host: "::1", port: 6381 } }],
    ["MOVED 1 :6381", { slot: 1, to: { host: "asked", port: 6381 } }],
    ["MOVED 1 ?:6381", { slot: 1, to: { host: "asked", port: 6381 } }],
    ["MOVED __proto__ h:1", undefined],
    ["MOVED 16384 h:1", undefined],
    ["MOVED 1 h", undefined],
    ["MOVED 1 h:0", undefined],
  ])("reads %s", (message, expected) => {
    expect(readRedirection(message, "asked")).toEqual(expected);
  });

  it("tells a slot that nobody serves from a cluster that is down", () => {
    expect(saysUnserved("CLUSTERDOWN Hash slot not served")).toBe(true);
    expect(saysUnserved("CLUSTERDOWN The cluster is down")).toBe(false);
  });
});

describe("held slots", () => {
  it("keep what waits in order until their own hold ends", () => {
    const holds = new SlotHolds();
    const first = holds.begin([1, 2]);
    const second = holds.begin([2, 3]);
    expect([first.slots, second.slots, holds.isEmpty]).toEqual([[1, 2], [3], false]);
    const calls = [makeCall(), makeCall(), makeCall()];
    first.calls.push(...calls);
    calls[1]?.close();
    expect(holds.waiting).toBe(2);
    expect(holds.end(first)).toEqual([calls[0], calls[2]]);
    expect([holds.of(2), holds.of(3), holds.isEmpty]).toEqual([undefined, second, false]);
    holds.end(second);
    expect(holds.isEmpty).toBe(true);
  });
});

describe("whoever answers first", () => {
  it("is believed, also while one before it says nothing", async () => {
    const never = (): Promise<string> => new Promise(() => undefined);
    const asked = await firstAnswer(
      [never, () => Promise.reject(new Error("down")), () => Promise.resolve("here")],
      60_000,
    );
    expect(asked).toEqual({ answer: "here" });
  });

  it("fails with the last failure when nobody does", async () => {
    const asked = await firstAnswer([() => Promise.reject(new Error("down"))], 60_000);
    expect(asked).toMatchObject({ failure: { message: "down" } });
    expect(await firstAnswer([], 60_000)).toEqual({ failure: undefined });
  });
});

describe("the topology", () => {
  function memberWith(sources: readonly Source[], seeds: readonly Source[], silent: readonly string[] = []) {
    const told = { tables: 0, failures: [] as Error[] };
    const member: TopologyMember = {
      sources: () => sources,
      silent: () => silent,
      seeds: () => Promise.resolve(seeds),
      apply: () => told.tables++,
      failed: (error) => told.failures.push(error),
      isWaiting: () => false,
    };
    return { told, member };
  }

  const down: Source = { host: "h", port: 1, slots: () => Promise.reject(new Error("down")) };
  const up: Source = { host: "h", port: 2, slots: () => Promise.resolve([ROW]) };

  it("asks once for all who want to know at the same time, and tells all", async () => {
    let asked = 0;
    const source = { ...up, slots: () => (asked++, up.slots()) };
    const topology = new Topology({ timeout: 60_000, interval: 0 });
    const members = [memberWith([source], []), memberWith([], [])];
    for (const { member } of members) topology.join(member);
    await Promise.all([topology.refresh(), topology.refresh(), topology.refresh()]);
    expect([asked, ...members.map(({ told }) => told.tables)]).toEqual([1, 1, 1]);
    for (const { member } of members) topology.leave(member);
  });

  it("asks nobody who is silent for any client, and of the start nodes those that are not first", async () => {
    const asked: number[] = [];
    const noting = (port: number): Source => ({ host: "h", port, slots: () => (asked.push(port), up.slots()) });
    const topology = new Topology({ timeout: 60_000, interval: 0 });
    const members = [memberWith([noting(1), noting(2)], []), memberWith([], [], ["h:1"])];
    for (const { member } of members) topology.join(member);
    await topology.refresh();
    expect(asked).toEqual([2]);
    for (const { member } of members) topology.leave(member);
    const alone = memberWith([noting(1)], [noting(1), noting(3)], ["h:1"]);
    topology.join(alone.member);
    await topology.refresh();
    expect(asked).toEqual([2, 3]);
    topology.leave(alone.member);
  });

  it("asks the start nodes when no node answers, and says so when they do not either", async () => {
    const topology = new Topology({ timeout: 60_000, interval: 0 });
    const one = memberWith([down], [up]);
    topology.join(one.member);
    await topology.refresh();
    expect(one.told).toEqual({ tables: 1, failures: [] });
    topology.leave(one.member);
    const other = memberWith([down], [down]);
    topology.join(other.member);
    await topology.refresh();
    expect(other.told.failures.map(({ message }) => message)).toEqual(["down"]);
    topology.leave(other.member);
  });
});
