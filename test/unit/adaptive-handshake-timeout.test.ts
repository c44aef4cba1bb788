import { describe, expect, it } from "vitest";
import { AdaptiveHandshakeTimeout } from "../../src/ioredis/adaptive-handshake-timeout.js";

describe("the silence that a connection attempt is allowed", () => {
  it("is all of handshakeTimeout until one has succeeded", () => {
    const timeout = new AdaptiveHandshakeTimeout(3000);
    expect(timeout.allowed).toBe(3000);
    timeout.exhausted();
    expect(timeout.allowed).toBe(3000);
  });

  it("follows what attempts usually take, between a quarter of handshakeTimeout and all of it", () => {
    const timeout = new AdaptiveHandshakeTimeout(3000);
    const allowed = [5, 100, 1000].map((took) => {
      timeout.rewarded(took);
      return timeout.allowed;
    });
    expect(allowed).toEqual([750, 2000, 3000]);
    const limits = [15_000, 1000, 300].map((limit) => {
      const other = new AdaptiveHandshakeTimeout(limit);
      other.rewarded(5);
      return other.allowed;
    });
    // Never less than half a second, if that much is allowed at all.
    expect(limits).toEqual([3750, 500, 300]);
  });

  it("doubles with each attempt given up, and is back with one that succeeds", () => {
    const timeout = new AdaptiveHandshakeTimeout(3000);
    timeout.rewarded(5);
    const allowed = [1, 2, 3].map(() => {
      timeout.exhausted();
      return timeout.allowed;
    });
    expect(allowed).toEqual([1500, 3000, 3000]);
    timeout.rewarded(5);
    expect(timeout.allowed).toBe(750);
  });
});
