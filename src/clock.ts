/**
 * The one source of time, timers and chance. Everything is captured when this module loads, so that a test suite which
 * fakes the global timers later does not stop a handshake or a deadline. A simulation replaces the whole source with
 * `replaceClock`. Every duration is in milliseconds.
 */

/** What `setTimeout` and `setInterval` return. */
export type Timer = NodeJS.Timeout;
/** What `setImmediate` returns. */
export type Immediate = NodeJS.Immediate;

/** A source of time, timers and chance. */
export interface Clock {
  /** Monotonic time in milliseconds, with fractions. */
  now(): number;
  /** Wall time in milliseconds since 1970, for log lines and certificates only. */
  wallTime(): number;
  /** A number from 0 up to but not including 1. */
  random(): number;
  /** A delay beyond 2147483647 ms is cut to that: whoever waits longer looks again. */
  setTimeout(run: () => void, ms: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
  setInterval(run: () => void, ms: number): Timer;
  clearInterval(timer: Timer | undefined): void;
  /** Runs after the poll phase: what lay in a socket when this was called has been read by then. */
  setImmediate(run: () => void): Immediate;
  clearImmediate(immediate: Immediate | undefined): void;
}

/** The longest delay a timer of Node holds, in milliseconds; it takes a longer one for 1 ms. */
const LONGEST_DELAY = 2_147_483_647;

function held(ms: number): number {
  return Math.min(ms, LONGEST_DELAY);
}

function captured(): Clock {
  const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate, performance } =
    globalThis;
  const { now } = performance;
  const { now: wallTime } = Date;
  const { random } = Math;
  return {
    now: () => now.call(performance),
    wallTime: () => wallTime.call(Date),
    random: () => random.call(Math),
    setTimeout: (run, ms) => setTimeout(run, held(ms)),
    clearTimeout: (timer) => clearTimeout(timer),
    setInterval: (run, ms) => setInterval(run, held(ms)),
    clearInterval: (timer) => clearInterval(timer),
    setImmediate: (run) => setImmediate(run),
    clearImmediate: (immediate) => clearImmediate(immediate),
  };
}

/** The clock in use. */
export const clock: Clock = captured();

/** Puts another source in the place of the captured one, as a whole. Call it before the first client is made. */
export function replaceClock(source: Clock): void {
  Object.assign(clock, source);
}

/** A timer that does not keep the process alive. */
export function setUnrefTimeout(run: () => void, ms: number): Timer {
  const timer = clock.setTimeout(run, ms);
  timer.unref();
  return timer;
}

/**
 * Resolves after `ms` milliseconds.
 *
 * @throws the reason of `signal` when it aborts first.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    const onAbort = (): void => {
      clock.clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Settles as `promise` does, or as `onLate` says once `ms` milliseconds are up: with what it returns, or throws. `Infinity`
 * waits without a limit. What the promise does later is ignored; the timer is gone once either has settled.
 *
 * @param arm receives the timer; by default it does not keep the process alive.
 * @throws what `promise` rejects with, or what `onLate` throws.
 */
export async function within<T, L = undefined>(
  promise: PromiseLike<T>,
  ms: number,
  onLate: () => L,
  arm: (timer: Timer) => unknown = (timer) => timer.unref(),
): Promise<T | L> {
  if (ms === Infinity) return promise;
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms);
    arm(timer);
  }).then(onLate);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
