/**
 * Puts virtual time in the place of Node's, for the whole process and for good. To be called before the package under test
 * is loaded: it may keep the functions it finds. What is installed stays the same from run to run; the clock behind it is
 * reset.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";
import { promisify } from "node:util";
import type { VirtualClock, VirtualTimer } from "./clock.js";

/** Node's own time, for whoever measures the simulation itself. */
export const real: {
  readonly now: () => number;
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly random: () => number;
} = {
  now: performance.now.bind(performance),
  setTimeout: globalThis.setTimeout,
  random: Math.random,
};

/** What virtual midnight is on the calendar, in milliseconds. */
const EPOCH = Date.UTC(2026, 0, 1);

type Callback = (...args: unknown[]) => void;

/** The same functions as an object, for code that takes its time from one. */
export interface TimeSource {
  readonly now: () => number;
  readonly date: () => number;
  readonly random: () => number;
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
  readonly setInterval: typeof globalThis.setInterval;
  readonly clearInterval: typeof globalThis.clearInterval;
  readonly setImmediate: typeof globalThis.setImmediate;
  readonly clearImmediate: typeof globalThis.clearImmediate;
}

export function timeSource(clock: VirtualClock): TimeSource {
  const clear = (timer: unknown): void => {
    if (isTimer(timer)) clock.cancel(timer);
  };
  const setTimeout = (callback: Callback, delay?: number, ...args: unknown[]): VirtualTimer =>
    clock.setTimer(callback, delay, false, args);
  Object.defineProperty(setTimeout, promisify.custom, { value: sleeper(clock) });
  const source = {
    now: () => clock.processTime,
    date: () => EPOCH + Math.floor(clock.now),
    random: () => clock.random.next(),
    setTimeout,
    clearTimeout: clear,
    setInterval: (callback: Callback, delay?: number, ...args: unknown[]) =>
      clock.setTimer(callback, delay, true, args),
    clearInterval: clear,
    setImmediate: (callback: Callback, ...args: unknown[]) =>
      clock.setImmediate(() => {
        callback(...args);
      }),
    clearImmediate: (immediate: { callback: unknown } | undefined) => {
      if (immediate !== undefined) immediate.callback = undefined;
    },
  };
  return source as unknown as TimeSource;
}

export function installTime(clock: VirtualClock): TimeSource {
  const source = timeSource(clock);
  const { now, date, random, ...timers } = source;
  performance.now = now;
  Date.now = date;
  Math.random = random;
  Object.assign(globalThis, timers);
  const require = createRequire(import.meta.url);
  Object.assign(require("node:timers") as object, timers);
  const sleep = sleeper(clock);
  Object.assign(require("node:timers/promises") as object, {
    setTimeout: sleep,
    setImmediate: (value: unknown) => new Promise((resolve) => clock.setImmediate(() => resolve(value))),
    scheduler: { wait: (delay: number) => sleep(delay), yield: () => sleep(1) },
  });
  AbortSignal.timeout = (delay: number) => {
    const controller = new AbortController();
    clock.setTimer(() => controller.abort(new DOMException("timed out", "TimeoutError")), delay, false, []).unref();
    return controller.signal;
  };
  syncBuiltinESMExports();
  return source;
}

function sleeper(clock: VirtualClock) {
  return <T>(
    delay?: number,
    value?: T,
    options: { readonly signal?: AbortSignal; readonly ref?: boolean } = {},
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const timer = clock.setTimer(
        () => {
          signal?.removeEventListener("abort", stop);
          resolve(value as T);
        },
        delay,
        false,
        [],
      );
      const stop = (): void => {
        clock.cancel(timer);
        reject(new DOMException("aborted", "AbortError"));
      };
      if (options.ref === false) timer.unref();
      signal?.addEventListener("abort", stop, { once: true });
    });
}

function isTimer(value: unknown): value is VirtualTimer {
  return typeof value === "object" && value !== null && "isActive" in value;
}
