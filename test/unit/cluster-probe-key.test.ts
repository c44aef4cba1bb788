/** The key with which a node of a cluster is asked whether it takes writes lies in a slot of that node. */
import { expect, it } from "vitest";
import { ProbeKey } from "../../src/cluster/probe-key.js";
import { slotOf } from "../../src/ioredis/commands.js";

const thirds = [0, 1, 2].map((third) => new Set(Array.from({ length: 5461 }, (_, at) => third * 5461 + at)));

it("is the usual one where the node serves it, and else one that it serves, within the caller's prefix", () => {
  const keys = thirds.map((slots) => new ProbeKey("app:", () => slots).find());
  keys.forEach((key, at) => expect(thirds[at]?.has(slotOf(key))).toBe(true));
  expect(keys.filter((key) => key === "app:ioredoubt:probe")).toHaveLength(1);
  for (const key of keys) expect(key).toMatch(/^app:ioredoubt:probe/);
});

it("is found where the node serves a single slot, and moves along when that does", () => {
  const slots = new Set([4711]);
  const key = new ProbeKey("", () => slots);
  const first = key.find();
  expect(slotOf(first)).toBe(4711);
  expect(key.find()).toBe(first);
  slots.clear();
  slots.add(42);
  expect(slotOf(key.find())).toBe(42);
});

it("is the usual one where there is nothing to choose", () => {
  expect(new ProbeKey("", () => new Set()).find()).toBe("ioredoubt:probe");
  const other = new Set([(slotOf("{tag}x") + 1) % 16_384]);
  expect(new ProbeKey("{tag}:", () => other).find()).toBe("{tag}:ioredoubt:probe");
});
