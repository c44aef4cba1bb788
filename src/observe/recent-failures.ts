/**
 * Failures that no incident has counted, for a while: the first sign of trouble is often older than the moment it is
 * recognised as such, and what failed in between belongs to the incident. What no incident has taken by then is handed on:
 * each failure stands in one line. Bounded by time, whatever fails.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import type { CommandFailure } from "../engine/ports.js";
import { FailureCounts } from "./failure-counts.js";

/** Failures within this long are counted together, in milliseconds. */
const SPAN = 100;
/** Callers may be told this long before the trouble is, in the turn in which a login is refused for instance. Milliseconds. */
const TOLD_FIRST = 100;
/** How long they are kept, in milliseconds: as long as the longest silence that is waited out by default. */
const KEPT = 10_000;

interface Bucket {
  readonly at: number;
  readonly counts: FailureCounts;
}

export class RecentFailures {
  readonly #now: () => number;
  readonly #untaken: (counts: FailureCounts) => void;
  #buckets: Bucket[] = [];
  #timer: Timer | undefined = undefined;

  /** `untaken` gets what no incident has taken while it was kept. */
  constructor(now: () => number, untaken: (counts: FailureCounts) => void) {
    this.#now = now;
    this.#untaken = untaken;
  }

  add(failure: CommandFailure): void {
    const now = this.#now();
    const last = this.#buckets.at(-1);
    if (last !== undefined && now - last.at < SPAN) {
      last.counts.add(failure);
      return;
    }
    const counts = new FailureCounts();
    counts.add(failure);
    this.#buckets.push({ at: now, counts });
    if (this.#buckets.length === 1) this.#wait(KEPT);
  }

  /** Takes out what failed from `since` on, and just before. */
  takeSince(since: number): FailureCounts {
    const from = since - SPAN - TOLD_FIRST;
    return this.#take((at) => at >= from);
  }

  /** Hands on all of it, now. */
  flush(): void {
    clock.clearTimeout(this.#timer);
    this.#handOn(Infinity);
  }

  #wait(ms: number): void {
    this.#timer = setUnrefTimeout(() => {
      this.#handOn(this.#now() - KEPT);
      const [oldest] = this.#buckets;
      if (oldest !== undefined) this.#wait(Math.max(SPAN, oldest.at + KEPT - this.#now()));
    }, ms);
  }

  #handOn(upTo: number): void {
    // A timer may fire a little before its time.
    const counts = this.#take((at) => at <= upTo + SPAN);
    if (counts.failed > 0) this.#untaken(counts);
  }

  #take(isWanted: (at: number) => boolean): FailureCounts {
    const taken = new FailureCounts();
    const left: Bucket[] = [];
    for (const bucket of this.#buckets) {
      if (isWanted(bucket.at)) taken.addAll(bucket.counts);
      else left.push(bucket);
    }
    this.#buckets = left;
    if (left.length === 0) clock.clearTimeout(this.#timer);
    return taken;
  }
}
