import { describe, expect, it } from "vitest";
import { withBatches } from "../../src/engine/stream-batch.js";
import { OfflineQueue } from "../../src/engine/offline-queue.js";
import { makeBatch, makeCall } from "./call-factory.js";

const LIMITS = { maxCommands: 3, maxBytes: 1000 };

describe("the offline queue", () => {
  it("hands out what came back before what waited, each in its order, once", () => {
    const queue = new OfflineQueue(LIMITS);
    const [a, b, c, d] = [makeCall(), makeCall(), makeCall(), makeCall()];
    queue.add(c);
    queue.add(d);
    queue.giveBack(a);
    queue.giveBack(b);
    expect(queue.calls()).toEqual([a, b, c, d]);
    expect(queue.take()).toEqual([a, b, c, d]);
    expect(queue.isEmpty).toBe(true);
    expect(queue.take()).toEqual([]);
  });

  it("limits the number of commands, but never those that it admitted before", () => {
    const queue = new OfflineQueue(LIMITS);
    expect([1, 2, 3, 4].map(() => queue.add(makeCall()))).toEqual([true, true, true, false]);
    queue.giveBack(makeCall());
    expect(queue.size).toBe(4);
  });

  it("limits bytes, and counts what leaves from any place", () => {
    const queue = new OfflineQueue({ maxCommands: 100, maxBytes: 1000 });
    const large = makeCall("set", ["k", "x".repeat(600)]);
    expect(queue.add(large)).toBe(true);
    expect(queue.add(makeCall("set", ["k", "x".repeat(600)]))).toBe(false);
    queue.remove(large);
    queue.remove(large);
    expect(queue.stats).toEqual({ commands: 0, bytes: 0 });
    expect(queue.add(makeCall("set", ["k", "x".repeat(600)]))).toBe(true);
    queue.take();
    expect(queue.stats).toEqual({ commands: 0, bytes: 0 });
  });

  it("counts no bytes twice for a call that leaves and comes back", () => {
    const queue = new OfflineQueue(LIMITS);
    const call = makeCall();
    queue.add(call);
    queue.take();
    queue.giveBack(call);
    queue.remove(call);
    expect(queue.stats).toEqual({ commands: 0, bytes: 0 });
  });
});

describe("what leaves together", () => {
  it("is a whole batch, as far as it waits, and a single call alone", () => {
    const single = makeCall();
    const batch = makeBatch("get", "set", "incr");
    const [first, second, third] = batch.calls;
    if (first === undefined || second === undefined || third === undefined) throw new Error("three members");
    second.close();
    expect([...withBatches([third, single])]).toEqual([first, third, single]);
  });
});
