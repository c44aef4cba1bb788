/**
 * Settles thousands of calls without holding the event loop: a few milliseconds a turn, in order. What must not overtake it
 * waits with `whenDone`.
 */

import { clock, type Immediate } from "../clock.js";

/** Work done in one turn, in milliseconds. */
export const SLICE = 5;

/** So many are worth a turn of their own: gathering them took its time already. */
const MANY = 2_000;

/** One round of work: as many jobs of the same kind as there are items. */
interface Round {
  readonly size: number;
  readonly job: (at: number) => void;
  next: number;
}

export class Slices {
  readonly #rounds: Round[] = [];
  #onDone: (() => void)[] = [];
  #scheduled: Immediate | undefined = undefined;
  #isWorking = false;

  /** Runs each job in order, starting now unless they are many; what does not fit into this turn's slice goes on in the next. */
  run<T>(items: readonly T[], job: (item: T) => void): void {
    this.#rounds.push({ size: items.length, job: (at) => job(items[at] as T), next: 0 });
    if (this.#scheduled !== undefined || this.#isWorking) return;
    if (items.length > MANY) this.#schedule();
    else this.#turn();
  }

  /** Calls `run` once everything is done that was begun before, now if nothing is under way. */
  whenDone(run: () => void): void {
    if (this.#rounds.length === 0) run();
    else this.#onDone.push(run);
  }

  #schedule(): void {
    this.#scheduled = clock.setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = undefined;
    this.#isWorking = true;
    try {
      this.#work(clock.now() + SLICE);
    } finally {
      this.#isWorking = false;
      if (this.#rounds.length > 0) this.#schedule();
    }
    if (this.#rounds.length === 0 && this.#onDone.length > 0) {
      const waiting = this.#onDone;
      this.#onDone = [];
      for (const run of waiting) run();
    }
  }

  #work(until: number): void {
    let done = 0;
    for (let round = this.#rounds[0]; round !== undefined; round = this.#rounds[0]) {
      while (round.next < round.size) {
        // Counted first: a job that throws is not run again.
        round.job(round.next++);
        // Reading the clock costs more than most jobs.
        if ((++done & 31) === 0 && clock.now() >= until) return;
      }
      this.#rounds.shift();
    }
  }
}
