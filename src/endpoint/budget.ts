/**
 * A token bucket that keeps retries from becoming a storm: each retry takes a token, each success returns a fraction
 * of one. When everything fails the bucket runs dry and the callers get the first error at once. Shared by all clients
 * of an endpoint.
 */

/** The bucket may grow to this many times its first filling: a busy service may retry a whole connection's reads. */
const GROWTH = 10;

export class RetryBudget {
  readonly #refill: number;
  readonly #cap: number;
  #tokens: number;
  /** Successes not yet turned into tokens: the hot path only counts them. */
  successes = 0;
  denied = 0;

  constructor(policy: { readonly tokens: number; readonly refill: number }) {
    this.#tokens = policy.tokens;
    this.#refill = policy.refill;
    this.#cap = policy.tokens * GROWTH;
  }

  get tokens(): number {
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
