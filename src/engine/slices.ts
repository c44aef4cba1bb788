/**
 * Settles thousands of calls without holding the event loop: a few milliseconds a turn. Order is kept, and `finish`
 * completes the rest at once when something must not overtake it.
 */

import { clock, type Immediate } from "../clock.js";

/** Work done in one turn, in milliseconds. */
const SLICE = 5;

export class Slices {
  readonly #queue: (() => void)[] = [];
  #scheduled: Immediate | undefined = undefined;
  #head = 0;

  /** Runs each job in order, starting now; what does not fit into this turn's slice goes on in the next. */
  run<T>(items: readonly T[], job: (item: T) => void): void {
    for (const item of items) this.#queue.push(() => job(item));
    if (this.#scheduled === undefined) this.#turn();
  }

  finish(): void {
    this.#work(Infinity);
  }

  #turn(): void {
    this.#scheduled = undefined;
    this.#work(clock.now() + SLICE);
    if (this.#queue.length > 0) this.#scheduled = clock.setImmediate(() => this.#turn());
  }

  #work(until: number): void {
    let done = 0;
    while (this.#head < this.#queue.length) {
      const job = this.#queue[this.#head++];
      job?.();
      // Reading the clock costs more than most jobs.
      if ((++done & 31) === 0 && clock.now() >= until) return;
    }
    this.#queue.length = 0;
    this.#head = 0;
    if (this.#scheduled !== undefined) clock.clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }
}
