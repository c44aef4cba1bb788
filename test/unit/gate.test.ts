import { describe, expect, it } from "vitest";
import { withBatches } from "../../src/command/batch.js";
import { Gate } from "../../src/flow/gate.js";
import { makeBatch, makeCall } from "./call-factory.js";

const LIMITS = { maxCommands: 3, maxBytes: 1000 };

describe("the gate", () => {
  it("hands out what came back before what waited, each in its order, once", () => {
    const gate = new Gate(LIMITS);
    const [a, b, c, d] = [makeCall(), makeCall(), makeCall(), makeCall()];
    gate.add(c);
    gate.add(d);
    gate.giveBack(a);
    gate.giveBack(b);
    expect(gate.calls()).toEqual([a, b, c, d]);
    expect(gate.take()).toEqual([a, b, c, d]);
    expect(gate.isEmpty).toBe(true);
    expect(gate.take()).toEqual([]);
  });

  it("limits the number of commands, but never those that it admitted before", () => {
    const gate = new Gate(LIMITS);
    expect([1, 2, 3, 4].map(() => gate.add(makeCall()))).toEqual([true, true, true, false]);
    gate.giveBack(makeCall());
    expect(gate.size).toBe(4);
  });

  it("limits bytes, and counts what leaves from any place", () => {
    const gate = new Gate({ maxCommands: 100, maxBytes: 1000 });
    const large = makeCall("set", ["k", "x".repeat(600)]);
    expect(gate.add(large)).toBe(true);
    expect(gate.add(makeCall("set", ["k", "x".repeat(600)]))).toBe(false);
    gate.remove(large);
    gate.remove(large);
    expect(gate.stats).toEqual({ commands: 0, bytes: 0 });
    expect(gate.add(makeCall("set", ["k", "x".repeat(600)]))).toBe(true);
    gate.take();
    expect(gate.stats).toEqual({ commands: 0, bytes: 0 });
  });

  it("counts no bytes twice for a call that leaves and comes back", () => {
    const gate = new Gate(LIMITS);
    const call = makeCall();
    gate.add(call);
    gate.take();
    gate.giveBack(call);
    gate.remove(call);
    expect(gate.stats).toEqual({ commands: 0, bytes: 0 });
  });
});

describe("what leaves together", () => {
  it("is a whole batch, as far as it waits, and a single call alone", () => {
    const single = makeCall();
    const batch = makeBatch("get", "set", "incr");
    const [first, second, third] = batch.calls;
    if (first === undefined || second === undefined || third === undefined) throw new Error("three members");
    second.state = "settled";
    expect([...withBatches([third, single])]).toEqual([first, third, single]);
  });
});
