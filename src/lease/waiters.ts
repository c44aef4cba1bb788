/** Callers that wait for a connection: first come, first served; each with its own time limit and its own way out. */
import { onceAborted } from "../abort-listeners.js";
import { AwakeTimeout } from "../awake-timeout.js";
import { clock } from "../clock.js";

export interface Waiter<R, T> {
  /** What it asked for. */
  readonly request: R;
  readonly since: number;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export interface WaitLimits {
  /** Milliseconds; `Infinity` for no limit. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

export class Waiters<R extends WaitLimits, T> {
  readonly #waiting = new Set<Waiter<R, T>>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Queues the caller; `late` makes the error for one whose time is up. An aborted signal rejects with its reason, as the platform's own functions do. */
  wait(request: R, late: (waited: number) => Error): Promise<T> {
    const { timeout, signal } = request;
    return new Promise((resolve, reject) => {
      const since = clock.now();
      let timer: AwakeTimeout | undefined;
      const leave = (): void => {
        this.#waiting.delete(waiter);
        timer?.cancel();
        forget?.();
      };
      const waiter: Waiter<R, T> = {
        request,
        since,
        resolve: (value) => {
          leave();
          resolve(value);
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error("aborted", { cause: error }));
        },
      };
      const forget = signal?.aborted === false ? onceAborted(signal, () => waiter.reject(signal.reason)) : undefined;
      if (timeout !== Infinity) {
        timer = new AwakeTimeout(() => waiter.reject(late(clock.now() - since)), timeout, true);
      }
      this.#waiting.add(waiter);
    });
  }

  /** The one whose turn it is. */
  get first(): Waiter<R, T> | undefined {
    return this.#waiting.values().next().value;
  }

  rejectAll(errorFor: (request: R) => unknown): void {
    for (const waiter of [...this.#waiting]) waiter.reject(errorFor(waiter.request));
  }
}
