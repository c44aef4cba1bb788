/**
 * How long to wait before the next connection attempt. A connection that served is redialled at once. After that the wait
 * grows, with full jitter and counted from the last attempt, as long as attempts fail or serve nothing; it stays short while
 * somebody wants the server and an attempt costs nothing.
 */
import { clock } from "../clock.js";
import { fullJitter } from "../endpoint/backoff.js";
import type { ReconnectPolicy } from "../policy/shape.js";
import { reportBug } from "./report-bug.js";

/** ioredis's own shape: anything but a number gives up. */
export type RetryStrategy = (times: number) => unknown;

export interface ReconnectHooks {
  /** A reply to a command came over the connection that was just lost. */
  hasServed(): boolean;
  /** Commands wait for a connection, or are refused for want of one. */
  isWanted(): boolean;
  /** The last attempt was refused or reset, without a word of the server. */
  wasRefused(): boolean;
  /** The delay as the endpoint allows it: its clients share a rate. */
  spaced(delay: number): number;
  /** When the next attempt may begin is decided elsewhere, for all clients together. */
  isPaced(): boolean;
}

/** An attempt that was refused within this long costs nobody anything. Milliseconds. */
const AT_ONCE = 100;
/** Bound of the backoff while the server is wanted and attempts are refused at once, in milliseconds. */
const WANTED = 250;
/** "At once" is spread over this, so that many processes do not dial in the same instant. Milliseconds. */
const SPREAD = 5;
/** A server that serves and drops is redialled at once at most this often, in milliseconds. */
const ONCE_EVERY = 100;

export class Reconnect {
  readonly #policy: ReconnectPolicy;
  /** The caller's own strategy, honoured as it is. */
  #custom: RetryStrategy | null | undefined;
  readonly #hooks: ReconnectHooks;
  #attempts = 0;
  #dialledAt: number | undefined = undefined;
  #readyAt: number | undefined = undefined;
  #atOnceAt = -Infinity;
  /** The attempt before the present wait cost nothing, so that whoever comes meanwhile may shorten it. */
  #isCheap = false;
  /** When the next attempt is due, on the monotonic clock. */
  dueAt = 0;

  constructor(policy: ReconnectPolicy, custom: RetryStrategy | null | undefined, hooks: ReconnectHooks) {
    this.#policy = policy;
    this.#custom = custom;
    this.#hooks = hooks;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** The caller has another strategy from now on. */
  use(custom: RetryStrategy | null | undefined): void {
    this.#custom = custom;
  }

  dialling(): void {
    this.#dialledAt = clock.now();
  }

  ready(): void {
    this.#readyAt = clock.now();
  }

  /** ioredis's `retryStrategy`: the delay in milliseconds, or anything else to give up. */
  readonly strategy = (times: number): unknown => {
    const now = clock.now();
    const readyAt = this.#readyAt;
    this.#readyAt = undefined;
    const served = readyAt !== undefined && this.#hooks.hasServed();
    if (served || (readyAt !== undefined && now - readyAt >= this.#policy.stableAfter)) this.#attempts = 0;
    this.#attempts++;
    this.#isCheap = this.#custom === undefined && now - (this.#dialledAt ?? now) < AT_ONCE && this.#hooks.wasRefused();
    const delay = this.#custom === undefined ? this.#own(now, served) : this.#asked(times, now);
    if (typeof delay === "number") this.dueAt = now + delay;
    return delay;
  };

  /** Somebody wants the server: milliseconds until the next attempt if that should come sooner than it was due. */
  hurry(): number | undefined {
    const now = clock.now();
    if (!this.#isCheap || this.dueAt - now <= WANTED) return undefined;
    const delay = this.#hooks.spaced(clock.random() * WANTED);
    if (now + delay >= this.dueAt) return undefined;
    this.dueAt = now + delay;
    return delay;
  }

  /** There is a server that is known to serve: milliseconds until it is dialled, unless the caller decides that. */
  now(): number | undefined {
    if (this.#custom !== undefined) return undefined;
    const delay = clock.random() * SPREAD;
    this.dueAt = clock.now() + delay;
    return delay;
  }

  #own(now: number, served: boolean): number {
    if (this.#hooks.isPaced()) return Math.round(clock.random() * SPREAD);
    if (served && now - this.#atOnceAt >= ONCE_EVERY) {
      this.#atOnceAt = now;
      return Math.round(this.#hooks.spaced(clock.random() * SPREAD));
    }
    return Math.round(this.#hooks.spaced(this.#backoff(now)));
  }

  /** Counted from the last attempt, so that the time it stood or was silent is not waited for again. */
  #backoff(now: number): number {
    const { maxTimeout } = this.#policy;
    const cap = this.#isCheap && this.#hooks.isWanted() ? Math.min(maxTimeout, WANTED) : maxTimeout;
    const bounds = { ...this.#policy, maxTimeout: cap, factor: 2 };
    const rest = fullJitter(bounds, this.#attempts) - (now - (this.#dialledAt ?? now));
    // A server that drops all its clients at once must not see all of them return at once.
    return rest > 0 ? rest : fullJitter(bounds, 1);
  }

  /** One that throws must not be the end of the client. */
  #asked(times: number, now: number): unknown {
    try {
      return this.#custom?.(times);
    } catch (thrown) {
      reportBug(thrown);
      return this.#own(now, false);
    }
  }
}
