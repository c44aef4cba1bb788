/**
 * Failures that no incident has counted, for a while: the first sign of trouble is often older than the moment it is
 * recognised as such, and what failed in between belongs to the incident. Bounded by time, whatever fails.
 */
import type { CommandFailure } from "../engine/ports.js";
import { FailureCounts } from "./failure-counts.js";

/** Failures within this long are counted together, in milliseconds. */
const SPAN = 100;
/** Callers may be told this long before the trouble is, in the turn in which a login is refused for instance. Milliseconds. */
const TOLD_FIRST = 100;
/** How long they are kept, in milliseconds: longer than any silence that is waited out by default. */
const KEPT = 30_000;

interface Bucket {
  readonly at: number;
  readonly counts: FailureCounts;
}

export class RecentFailures {
  #buckets: Bucket[] = [];

  add(failure: CommandFailure, now: number): void {
    const last = this.#buckets.at(-1);
    if (last !== undefined && now - last.at < SPAN) {
      last.counts.add(failure);
      return;
    }
    const counts = new FailureCounts();
    counts.add(failure);
    if (this.#buckets.length > KEPT / SPAN) this.#buckets = this.#buckets.filter(({ at }) => now - at < KEPT);
    this.#buckets.push({ at: now, counts });
  }

  /** Takes out what failed from `since` on, and just before. */
  takeSince(since: number): FailureCounts {
    const taken = new FailureCounts();
    const from = since - SPAN - TOLD_FIRST;
    for (const { at, counts } of this.#buckets) if (at >= from) taken.addAll(counts);
    this.#buckets = this.#buckets.filter(({ at }) => at < from);
    return taken;
  }
}
