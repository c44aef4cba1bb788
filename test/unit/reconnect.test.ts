import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reconnect, type ReconnectHooks } from "../../src/ioredis/reconnect.js";
import { reportBug } from "../../src/ioredis/report-bug.js";
import { followGlobals } from "../helpers/global-clock.js";

vi.mock("../../src/ioredis/report-bug.js", () => ({ reportBug: vi.fn() }));
followGlobals();

const POLICY = { minTimeout: 50, maxTimeout: 1000, stableAfter: 5000, handshakeTimeout: 10_000 };

/** A server that never served, that nobody waits for and that answers nothing. */
const IDLE: ReconnectHooks = {
  hasServed: () => false,
  isWanted: () => false,
  wasRefused: () => false,
  spaced: (delay) => delay,
  isPaced: () => false,
};

function reconnectWith(hooks: Partial<ReconnectHooks> = {}): Reconnect {
  return new Reconnect(POLICY, undefined, { ...IDLE, ...hooks });
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the wait before a reconnect", () => {
  it("grows with each failed attempt up to the cap", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = reconnectWith();
    const delays = Array.from({ length: 7 }, (_, i) => reconnect.strategy(i + 1));
    expect(delays).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
  });

  it("starts from the bottom again after a connection that stayed, though it served nothing", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = reconnectWith();
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

  it("is next to none after a connection that served, the first time; then it grows from the bottom", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = reconnectWith({ hasServed: () => true });
    for (let i = 1; i <= 4; i++) reconnect.strategy(i);
    for (let round = 0; round < 3; round++) {
      reconnect.dialling();
      reconnect.ready();
      vi.advanceTimersByTime(300);
      expect(reconnect.strategy(1)).toBe(5);
      const failed = [2, 3, 4].map((n) => {
        reconnect.dialling();
        return reconnect.strategy(n);
      });
      expect(failed).toEqual([100, 200, 400]);
    }
  });

  it("is a short one where a server serves and drops again and again", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = reconnectWith({ hasServed: () => true });
    const delays = Array.from({ length: 4 }, () => {
      reconnect.dialling();
      reconnect.ready();
      vi.advanceTimersByTime(1);
      return reconnect.strategy(1);
    });
    expect(delays).toEqual([5, 49, 49, 49]);
  });

  it("is at most 250 ms while the server is wanted and attempts are refused at once", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const after = (hooks: Partial<ReconnectHooks>, took = 0): unknown => {
      const reconnect = reconnectWith(hooks);
      for (let i = 1; i <= 7; i++) reconnect.strategy(i);
      reconnect.dialling();
      vi.advanceTimersByTime(took);
      return reconnect.strategy(8);
    };
    expect(after({ isWanted: () => true, wasRefused: () => true })).toBe(250);
    expect(after({ wasRefused: () => true })).toBe(1000);
    expect(after({ isWanted: () => true })).toBe(1000);
    expect(after({ isWanted: () => true, wasRefused: () => true }, 200)).toBe(800);
  });

  it("is shortened when somebody comes who wants the server, where attempts are refused at once", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const cheap = reconnectWith({ wasRefused: () => true });
    const dear = reconnectWith();
    for (const reconnect of [cheap, dear]) for (let i = 1; i <= 7; i++) reconnect.strategy(i);
    expect(cheap.hurry()).toBe(250);
    expect(cheap.dueAt).toBe(performance.now() + 250);
    expect(cheap.hurry()).toBeUndefined();
    expect(dear.hurry()).toBeUndefined();
  });

  it("is counted from the last attempt: the time that one stood or was silent is not waited for again", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const reconnect = reconnectWith();
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
      const reconnect = reconnectWith();
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
    const reconnect = new Reconnect(
      POLICY,
      (n) => {
        times.push(n);
        return n > 2 ? null : 123;
      },
      IDLE,
    );
    expect([1, 2, 3].map((n) => reconnect.strategy(n))).toEqual([123, 123, null]);
    expect(times).toEqual([1, 2, 3]);
    expect(reconnect.dueAt).toBe(performance.now() + 123);
    expect(new Reconnect(POLICY, null, IDLE).strategy(1)).toBeUndefined();
  });

  it("is our own where the caller's throws, and what it threw is reported as a bug of theirs", () => {
    const bug = new Error("bug");
    const reconnect = new Reconnect(
      POLICY,
      () => {
        throw bug;
      },
      IDLE,
    );
    expect(reconnect.strategy(1)).toBeTypeOf("number");
    expect(reportBug).toHaveBeenCalledExactlyOnceWith(bug);
  });
});
