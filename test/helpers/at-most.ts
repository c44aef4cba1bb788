/**
 * Upper bounds of time on a machine that others use too. Client, proxy and clock of a test are one process: what takes long
 * because this process stood still is not the client's doing. Bounds on what must never happen need no such thing.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { beforeEach } from "vitest";

/** What a timing may exceed its bound by in any case, in milliseconds: the machine is shared, the logic is not. */
const SLACK = 600;
/** A settlement takes a few turns of the event loop, each of which may be the slow one. */
const TURNS = 4;

const standstill = monitorEventLoopDelay({ resolution: 5 });
standstill.enable();
beforeEach(() => standstill.reset());

/** The longest that something with this bound, in milliseconds, may have taken in the running test. */
export function atMost(bound: number): number {
  return bound + SLACK + (TURNS * standstill.max) / 1e6;
}
