import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RetryBudget } from "../../src/endpoint/budget.js";
import { followGlobals } from "../helpers/global-clock.js";

followGlobals();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the retry budget", () => {
  it("gives its tokens away, then says no and counts that", () => {
    const budget = new RetryBudget({ tokens: 3, refill: 0.1 });
    expect([1, 2, 3, 4, 5].map(() => budget.take())).toEqual([true, true, true, false, false]);
    expect(budget.denied).toBe(2);
  });

  it("is refilled by successes, a fraction each", () => {
    const budget = new RetryBudget({ tokens: 1, refill: 0.25 });
    budget.take();
    budget.successes += 3;
    expect(budget.take()).toBe(false);
    budget.successes += 1;
    expect(budget.take()).toBe(true);
    expect(budget.take()).toBe(false);
  });

  it("is as at first a minute after it was spent, though nothing succeeds, and no more than that", () => {
    const budget = new RetryBudget({ tokens: 6, refill: 0 });
    while (budget.take());
    vi.advanceTimersByTime(9_000);
    expect(budget.take()).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect([budget.take(), budget.take()]).toEqual([true, false]);
    vi.advanceTimersByTime(600_000);
    expect(budget.tokens).toBe(6);
  });

  it("keeps what successes have saved up, however much time passes", () => {
    const budget = new RetryBudget({ tokens: 5, refill: 1 });
    budget.successes += 20;
    expect(budget.tokens).toBe(25);
    vi.advanceTimersByTime(600_000);
    expect(budget.tokens).toBe(25);
  });

  it("grows to ten times its first filling and no further", () => {
    const budget = new RetryBudget({ tokens: 5, refill: 1 });
    budget.successes += 1_000_000;
    expect(budget.tokens).toBe(50);
  });

  it("keeps retries of a server that always fails below a fifth of the calls", () => {
    const budget = new RetryBudget({ tokens: 100, refill: 0.1 });
    let sends = 0;
    for (let call = 0; call < 1000; call++) {
      sends++;
      for (let retry = 0; retry < 3 && budget.take(); retry++) sends++;
    }
    expect(sends / 1000).toBeLessThanOrEqual(1.2);
  });
});
