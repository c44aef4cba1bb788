/** Shares one lookup among all who want it at the same time, and keeps failing ones apart. */
import { clock, sleep } from "../clock.js";

export interface Lookup<T> {
  readonly result: T;
  /** It found what was asked for. */
  readonly isFound: boolean;
  /** How many connects it cost. */
  readonly connects: number;
}

/** A lookup that has just ended is as good as a new one. Milliseconds. */
const FRESH = 20;
/** What a Sentinel told by itself is acted on for so long without asking. Milliseconds. */
const FRESHLY_TOLD = 500;
/** After one that found nothing the next waits so long, at least, and so long for each connect it cost. Milliseconds. */
const LEAST = 150;
const A_CONNECT = 170;

export class Lookups<T> {
  readonly #look: () => Promise<Lookup<T>>;
  readonly #signal: AbortSignal;
  #running: Promise<Lookup<T>> | undefined = undefined;
  #last: { readonly until: number; readonly lookup: Lookup<T> } | undefined = undefined;
  #nextAt = -Infinity;

  constructor(look: () => Promise<Lookup<T>>, signal: AbortSignal) {
    this.#look = look;
    this.#signal = signal;
  }

  /** Joins the lookup that is under way, or begins one when it may begin. Rejects only when the signal aborts. */
  next(): Promise<Lookup<T>> {
    const last = this.#last;
    if (this.#running === undefined && last?.lookup.isFound === true && clock.now() < last.until) {
      return Promise.resolve(last.lookup);
    }
    return (this.#running ??= this.#run().finally(() => (this.#running = undefined)));
  }

  /** Begins one that knows what is the case now. Never rejects. */
  async anew(): Promise<void> {
    try {
      await this.#running;
      this.told(undefined);
      await this.next();
    } catch {
      // The set has ended.
    }
  }

  /** Something else is true now: `result`, or nobody knows. */
  told(result: T | undefined): void {
    this.#nextAt = -Infinity;
    this.#last =
      result === undefined
        ? undefined
        : { until: clock.now() + FRESHLY_TOLD, lookup: { result, isFound: true, connects: 0 } };
  }

  async #run(): Promise<Lookup<T>> {
    const wait = this.#nextAt - clock.now();
    if (wait > 0) await sleep(wait, this.#signal);
    const lookup = await this.#look();
    const now = clock.now();
    this.#last = { until: now + FRESH, lookup };
    const pause = Math.max(LEAST, lookup.connects * A_CONNECT) * (1 + clock.random() / 4);
    this.#nextAt = lookup.isFound ? now : now + pause;
    return lookup;
  }
}
