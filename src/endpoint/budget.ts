/**
 * A token bucket that keeps retries from becoming a storm: each retry takes a token, each success returns a fraction
 * of one. When everything fails the bucket runs dry and the callers get the first error at once. What was spent comes back
 * with time too: after an outage a service that is seldom used has no successes to earn a retry with. Shared by all clients
 * of an endpoint.
 */
import { clock } from "../clock.js";

/** The bucket may grow to this many times its first filling: a busy service may retry a whole connection's reads. */
const GROWTH = 10;
/** An empty bucket is filled as at first after so long, whatever succeeds. Milliseconds. */
const FULL_AGAIN = 60_000;

export class RetryBudget {
  readonly #refill: number;
  readonly #first: number;
  readonly #cap: number;
  #tokens: number;
  /** When the tokens were counted last, on the monotonic clock. */
  #countedAt = clock.now();
  /** Successes not yet turned into tokens: the hot path only counts them. */
  successes = 0;
  denied = 0;

  constructor(policy: { readonly tokens: number; readonly refill: number }) {
    this.#tokens = this.#first = policy.tokens;
    this.#refill = policy.refill;
    this.#cap = policy.tokens * GROWTH;
  }

  get tokens(): number {
    const now = clock.now();
    const byTime = (this.#first * (now - this.#countedAt)) / FULL_AGAIN;
    this.#countedAt = now;
    if (this.#tokens < this.#first) this.#tokens = Math.min(this.#first, this.#tokens + byTime);
    this.#tokens = Math.min(this.#cap, this.#tokens + this.successes * this.#refill);
    this.successes = 0;
    return this.#tokens;
  }

  /** Takes one token, or says no. Never waits. */
  take(): boolean {
    if (this.tokens < 1) {
      this.denied++;
      return false;
    }
    this.#tokens -= 1;
    return true;
  }
}
