/** Lets one line of a kind through in a span of time and counts the rest, so that the next one can say how many there were. */
export class LogThrottle {
  readonly #kinds = new Map<string, { at: number; suppressed: number }>();

  /** How much there is to report, the suppressed included; undefined while a line of this kind was let through less than `span` ago. */
  take(kind: string, count: number, span: number, now: number): number | undefined {
    const last = this.#kinds.get(kind);
    if (last === undefined) {
      this.#kinds.set(kind, { at: now, suppressed: 0 });
      return count;
    }
    if (now - last.at < span) {
      last.suppressed += count;
      return undefined;
    }
    const total = last.suppressed + count;
    last.at = now;
    last.suppressed = 0;
    return total;
  }
}
