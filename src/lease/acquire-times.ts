/** How long callers waited for a connection: the last few hundred waits, sorted only when somebody asks. */
import type { AcquireTimes } from "../failure/pool-snapshot.js";

const KEPT = 256;

export class WaitRecord {
  readonly #times: number[] = [];
  #next = 0;

  add(ms: number): void {
    this.#times[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
  }

  snapshot(): AcquireTimes {
    const sorted = this.#times.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 100) / 100;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }
}
