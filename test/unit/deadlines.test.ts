import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Call } from "../../src/engine/call.js";
import { Deadlines, type SweepReport } from "../../src/engine/deadlines.js";
import { StallMeter } from "../../src/stall-meter.js";
import { followGlobals } from "../helpers/global-clock.js";
import { makeCall } from "./call-factory.js";

followGlobals();

let expired: { call: Call; at: number; late: number }[];
let deadlines: Deadlines;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  expired = [];
  deadlines = new Deadlines((calls: Call[], { late }: SweepReport) => {
    for (const call of calls) expired.push({ call, at: performance.now(), late });
  }, new StallMeter());
});
afterEach(() => {
  vi.useRealTimers();
});

function arm(allowance: number): Call {
  const call = makeCall();
  deadlines.arm(call, deadlines.list(allowance), performance.now());
  return call;
}

describe("deadlines", () => {
  it("expire in the order of time, whatever the order of arming, with one timer", () => {
    const long = arm(500);
    const short = arm(100);
    const middle = arm(300);
    // And the tick that measures stalls.
    expect(vi.getTimerCount()).toBe(2);
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
    expect(expired.map(({ call }) => call)).toEqual([short, middle, long]);
    for (const [i, allowance] of [100, 300, 500].entries()) {
      const after = (expired[i]?.at ?? 0) - (expired[i]?.call.startedAt ?? 0);
      expect(after).toBeGreaterThanOrEqual(allowance);
      expect(after).toBeLessThanOrEqual(allowance + 2);
    }
  });

  it("do not expire for a call that was taken out, at the head, in the middle or at the tail", () => {
    const calls = [arm(100), arm(100), arm(100), arm(100), arm(100)];
    for (const i of [0, 2, 4]) calls[i]?.list?.remove(calls[i]);
    vi.advanceTimersByTime(1000);
    expect(expired.map(({ call }) => calls.indexOf(call))).toEqual([1, 3]);
  });

  it("move with a call that is armed again", () => {
    const call = arm(100);
    vi.advanceTimersByTime(50);
    deadlines.arm(call, deadlines.list(200), performance.now());
    vi.advanceTimersByTime(199);
    expect(expired).toHaveLength(0);
    vi.advanceTimersByTime(5);
    expect(expired).toHaveLength(1);
  });

  it("tell how late a sweep ran", () => {
    arm(40);
    // The clock goes on, the timers do not: a loop that turns slowly, without standing still.
    const { now } = performance;
    vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + 40);
    vi.advanceTimersByTime(100);
    expect(expired[0]?.late).toBeGreaterThanOrEqual(38);
    expect(expired[0]?.late).toBeLessThanOrEqual(41);
    vi.restoreAllMocks();
  });

  it("give back once what the process stood still, to those that wait in line too", () => {
    const { now } = performance;
    const reading = vi.spyOn(performance, "now");
    /** Stands still until then: what is due within the next 110 ms of the timers runs at that one moment. */
    const standStill = (until: number): void => {
      reading.mockReturnValue(until);
      vi.advanceTimersByTime(110);
      const ahead = until - now.call(performance);
      reading.mockImplementation(() => now.call(performance) + ahead);
    };
    const began = performance.now();
    arm(1000);
    arm(1000);
    vi.advanceTimersByTime(900);
    standStill(began + 5000);
    expect(expired).toHaveLength(0);
    // They ran for 950 ms: of the stall the first 50 were a tick that had not come yet.
    vi.advanceTimersByTime(40);
    expect(expired).toHaveLength(0);
    const third = arm(100);
    vi.advanceTimersByTime(15);
    expect(expired).toHaveLength(2);
    vi.advanceTimersByTime(20);
    standStill(began + 9000);
    expect(expired).toHaveLength(2);
    standStill(began + 15_000);
    expect(expired.map(({ call }) => call)[2]).toBe(third);
    vi.restoreAllMocks();
  });

  it("give it back to a call that goes on here with the deadline it had elsewhere", () => {
    const { now } = performance;
    const began = performance.now();
    arm(10_000);
    const reading = vi.spyOn(performance, "now").mockReturnValue(began + 600);
    vi.advanceTimersByTime(110);
    const ahead = began + 600 - now.call(performance);
    reading.mockImplementation(() => now.call(performance) + ahead);
    const call = makeCall("get", ["k"], began);
    deadlines.carryOn(call, began + 1000, performance.now());
    vi.advanceTimersByTime(500);
    // It has had 550 ms of its second: the first 50 of the stall were a tick that had not come yet.
    expect(expired).toHaveLength(0);
    vi.advanceTimersByTime(460);
    expect(expired.map((each) => each.call)).toEqual([call]);
    vi.restoreAllMocks();
  });

  it("give it back no second time, neither here when a call's time is over nor to one that goes on elsewhere", () => {
    const { now } = performance;
    const began = performance.now();
    const call = arm(1000);
    const reading = vi.spyOn(performance, "now").mockReturnValue(began + 5000);
    vi.advanceTimersByTime(1010);
    expect(expired).toHaveLength(0);
    const ahead = began + 5000 - now.call(performance);
    reading.mockImplementation(() => now.call(performance) + ahead);
    const moved = makeCall("get", ["k"], began);
    const from = call.handover();
    moved.continue(from);
    deadlines.carryOn(moved, from.expiresAt, performance.now());
    vi.advanceTimersByTime(1100);
    expect(new Set(expired.map((each) => each.call))).toEqual(new Set([call, moved]));
    expect(deadlines.reprieve(call, performance.now())).toBe(false);
    vi.restoreAllMocks();
  });

  it("go on after rest() while a call is listed, and leave no timer once none is", () => {
    const call = arm(100);
    deadlines.rest();
    vi.advanceTimersByTime(110);
    expect(expired.map((each) => each.call)).toEqual([call]);
    const settled = arm(100);
    settled.list?.remove(settled);
    deadlines.rest();
    expect(vi.getTimerCount()).toBe(0);
    arm(50);
    vi.advanceTimersByTime(60);
    expect(expired).toHaveLength(2);
  });

  it("expire in order also where each call has its own, taken out or armed again", () => {
    const calls = Array.from({ length: 1000 }, (_, at) => arm(((at * 7919) % 1000) + 1));
    const gone = calls.filter((_, at) => at % 3 === 0);
    for (const call of gone) call.list?.remove(call);
    const moved = calls.filter((_, at) => at % 3 === 1).slice(0, 50);
    for (const call of moved) deadlines.arm(call, deadlines.list(1500), performance.now());
    // And that of the stall meter.
    expect(vi.getTimerCount()).toBe(2);
    vi.advanceTimersByTime(2000);
    const times = expired.map(({ call }) => call.expiresAt);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(new Set(expired.map(({ call }) => call))).toEqual(new Set(calls.filter((call) => !gone.includes(call))));
    for (const { call, at } of expired) expect(at - call.expiresAt).toBeLessThanOrEqual(2);
  });

  it("do not collect lists of allowances that are no longer used", () => {
    const pinned = deadlines.pinnedList(5000);
    for (let i = 1; i <= 10_000; i++) {
      const call = arm(i);
      call.list?.remove(call);
    }
    expect(deadlines.list(5000)).toBe(pinned);
    const call = arm(10_001);
    vi.advanceTimersByTime(10_010);
    expect(expired.map((entry) => entry.call)).toEqual([call]);
  });
});
