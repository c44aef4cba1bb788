/** What a caller's own function throws becomes an uncaught exception, as in ioredis, but only once this turn's work is done. */
export function reportBug(thrown: unknown): void {
  process.nextTick(() => {
    throw thrown;
  });
}

/** Tells listeners of the caller's. What one throws surfaces in the same way, and whoever tells goes on. */
export function tellListeners(tell: () => unknown): void {
  try {
    tell();
  } catch (thrown) {
    reportBug(thrown);
  }
}
