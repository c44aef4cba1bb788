import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clock, replaceClock, setUnrefTimeout, sleep, within, type Clock } from "../../src/clock.js";

const captured: Clock = { ...clock };
afterEach(() => {
  replaceClock(captured);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Resolves when `start` has called what it was given. */
function called(start: (run: () => void) => void): Promise<void> {
  return new Promise((resolve) => start(resolve));
}

describe("the clock, when a test suite fakes the globals after it was loaded", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.setSystemTime(0);
    vi.spyOn(Math, "random").mockReturnValue(7);
  });

  it("still calls back", async () => {
    await called((run) => clock.setTimeout(run, 1));
    await called((run) => clock.setImmediate(run));
    await called((run) => {
      const interval = clock.setInterval(() => {
        clock.clearInterval(interval);
        run();
      }, 1);
    });
    await called((run) => setUnrefTimeout(run, 1));
    await sleep(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("still tells the time, and draws its own numbers", async () => {
    const [now, wallTime] = [clock.now(), clock.wallTime()];
    await sleep(5);
    expect(clock.now() - now).toBeGreaterThan(3);
    expect(clock.wallTime() - wallTime).toBeGreaterThan(2);
    expect(wallTime).toBeGreaterThan(Date.UTC(2020, 0, 1));
    expect(clock.random()).toBeLessThan(1);
    expect(clock.random()).toBeGreaterThanOrEqual(0);
  });

  it("still stops what it started", async () => {
    const run = vi.fn();
    clock.clearTimeout(clock.setTimeout(run, 1));
    clock.clearInterval(clock.setInterval(run, 1));
    clock.clearImmediate(clock.setImmediate(run));
    await sleep(20);
    expect(run).not.toHaveBeenCalled();
  });

  it("stops nothing where there is nothing to stop", () => {
    expect(() => {
      clock.clearTimeout(undefined);
      clock.clearInterval(undefined);
      clock.clearImmediate(undefined);
    }).not.toThrow();
  });
});

describe("another clock in its place", () => {
  it("serves everybody who holds the old one, helpers included", async () => {
    const waits: number[] = [];
    const holder = clock;
    replaceClock({
      ...captured,
      now: () => 42,
      wallTime: () => 43,
      random: () => 0.44,
      setTimeout: (run, ms) => {
        waits.push(ms);
        return captured.setTimeout(run, 0);
      },
    });
    expect([holder.now(), holder.wallTime(), holder.random()]).toEqual([42, 43, 0.44]);
    await sleep(3_600_000);
    await called((run) => setUnrefTimeout(run, 7_200_000));
    expect(await within(new Promise(() => undefined), 10_800_000, () => "late")).toBe("late");
    expect(waits).toEqual([3_600_000, 7_200_000, 10_800_000]);
  });
});

describe("sleep", () => {
  it("takes its time", async () => {
    const before = clock.now();
    await sleep(20);
    // A timer of Node may fire up to a millisecond early.
    expect(clock.now() - before).toBeGreaterThanOrEqual(19);
  });

  it("ends with the signal's reason, and leaves no timer", async () => {
    const timers = countTimers();
    const controller = new AbortController();
    const sleeping = sleep(3_600_000, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(timers.running.size).toBe(0);
  });

  it("does not begin with a signal that has aborted already", async () => {
    const timers = countTimers();
    const reason = new Error("before");
    await expect(sleep(3_600_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(timers.started).toBe(0);
  });

  it("leaves no listener on a signal that outlives it", async () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, "addEventListener");
    const removed = vi.spyOn(controller.signal, "removeEventListener");
    await sleep(1, controller.signal);
    expect(removed.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
      added.mock.calls.map(([type, listener]) => [type, listener]),
    );
    expect(added).toHaveBeenCalledOnce();
  });
});

describe("within", () => {
  const never = new Promise<string>(() => undefined);

  it("is the outcome that comes in time, and leaves no timer", async () => {
    const timers = countTimers();
    expect(await within(Promise.resolve("done"), 3_600_000, () => "late")).toBe("done");
    const failure = new Error("failed");
    await expect(within(Promise.reject(failure), 3_600_000, () => "late")).rejects.toBe(failure);
    expect(timers.started).toBe(2);
    expect(timers.running.size).toBe(0);
  });

  it("is what `late` returns or throws when its time is over", async () => {
    expect(await within(never, 1, () => "late")).toBe("late");
    const thrown = new Error("too late");
    await expect(
      within(never, 1, () => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
  });

  it("does not ask `late` of an outcome that has come", async () => {
    const late = vi.fn(() => "late");
    await within(Promise.resolve("done"), 1, late);
    await sleep(10);
    expect(late).not.toHaveBeenCalled();
  });

  it("waits without a timer where there is no limit", async () => {
    const timers = countTimers();
    expect(await within(sleepless("done"), Infinity, () => "late")).toBe("done");
    expect(timers.started).toBe(0);
  });

  it("does not keep the process alive, unless its timer is armed otherwise; a plain sleep does", async () => {
    const timers = countTimers();
    const arm = vi.fn();
    const waiting = [within(never, 20, () => "late"), within(never, 20, () => "late", arm), sleep(20)];
    const running = [...timers.running];
    expect(running.map((timer) => timer.hasRef())).toEqual([false, true, true]);
    expect(arm).toHaveBeenCalledExactlyOnceWith(running[1]);
    await Promise.all(waiting);
  });

  it("holds delays that a timer of Node would take for a millisecond", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    let fired = 0;
    const timers = [2_147_483_648, 1e12, Infinity].map((ms) =>
      captured.setTimeout(() => {
        fired++;
      }, ms),
    );
    const beat = captured.setInterval(() => {
      fired++;
    }, 1e12);
    await new Promise((resolve) => captured.setTimeout(() => resolve(undefined), 20));
    for (const timer of timers) captured.clearTimeout(timer);
    captured.clearInterval(beat);
    process.off("warning", note);
    expect(fired).toBe(0);
    expect(warnings).toEqual([]);
  });

  /** Resolves in a later turn, without the clock. */
  function sleepless<T>(value: T): Promise<T> {
    return new Promise((resolve) => setImmediate(() => resolve(value)));
  }
});

/** Watches the time-outs that are started from here on. */
function countTimers(): { started: number; readonly running: Set<NodeJS.Timeout> } {
  const timers = { started: 0, running: new Set<NodeJS.Timeout>() };
  replaceClock({
    ...captured,
    setTimeout: (run, ms) => {
      timers.started++;
      const timer = captured.setTimeout(() => {
        timers.running.delete(timer);
        run();
      }, ms);
      timers.running.add(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      if (timer !== undefined) timers.running.delete(timer);
      captured.clearTimeout(timer);
    },
  });
  return timers;
}
