import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clock } from "../../src/clock.js";
import { StallMeter } from "../../src/stall-meter.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["performance", "setInterval", "clearInterval"],
  });
  vi.advanceTimersByTime(1000);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Time passes, and no timer runs: the process stands still. */
function stoppable(): { stand(ms: number): void } {
  let ahead = 0;
  const { now } = performance;
  vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + ahead);
  return { stand: (ms) => void (ahead += ms) };
}

describe("the time in which this process stood still", () => {
  it("is seen before the tick that would have measured it has run, and after", () => {
    const meter = new StallMeter();
    const time = stoppable();
    const release = meter.hold();
    vi.advanceTimersByTime(500);
    const before = clock.now();
    time.stand(3000);
    expect(meter.since(before)).toBeGreaterThanOrEqual(2950);
    expect(meter.since(before)).toBeLessThanOrEqual(3000);
    vi.advanceTimersByTime(200);
    expect(meter.since(before)).toBeGreaterThanOrEqual(2950);
    expect(meter.awakeSince(before)).toBeGreaterThanOrEqual(200);
    expect(meter.awakeSince(before)).toBeLessThanOrEqual(250);
    release();
  });

  it("counts only from the moment that is asked for, and in part", () => {
    const meter = new StallMeter();
    const time = stoppable();
    const release = meter.hold();
    time.stand(1000);
    vi.advanceTimersByTime(60);
    const between = clock.now();
    vi.advanceTimersByTime(300);
    time.stand(400);
    vi.advanceTimersByTime(60);
    expect(meter.since(between)).toBeLessThanOrEqual(400);
    expect(meter.since(between)).toBeGreaterThanOrEqual(340);
    expect(meter.since(clock.now())).toBe(0);
    release();
  });

  it("is nothing where the loop turns often enough to read its sockets", () => {
    const meter = new StallMeter();
    const time = stoppable();
    const release = meter.hold();
    const before = clock.now();
    for (let turn = 0; turn < 20; turn++) {
      time.stand(40);
      vi.advanceTimersByTime(50);
    }
    expect(meter.since(before)).toBe(0);
    release();
  });

  it("is measured while somebody waits, and no longer: an idle process is not woken", () => {
    const meter = new StallMeter();
    const time = stoppable();
    const [one, other] = [meter.hold(), meter.hold()];
    expect(vi.getTimerCount()).toBe(1);
    one();
    one();
    expect(vi.getTimerCount()).toBe(1);
    other();
    expect(vi.getTimerCount()).toBe(0);
    const before = clock.now();
    time.stand(5000);
    expect(meter.since(before)).toBe(0);
  });

  it("is told by a late timer while nothing is measured, and not twice", () => {
    const meter = new StallMeter();
    const now = clock.now();
    meter.note(now - 700, now);
    expect(meter.since(now - 1000)).toBe(700);
    const release = meter.hold();
    meter.note(now - 700, now);
    release();
    expect(meter.since(now - 1000)).toBe(700);
  });
});
