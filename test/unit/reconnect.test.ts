import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reconnect } from "../../src/connection/reconnect.js";
import { reportBug } from "../../src/connection/report-bug.js";

vi.mock("../../src/connection/report-bug.js", () => ({ reportBug: vi.fn() }));

const POLICY = { minTimeout: 50, maxTimeout: 1000, stableAfter: 5000, handshakeTimeout: 10_000 };

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the wait before a reconnect", () => {
  it("grows with each failed attempt up to the cap", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = new Reconnect(POLICY, undefined);
    const delays = Array.from({ length: 7 }, (_, i) => reconnect.strategy(i + 1));
    expect(delays).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
  });

  it("starts from the bottom again only after a connection that stayed", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = new Reconnect(POLICY, undefined);
    for (let i = 1; i <= 3; i++) reconnect.strategy(i);
    reconnect.ready();
    vi.advanceTimersByTime(4999);
    // ioredis counts from one again after every `ready`.
    expect(reconnect.strategy(1)).toBe(400);
    reconnect.dialling();
    reconnect.ready();
    vi.advanceTimersByTime(5000);
    expect(reconnect.strategy(1)).toBe(50);
  });

  it("is counted from the last attempt: the time that one stood or was silent is not waited for again", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = new Reconnect(POLICY, undefined);
    for (let i = 1; i <= 4; i++) reconnect.strategy(i);
    reconnect.dialling();
    vi.advanceTimersByTime(300);
    expect(reconnect.strategy(5)).toBe(500);
    reconnect.dialling();
    vi.advanceTimersByTime(2000);
    expect(reconnect.strategy(6)).toBe(50);
    // It still counts as unstable: one that falls at once is backed off from as before.
    reconnect.dialling();
    expect(reconnect.strategy(7)).toBe(1000);
  });

  it("differs between clients that lost the same server", () => {
    const delays = Array.from({ length: 200 }, () => {
      const reconnect = new Reconnect(POLICY, undefined);
      for (let i = 1; i < 6; i++) reconnect.strategy(i);
      return Number(reconnect.strategy(6));
    });
    const slots = new Map<number, number>();
    for (const delay of delays) slots.set(Math.floor(delay / 100), (slots.get(Math.floor(delay / 100)) ?? 0) + 1);
    // Twenty on average; eighty would be more than thirteen standard deviations away.
    expect(Math.max(...slots.values())).toBeLessThanOrEqual(80);
  });

  it("is the caller's own where a retryStrategy was given, and says when it ends", () => {
    const times: number[] = [];
    const reconnect = new Reconnect(POLICY, (n) => {
      times.push(n);
      return n > 2 ? null : 123;
    });
    expect([1, 2, 3].map((n) => reconnect.strategy(n))).toEqual([123, 123, null]);
    expect(times).toEqual([1, 2, 3]);
    expect(reconnect.dueAt).toBe(performance.now() + 123);
    expect(new Reconnect(POLICY, null).strategy(1)).toBeUndefined();
  });

  it("is our own where the caller's throws, and what it threw is reported as a bug of theirs", () => {
    const bug = new Error("bug");
    const reconnect = new Reconnect(POLICY, () => {
      throw bug;
    });
    expect(reconnect.strategy(1)).toBeTypeOf("number");
    expect(reportBug).toHaveBeenCalledExactlyOnceWith(bug);
  });
});
