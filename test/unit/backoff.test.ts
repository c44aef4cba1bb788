import { describe, expect, it } from "vitest";
import { fullJitter } from "../../src/endpoint/backoff.js";

const BOUNDS = { minTimeout: 50, maxTimeout: 1000, factor: 2 };

describe("full jitter", () => {
  it("draws from zero up to an exponentially growing bound", () => {
    const most = [1, 2, 3, 4, 5].map((attempt) => fullJitter(BOUNDS, attempt, () => 1));
    expect(most).toEqual([50, 100, 200, 400, 800]);
    expect(fullJitter(BOUNDS, 3, () => 0)).toBe(0);
    expect(fullJitter(BOUNDS, 3, () => 0.25)).toBe(50);
  });

  it("is capped before the draw, so that clients at the cap stay apart", () => {
    const delays = Array.from({ length: 1000 }, () => fullJitter(BOUNDS, 20));
    expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
    expect(Math.min(...delays)).toBeLessThan(100);
    const mean = delays.reduce((a, b) => a + b, 0) / delays.length;
    expect(mean).toBeGreaterThan(400);
    expect(mean).toBeLessThan(600);
  });

  it("stays finite for any number of attempts", () => {
    for (const attempt of [100, 10_000, Number.MAX_SAFE_INTEGER]) {
      expect(fullJitter(BOUNDS, attempt, () => 1)).toBe(1000);
      expect(fullJitter({ ...BOUNDS, factor: 10 }, attempt, () => 1)).toBe(1000);
    }
  });
});
