/** The one way to wait for a promise for a limited time. Pure: it knows no clock but the timer, and nothing of who waits. */

/**
 * Settles as `promise` does, or as `onLate` says once `ms` milliseconds are up: with what it returns, or throws. `Infinity` waits
 * without a limit. What the promise does later is ignored; the timer is gone once either has settled.
 *
 * @param arm receives the timer, to let go of it (`unref`) where waiting must not keep the process alive.
 * @throws what `promise` rejects with, or what `onLate` throws.
 */
export async function within<T, L = undefined>(
  promise: Promise<T>,
  ms: number,
  onLate: () => L,
  arm?: (timer: NodeJS.Timeout) => unknown,
): Promise<T | L> {
  if (ms === Infinity) return promise;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    arm?.(timer);
  }).then(onLate);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
