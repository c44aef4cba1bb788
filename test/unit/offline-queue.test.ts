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

  it("takes so many at a time, in order, whatever leaves, comes or comes back between", () => {
    const queue = new OfflineQueue(false);
    const calls = Array.from({ length: 10 }, () => makeCall());
    for (const call of calls.slice(0, 8)) queue.add(call);
    expect(queue.take(3)).toEqual(calls.slice(0, 3));
    expect(queue.oldest).toBe(calls[3]);
    for (const call of [calls[3], calls[5]]) if (call !== undefined) queue.remove(call);
    for (const call of [calls[2], calls[1]]) if (call !== undefined) queue.giveBack(call);
    expect(queue.take(3)).toEqual([calls[1], calls[2], calls[4]]);
    for (const call of calls.slice(8)) queue.add(call);
    expect(queue.take(100)).toEqual([calls[6], calls[7], calls[8], calls[9]]);
    const late = makeCall();
    queue.add(late);
    expect(queue.take(1)).toEqual([late]);
    expect(queue.stats).toEqual({ commands: 0, bytes: 0 });
  });

  it("never takes a batch apart", () => {
    const queue = new OfflineQueue(false);
    const batch = makeBatch("get", "set", "incr");
    const [before, after] = [makeCall(), makeCall()];
    for (const call of [before, ...batch.calls, after]) queue.add(call);
    expect(queue.take(2)).toEqual([before, ...batch.calls]);
    expect(queue.take(2)).toEqual([after]);
  });

  it("bounds what comes back from a lost connection on its own, and lets one item in whatever its size", () => {
    const queue = new OfflineQueue({ maxCommands: 2, maxBytes: 1000 });
    queue.add(makeCall());
    queue.add(makeCall());
    const large = makeCall("set", ["k", "x".repeat(2000)]);
    expect(queue.mayReturn(large)).toBe(true);
    queue.giveBack(large);
    expect(queue.mayReturn(makeCall())).toBe(false);
    expect(queue.stats.bytes).toBeGreaterThan(2000);
    queue.take();
    expect(queue.add(large)).toBe(true);
    expect(queue.add(makeCall())).toBe(false);
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
