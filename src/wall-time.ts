/**
 * Moments of the monotonic clock as people name them. One moment has one name, however often it is asked for: the two
 * clocks drift apart by fractions of a millisecond. When the wall clock is set, all names follow.
 */
import { clock } from "./clock.js";

/** The clocks are compared anew when they have moved apart by more than this, in milliseconds. */
const DRIFT = 1_000;

let origin = clock.wallTime() - clock.now();

/** In milliseconds since 1970; `at` is on the monotonic clock. */
export function wallTimeOf(at: number): number {
  const present = clock.wallTime() - clock.now();
  if (Math.abs(present - origin) > DRIFT) origin = present;
  return Math.round(origin + at);
}
