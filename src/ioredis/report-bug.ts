/** What a caller's own function throws becomes an uncaught exception, as in ioredis, but only once this turn's work is done. */
export function reportBug(thrown: unknown): void {
  process.nextTick(() => {
    throw thrown;
  });
}
