/** Full jitter: a random delay from 0 up to an exponentially growing, capped bound. The cap comes before the jitter, so clients at the cap stay apart. */

import { clock } from "../clock.js";

export interface BackoffBounds {
  /** Bound of the first delay, in milliseconds. */
  readonly minTimeout: number;
  readonly maxTimeout: number;
  readonly factor: number;
}

/**
 * The delay before retry number `attempt` (1 for the first), in milliseconds.
 * "Full jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitter(bounds: BackoffBounds, attempt: number, random: () => number = clock.random): number {
  const bound = Math.min(bounds.maxTimeout, bounds.minTimeout * bounds.factor ** Math.min(attempt - 1, 60));
  return random() * bound;
}
