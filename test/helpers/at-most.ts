/**
 * Upper bounds of time on a machine that others use too. Client, proxy and clock of a test are one process: what takes long
 * because this process stood still is not the client's doing. Bounds on what must never happen need no such thing.
 */
import { beforeEach } from "vitest";

/** What a timing may exceed its bound by in any case, in milliseconds: the machine is shared, the logic is not. */
const SLACK = 600;
/** A settlement takes a few turns of the event loop, each of which may be the slow one. */
const TURNS = 4;

/** Between two looks at the clock, in milliseconds. */
const PACE = 5;

let longest = 0;
let last = performance.now();

function look(): void {
  const now = performance.now();
  longest = Math.max(longest, now - last - PACE);
  last = now;
}

setInterval(look, PACE).unref();
beforeEach(() => {
  longest = 0;
  last = performance.now();
});

/** The longest that something with this bound, in milliseconds, may have taken in the running test. */
export function atMost(bound: number): number {
  // Whoever asks may run before the next look: the standstill may be the one that has just ended.
  look();
  return bound + SLACK + TURNS * longest;
}
