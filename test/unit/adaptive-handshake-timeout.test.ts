import { describe, expect, it } from "vitest";
import { AdaptiveHandshakeTimeout } from "../../src/ioredis/adaptive-handshake-timeout.js";

describe("the silence that a connection attempt is allowed", () => {
  it("is all of handshakeTimeout until one has succeeded, and doubles with each attempt given up, up to connectTimeout", () => {
    const timeout = new AdaptiveHandshakeTimeout(3000, 10_000);
    const allowed = [0, 1, 2, 3].map(() => {
      const { silence } = timeout;
      timeout.exhausted();
      return silence;
    });
    expect(allowed).toEqual([3000, 6000, 10_000, 10_000]);
  });

  it("follows what attempts usually take, between a quarter of handshakeTimeout and all of it", () => {
    const timeout = new AdaptiveHandshakeTimeout(3000, 10_000);
    const allowed = [5, 100, 1000].map((took) => {
      timeout.rewarded(took);
      return timeout.silence;
    });
    expect(allowed).toEqual([750, 2000, 3000]);
    const limits = [15_000, 1000, 300].map((limit) => {
      const other = new AdaptiveHandshakeTimeout(limit, 10_000);
      other.rewarded(5);
      return other.silence;
    });
    // Never less than half a second, if that much is allowed at all.
    expect(limits).toEqual([3750, 500, 300]);
  });

  it("is back with one that succeeds", () => {
    const timeout = new AdaptiveHandshakeTimeout(3000, 10_000);
    timeout.rewarded(5);
    const allowed = [1, 2, 3, 4, 5].map(() => {
      timeout.exhausted();
      return timeout.silence;
    });
    expect(allowed).toEqual([1500, 3000, 6000, 10_000, 10_000]);
    timeout.rewarded(5);
    expect(timeout.silence).toBe(750);
  });
});

describe("the time that a connection attempt is allowed", () => {
  it("is handshakeTimeout, and grows with each attempt given up to connectTimeout, never below itself", () => {
    const totals = [10_000, 1000].map((longest) => {
      const timeout = new AdaptiveHandshakeTimeout(3000, longest);
      timeout.rewarded(5);
      return [0, 1, 2].map(() => {
        const { total } = timeout;
        timeout.exhausted();
        return total;
      });
    });
    expect(totals).toEqual([
      [3000, 6000, 10_000],
      [3000, 3000, 3000],
    ]);
  });
});
