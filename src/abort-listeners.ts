/**
 * One listener a signal, however many wait for it: Node takes time for each that a signal has, and warns at the eleventh.
 */

interface Listeners {
  readonly waiting: Set<() => void>;
  readonly hear: () => void;
}

const bySignal = new WeakMap<AbortSignal, Listeners>();

/** Calls `run` once when the signal aborts. Returns what makes it forget. The signal must not have aborted yet. */
export function onceAborted(signal: AbortSignal, run: () => void): () => void {
  let listeners = bySignal.get(signal);
  if (listeners === undefined) {
    const waiting = new Set<() => void>();
    const hear = (): void => {
      bySignal.delete(signal);
      for (const waiter of waiting) waiter();
    };
    listeners = { waiting, hear };
    bySignal.set(signal, listeners);
    signal.addEventListener("abort", hear, { once: true });
  }
  const { waiting, hear } = listeners;
  // Each its own, also where the same function waits twice.
  const waiter = (): void => run();
  waiting.add(waiter);
  return () => {
    if (!waiting.delete(waiter) || waiting.size > 0 || bySignal.get(signal)?.waiting !== waiting) return;
    bySignal.delete(signal);
    signal.removeEventListener("abort", hear);
  };
}
