import { afterEach, expect, it, vi } from "vitest";
import { clock } from "../../src/clock.js";
import { wallTimeOf } from "../../src/wall-time.js";

afterEach(() => {
  vi.restoreAllMocks();
});

it("one moment has one name although the clocks drift, and another when the wall clock is set", () => {
  vi.spyOn(clock, "now").mockReturnValue(5_000);
  const wall = vi.spyOn(clock, "wallTime").mockReturnValue(1_800_000_000_000);
  expect(wallTimeOf(4_000)).toBe(1_799_999_999_000);
  wall.mockReturnValue(1_800_000_000_000 + 900);
  expect(wallTimeOf(4_000)).toBe(1_799_999_999_000);
  wall.mockReturnValue(1_800_000_000_000 + 3_600_000);
  expect(wallTimeOf(4_000)).toBe(1_800_003_599_000);
  wall.mockReturnValue(1_800_000_000_000 - 60_000);
  expect(wallTimeOf(4_000)).toBe(1_799_999_939_000);
});
