import { describe, expect, it } from "vitest";
import { Patience } from "../../src/connection/patience.js";

describe("the silence that a connection attempt is allowed", () => {
  it("is all of handshakeTimeout until one has succeeded", () => {
    const patience = new Patience(3000);
    expect(patience.allowed).toBe(3000);
    patience.exhausted();
    expect(patience.allowed).toBe(3000);
  });

  it("follows what attempts usually take, between a quarter of handshakeTimeout and all of it", () => {
    const patience = new Patience(3000);
    const allowed = [5, 100, 1000].map((took) => {
      patience.rewarded(took);
      return patience.allowed;
    });
    expect(allowed).toEqual([750, 2000, 3000]);
    const limits = [15_000, 1000, 300].map((limit) => {
      const other = new Patience(limit);
      other.rewarded(5);
      return other.allowed;
    });
    // Never less than half a second, if that much is allowed at all.
    expect(limits).toEqual([3750, 500, 300]);
  });

  it("doubles with each attempt given up, and is back with one that succeeds", () => {
    const patience = new Patience(3000);
    patience.rewarded(5);
    const allowed = [1, 2, 3].map(() => {
      patience.exhausted();
      return patience.allowed;
    });
    expect(allowed).toEqual([1500, 3000, 3000]);
    patience.rewarded(5);
    expect(patience.allowed).toBe(750);
  });
});
