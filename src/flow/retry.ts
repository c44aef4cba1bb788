/**
 * Retries of commands that the server refused for a passing reason (LOADING, BUSY, MASTERDOWN …). Such a refusal
 * concerns the whole connection, so one p-retry loop a client holds the gate for a jittered backoff and lets everything
 * go again in its order; a loop a command would let a later SET overtake an earlier one. Entered only after a failure.
 */
import pRetry from "p-retry";
import type { Call } from "../command/call.js";
import type { RetryPolicy } from "../policy/shape.js";
import { fullJitter } from "./backoff.js";

export interface RetryHooks {
  /** Lets what is held go again; returns the first call sent, if any. */
  release(): Call | undefined;
}

/** A retry that could not end before its deadline by at least this much is not started, in milliseconds. */
const MIN_ATTEMPT = 5;

export class Retrier {
  readonly #policy: RetryPolicy | false;
  readonly #hooks: RetryHooks;
  #running = false;
  /** Commands wait for the end of a backoff. */
  isHolding = false;
  #attempt: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined = undefined;
  #wake: ((goOn: boolean) => void) | undefined = undefined;
  /** The delay of the running backoff, so that a joining call can tell whether it will be in time. */
  #until = 0;

  constructor(policy: RetryPolicy | false, hooks: RetryHooks) {
    this.#policy = policy;
    this.#hooks = hooks;
  }

  /** Whether the call has a retry left and could still meet its deadline. */
  allows(call: Call, now: number): boolean {
    if (this.#policy === false || call.attempts > this.#policy.retries) return false;
    return call.expiresAt - Math.max(now, this.#until) > MIN_ATTEMPT;
  }

  /** Starts a backoff, or joins the one that runs. The call is already back in the gate. */
  hold(error: Error): void {
    this.isHolding = true;
    this.#attempt?.reject(error);
    this.#attempt = undefined;
    if (!this.#running) void this.#run(error);
  }

  /** The connection is gone: the next one lets everything go, whatever the backoff says. */
  stop(): void {
    this.isHolding = false;
    this.#until = 0;
    this.#wake?.(false);
    this.#attempt?.resolve();
    this.#attempt = undefined;
  }

  async #run(first: Error): Promise<void> {
    const policy = this.#policy;
    if (policy === false) return;
    this.#running = true;
    try {
      await pRetry(
        (attempt) => {
          if (attempt === 1) throw first;
          return this.#release();
        },
        {
          // Each call counts its own attempts; the loop goes on as long as the server refuses.
          retries: Infinity,
          minTimeout: 0,
          shouldRetry: ({ attemptNumber }) => this.#sleep(fullJitter(policy, attemptNumber)),
        },
      );
    } catch {
      // Stopped: whoever stopped it has taken over what was held.
    } finally {
      this.#running = false;
    }
    // Refused once more in the very moment the loop ended.
    if (this.isHolding) void this.#run(first);
  }

  /** Resolves when the first released call has been answered, rejects when the server refuses again. */
  #release(): Promise<void> {
    this.isHolding = false;
    return new Promise((resolve, reject) => {
      this.#attempt = { resolve, reject };
      const head = this.#hooks.release();
      if (head === undefined) resolve();
      else {
        const { observer } = head;
        head.observer = () => {
          observer?.();
          resolve();
        };
      }
    });
  }

  #sleep(ms: number): Promise<boolean> {
    this.#until = performance.now() + ms;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(true), ms);
      this.#wake = (goOn) => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#until = 0;
        resolve(goOn);
      };
    });
  }
}
