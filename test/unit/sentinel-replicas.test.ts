import { describe, expect, it } from "vitest";
import { chooseReplica, mapped } from "../../src/sentinel/replicas.js";
import { reportOf } from "../../src/sentinel/report.js";

const SENTINEL = { host: "10.0.0.9", port: 26379 };
const [A, B] = [
  { ip: "10.0.0.1", port: "6379", flags: "slave" },
  { ip: "10.0.0.2", port: "6379", flags: "slave" },
];

describe("the replica of a client", () => {
  it("is any of those that are up", () => {
    const seen = new Set(Array.from({ length: 200 }, () => chooseReplica([A, B], null)?.host));
    expect(seen).toEqual(new Set(["10.0.0.1", "10.0.0.2"]));
    expect(chooseReplica([], null)).toBeUndefined();
  });

  it("is the preferred one, by list in the order of prio, by object, or by function", () => {
    const list = [
      { ip: "10.0.0.1", port: "6379", prio: 2 },
      { ip: "10.0.0.2", port: "6379", prio: 1 },
    ];
    expect(chooseReplica([A, B], list)).toEqual({ host: "10.0.0.2", port: 6379 });
    expect(chooseReplica([A], list)).toEqual({ host: "10.0.0.1", port: 6379 });
    expect(chooseReplica([A, B], { ip: "10.0.0.2", port: "6379" })).toEqual({ host: "10.0.0.2", port: 6379 });
    const last = (all: readonly unknown[]): unknown => all.at(-1);
    expect(chooseReplica([A, B], last)).toEqual({ host: "10.0.0.2", port: 6379 });
    expect(chooseReplica([A], () => null)).toEqual({ host: "10.0.0.1", port: 6379 });
  });

  it("is none that the Sentinel cannot see, or of which it says nothing", () => {
    const nodes = ["slave", "slave,s_down", "slave,o_down", "slave,disconnected", ""].map((flags, i) => [
      "ip",
      `10.0.0.${String(i)}`,
      "port",
      "6379",
      "flags",
      flags,
    ]);
    const report = reportOf("slave", SENTINEL, [nodes]);
    expect(report).toMatchObject({ kind: "listed", known: 5, replicas: [{ ip: "10.0.0.0" }] });
  });
});

describe("the map of addresses", () => {
  const inside = { host: "10.0.0.1", port: 6379 };
  const outside = { host: "redis.example", port: 16379 };

  it("is an object or a function, and leaves what it does not know", () => {
    expect(mapped(inside, { "10.0.0.1:6379": outside })).toBe(outside);
    expect(mapped(inside, (key: string) => (key === "10.0.0.1:6379" ? outside : null))).toBe(outside);
    expect(mapped(inside, {})).toBe(inside);
    expect(mapped(inside, () => null)).toBe(inside);
    expect(mapped(inside, null)).toBe(inside);
  });
});
