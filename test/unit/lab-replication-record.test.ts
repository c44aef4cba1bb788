/** The record of what replicas had tells writes that were lost with their master from those that somebody else has lost. */
import { expect, it } from "vitest";
import { judge } from "../../lab/replication-record.mjs";

/** A master of slots 0 to 99 that failed at 1000; its replica had received 300 of 310. */
const FAULT = {
  at: 1000,
  port: 7000,
  ranges: [{ from: 0, to: 99 }],
  looks: [
    { asked: 100, offset: 100 },
    { asked: 900, offset: 300 },
    { asked: 990, offset: 310 },
  ],
  received: 300,
};

it.each([
  ["was confirmed before a look at what the replica had received", 5, 850, "ours"],
  ["was confirmed before a look at what it had not", 5, 950, "beyond"],
  ["was confirmed after the last look", 5, 995, "beyond"],
  ["was confirmed just before the master failed, and heard of later", 5, 1100, "beyond"],
  ["was confirmed long after the master had failed", 5, 5000, "ours"],
  ["lay in another master's slot", 500, 995, "ours"],
] as const)("a lost write that %s", (_name, slot, confirmedAt, verdict) => {
  expect(judge([FAULT], slot, confirmedAt)).toBe(verdict);
});
