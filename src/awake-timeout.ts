/**
 * Timers for whoever waits for a server: time in which this process stood still does not count, and what arrived in the
 * meantime is read before anybody is told that it is late.
 */
import { clock, type Immediate, type Timer } from "./clock.js";
import { stalls } from "./stall-meter.js";

/** A timer may run this much too early by the monotonic clock, in milliseconds. */
const EARLY = 1;
/** What a stall kept waiting needs more than one turn, a handshake for instance: at least this much, once. Milliseconds. */
const AFTER_STALL = 100;
/** The longest timer there is, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

export class AwakeTimeout {
  readonly #run: () => void;
  readonly #ms: number;
  readonly #keepsProcess: boolean;
  readonly #since = clock.now();
  readonly #release = stalls.hold();
  #armedAt = 0;
  #timer: Timer | undefined = undefined;
  #immediate: Immediate | undefined = undefined;
  #hadGrace = false;

  /** @param keepsProcess whether it keeps the process alive; by default it does not. */
  constructor(run: () => void, ms: number, keepsProcess = false) {
    this.#run = run;
    this.#ms = ms;
    this.#keepsProcess = keepsProcess;
    this.#arm(ms);
  }

  cancel(): void {
    clock.clearTimeout(this.#timer);
    clock.clearImmediate(this.#immediate);
    this.#release();
  }

  #arm(ms: number): void {
    this.#armedAt = clock.now();
    this.#timer = clock.setTimeout(() => this.#due(), Math.min(LONGEST, Math.ceil(ms)));
    if (!this.#keepsProcess) this.#timer.unref();
  }

  #due(): void {
    const rest = this.#rest();
    if (rest > EARLY) {
      this.#arm(rest);
      return;
    }
    // Time-outs run before the poll phase: what lies in the sockets comes first.
    this.#immediate = clock.setImmediate(() => {
      this.#release();
      this.#run();
    });
  }

  #rest(): number {
    const rest = this.#ms - stalls.awakeSince(this.#since);
    if (this.#hadGrace || rest >= AFTER_STALL || stalls.since(this.#armedAt) === 0) return rest;
    this.#hadGrace = true;
    return AFTER_STALL;
  }
}

/**
 * Settles as `promise` does, or as `onLate` says once this process has run for `ms` milliseconds.
 *
 * @param keepsProcess whether that keeps the process alive; by default it does not.
 */
export async function withinAwake<T, L = undefined>(
  promise: PromiseLike<T>,
  ms: number,
  onLate: () => L,
  keepsProcess = false,
): Promise<T | L> {
  if (ms === Infinity) return promise;
  let timer: AwakeTimeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = new AwakeTimeout(resolve, ms, keepsProcess);
  }).then(onLate);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.cancel();
  }
}
