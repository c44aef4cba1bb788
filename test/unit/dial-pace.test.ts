import { describe, expect, it } from "vitest";
import { DialPace } from "../../src/endpoint/dial-pace.js";

describe("the pace of an endpoint's connection attempts", () => {
  it("changes nothing for a few clients", () => {
    const pace = new DialPace();
    expect(Array.from({ length: 20 }, (_, i) => pace.reserve(i, 1_000))).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
  });

  it("spreads a thousand that lost the server at once over two seconds, never more than 25 in 50 ms", () => {
    const pace = new DialPace();
    const slots = new Map<number, number>();
    for (let i = 0; i < 1_000; i++) {
      const slot = Math.floor(pace.reserve(0, 1_000) / 50);
      slots.set(slot, (slots.get(slot) ?? 0) + 1);
    }
    expect(Math.max(...slots.values())).toBeLessThanOrEqual(25);
    expect(Math.max(...slots.keys())).toBeLessThan(41);
  });

  it("keeps nobody waiting for an attempt that lies far ahead", () => {
    const pace = new DialPace();
    for (let i = 0; i < 100; i++) pace.reserve(10_000, 1_000);
    expect(pace.reserve(0, 1_000)).toBe(0);
  });

  it("has room again once time has passed", () => {
    const pace = new DialPace();
    for (let i = 0; i < 25; i++) pace.reserve(0, 1_000);
    expect(pace.reserve(0, 1_010)).toBeGreaterThan(0);
    expect(pace.reserve(0, 1_200)).toBe(0);
  });
});
