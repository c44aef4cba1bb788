/**
 * How long to wait before the next connection attempt: full jitter, counted from the last one, and back to the bottom only
 * after a connection has proven stable. A server that accepts and drops connections is not hammered, and a fleet does not
 * return in step.
 */
import { fullJitter } from "../flow/backoff.js";
import type { ReconnectPolicy } from "../policy/shape.js";
import { reportBug } from "./report-bug.js";

/** ioredis's own shape: anything but a number gives up. */
export type RetryStrategy = (times: number) => unknown;

export class Reconnect {
  readonly #policy: ReconnectPolicy;
  /** The caller's own strategy, honoured as it is. */
  readonly #custom: RetryStrategy | null | undefined;
  #attempts = 0;
  #dialledAt: number | undefined = undefined;
  #readyAt: number | undefined = undefined;
  /** When the next attempt is due, on the clock of `performance.now()`. */
  dueAt = 0;

  constructor(policy: ReconnectPolicy, custom: RetryStrategy | null | undefined) {
    this.#policy = policy;
    this.#custom = custom;
  }

  get attempts(): number {
    return this.#attempts;
  }

  dialling(): void {
    this.#dialledAt = performance.now();
  }

  ready(): void {
    this.#readyAt = performance.now();
  }

  /** ioredis's `retryStrategy`: the delay in milliseconds, or anything else to give up. */
  readonly strategy = (times: number): unknown => {
    const now = performance.now();
    if (this.#readyAt !== undefined && now - this.#readyAt >= this.#policy.stableAfter) this.#attempts = 0;
    this.#readyAt = undefined;
    this.#attempts++;
    const delay = this.#custom === undefined ? this.#own(now) : this.#asked(times, now);
    if (typeof delay === "number") this.dueAt = now + delay;
    return delay;
  };

  /** Counted from the last attempt, so that the time it stood or was silent is not waited for again. */
  #own(now: number): number {
    const bounds = { ...this.#policy, factor: 2 };
    const rest = fullJitter(bounds, this.#attempts) - (now - (this.#dialledAt ?? now));
    // A server that drops all its clients at once must not see all of them return at once.
    return Math.round(rest > 0 ? rest : fullJitter(bounds, 1));
  }

  /** One that throws must not be the end of the client. */
  #asked(times: number, now: number): unknown {
    try {
      return this.#custom?.(times);
    } catch (thrown) {
      reportBug(thrown);
      return this.#own(now);
    }
  }
}
