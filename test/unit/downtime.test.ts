import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DowntimeTracker } from "../../src/engine/downtime.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

const tooLong = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  // A clock at zero would hide comparisons with "never".
  vi.advanceTimersByTime(1000);
});
afterEach(() => {
  tooLong.mockReset();
  vi.useRealTimers();
});

describe("the time without a connection", () => {
  it("is too long after downAfter, and that is said once", () => {
    const downtime = new DowntimeTracker(2000, tooLong);
    downtime.down();
    vi.advanceTimersByTime(1999);
    expect(downtime.isTooLong).toBe(false);
    vi.advanceTimersByTime(2);
    expect(downtime.isTooLong).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(tooLong).toHaveBeenCalledOnce();
  });

  it("counts from the beginning, however many attempts fail in between", () => {
    const downtime = new DowntimeTracker(2000, tooLong);
    downtime.down();
    const since = performance.now();
    for (let attempt = 0; attempt < 20; attempt++) {
      vi.advanceTimersByTime(101);
      downtime.down();
    }
    expect(downtime.downSince).toBe(since);
    expect(tooLong).toHaveBeenCalledOnce();
  });

  it("is over with a connection, and counts anew after the next loss", () => {
    const downtime = new DowntimeTracker(2000, tooLong);
    for (let loss = 0; loss < 5; loss++) {
      downtime.down();
      vi.advanceTimersByTime(1500);
      downtime.reset();
      expect(downtime.downSince).toBeUndefined();
    }
    vi.advanceTimersByTime(60_000);
    expect(tooLong).not.toHaveBeenCalled();
    downtime.down();
    vi.advanceTimersByTime(2001);
    expect(downtime.isTooLong).toBe(true);
    downtime.reset();
    expect(downtime.isTooLong).toBe(false);
  });

  it("leaves what lies in the socket one poll phase: connected within it, nothing was too long", () => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] });
    const downtime = new DowntimeTracker(2000, tooLong);
    downtime.down();
    // A busy process: time-outs are due, the poll phase comes after them.
    setTimeout(() => downtime.reset(), 2000);
    vi.advanceTimersByTime(2000);
    vi.runAllTimers();
    expect(tooLong).not.toHaveBeenCalled();
  });

  it("is never too long without downAfter", () => {
    const downtime = new DowntimeTracker(undefined, tooLong);
    downtime.down();
    vi.advanceTimersByTime(3_600_000);
    expect(downtime.downSince).toBeUndefined();
    expect(tooLong).not.toHaveBeenCalled();
  });
});
