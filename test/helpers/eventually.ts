/**
 * Waits for a state instead of for a time. The only kind of waiting that tests of real servers may do.
 */
import { setImmediate, setTimeout } from "node:timers/promises";

/** How often the state is looked at, once the first few looks in the same instant have failed. */
const INTERVAL = 5;
const EAGER_LOOKS = 5;

/**
 * Calls `fn` until it does not throw (nor reject) and returns its value. After `withinMs` (default 5000) the last error is
 * thrown, with the time in its message.
 */
export async function eventually<T>(
  fn: () => T | Promise<T>,
  options: { readonly withinMs?: number } = {},
): Promise<T> {
  const withinMs = options.withinMs ?? 5000;
  const start = performance.now();
  for (let looks = 1; ; looks++) {
    try {
      return await fn();
    } catch (error) {
      if (performance.now() - start >= withinMs) throw addTime(error, withinMs);
    }
    await (looks <= EAGER_LOOKS ? setImmediate() : setTimeout(INTERVAL));
  }
}

function addTime(error: unknown, withinMs: number): unknown {
  if (error instanceof Error) error.message = `still so after ${withinMs} ms: ${error.message}`;
  return error;
}
