/**
 * How long commands take, from the call to the reply, waiting and resends included: a histogram of fixed buckets, each a
 * quarter of a doubling wide. Of many commands about one in sixteen is measured, because reading the clock costs more than all
 * other counting together.
 */
import { clock } from "../clock.js";

/** The first so many are measured one by one: a client that is seldom used has percentiles too. */
const ALL = 256;
const SPACING = 16;
/** Buckets of a doubling. */
const STEPS = 4;
/** The bound of the first bucket, in milliseconds, and how often it doubles: to about three minutes. */
const FIRST = 0.025;
const DOUBLINGS = 23;
/** Doublings from the bound of the first bucket to the first of `DOUBLED_BOUNDS`. */
const SHIFT = 2;

/** Upper bounds of the buckets in milliseconds; the last bucket has none. */
const BOUNDS: readonly number[] = Array.from({ length: DOUBLINGS * STEPS }, (_, i) => FIRST * 2 ** (i / STEPS));

/** Percentiles in milliseconds, each the upper bound of its bucket: at most 19 % above the truth. */
export interface Latency {
  /** Commands that were measured. */
  readonly samples: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** The longest that was measured. */
  readonly max: number;
}

/** What was measured, in buckets a doubling wide. Of many commands one in sixteen is measured and counts for sixteen. */
export interface LatencyBuckets {
  /** Commands up to each of `DOUBLED_BOUNDS`, not cumulative; the last is for those above all of them. */
  readonly counts: readonly number[];
  /** Commands, and their milliseconds. */
  readonly count: number;
  readonly sum: number;
}

/** Upper bounds in milliseconds: 0.1, 0.2, 0.4 … 13 107.2. */
export const DOUBLED_BOUNDS: readonly number[] = Array.from({ length: 18 }, (_, i) => FIRST * 2 ** (i + SHIFT));

export class LatencyHistogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #samples = 0;
  #weight = 0;
  #sum = 0;
  #max = 0;
  #countdown = 1;
  #random = 0x2545f491;

  /** A command that was issued at `startedAt`, on the monotonic clock, has its reply. Called for every command. */
  note(startedAt: number): void {
    if (--this.#countdown > 0) return;
    this.#measure(clock.now() - startedAt);
  }

  /** The same for as many commands that were issued together. */
  noteAll(startedAt: number, commands: number): void {
    let left = commands;
    while (left >= this.#countdown) {
      left -= this.#countdown;
      this.#measure(clock.now() - startedAt);
    }
    this.#countdown -= left;
  }

  /** Adds what another one has measured. */
  addAll(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#samples += other.#samples;
    this.#weight += other.#weight;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  percentiles(): Latency {
    return {
      samples: this.#samples,
      p50: this.#percentile(0.5),
      p90: this.#percentile(0.9),
      p99: this.#percentile(0.99),
      p999: this.#percentile(0.999),
      max: rounded(this.#max),
    };
  }

  buckets(): LatencyBuckets {
    const counts = Array.from(DOUBLED_BOUNDS, () => 0);
    counts.push(0);
    for (const [bucket, count] of this.#counts.entries()) {
      const place = Math.min(DOUBLED_BOUNDS.length, Math.max(0, Math.ceil(bucket / STEPS) - SHIFT));
      counts[place] = (counts[place] ?? 0) + count;
    }
    return { counts, count: this.#weight, sum: this.#sum };
  }

  #measure(took: number): void {
    const isSampled = this.#samples >= ALL;
    const weight = isSampled ? SPACING : 1;
    const bucket = bucketOf(took);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + weight;
    this.#samples++;
    this.#weight += weight;
    this.#sum += took * weight;
    if (took > this.#max) this.#max = took;
    this.#countdown = isSampled ? this.#gap() : 1;
  }

  /** From 8 to 24, 16 on average: commands that come in a fixed round must not be measured at one place of it only. */
  #gap(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return SPACING / 2 + ((x >>> 0) % (SPACING + 1));
  }

  #percentile(share: number): number {
    const wanted = this.#weight * share;
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return rounded(Math.min(BOUNDS[bucket] ?? Infinity, this.#max));
    }
    return 0;
  }
}

function bucketOf(ms: number): number {
  if (ms <= FIRST) return 0;
  return Math.min(BOUNDS.length, Math.ceil(Math.log2(ms / FIRST) * STEPS));
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
