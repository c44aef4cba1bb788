import { describe, expect, it, vi } from "vitest";
import { AwakeTimeout, withinAwake } from "../../src/awake-timeout.js";

/** The event loop stands still. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Milliseconds until the time-out runs, counted from now. */
async function runsAfter(ms: number, meanwhile: () => void): Promise<number> {
  const since = performance.now();
  const ran = new Promise<void>((resolve) => {
    new AwakeTimeout(resolve, ms, true);
  });
  meanwhile();
  await ran;
  return performance.now() - since;
}

describe("an awake time-out", () => {
  it("runs when its time is over", async () => {
    expect(await runsAfter(120, () => undefined)).toBeGreaterThanOrEqual(118);
  });

  it("goes on for what the process stood still", async () => {
    expect(await runsAfter(400, () => block(700))).toBeGreaterThanOrEqual(700 + 400 - 60);
  });

  it("leaves what a stall at its very end kept waiting more than one turn", async () => {
    const after = await runsAfter(300, () => setTimeout(() => block(700), 290));
    expect(after).toBeGreaterThanOrEqual(290 + 700 + 90);
  });

  it("lets what lies in the socket come first: cancelled in the poll phase, it does not run", async () => {
    const run = vi.fn();
    const timeout = new AwakeTimeout(run, 20);
    // Of the same turn, and before its last word: both are due once the loop goes on.
    setTimeout(() => timeout.cancel(), 20);
    const until = performance.now() + 25;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(run).not.toHaveBeenCalled();
  });

  it("waits longer than the longest timer there is", async () => {
    const run = vi.fn();
    const timeout = new AwakeTimeout(run, 2 ** 40);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(run).not.toHaveBeenCalled();
    timeout.cancel();
  });
});

describe("withinAwake", () => {
  const never = new Promise<string>(() => undefined);

  it("is the outcome that comes in time, or what is late", async () => {
    expect(await withinAwake(Promise.resolve("done"), 3_600_000, () => "late")).toBe("done");
    const keepAlive = setTimeout(() => undefined, 3_000);
    expect(await withinAwake(never, 20, () => "late")).toBe("late");
    clearTimeout(keepAlive);
  });

  it("waits without a timer where there is no limit", async () => {
    expect(await withinAwake(Promise.resolve("done"), Infinity, () => "late")).toBe("done");
  });
});
