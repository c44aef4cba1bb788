/**
 * How long this process stood still: a blocked event loop, a suspended function, a stopped container. Nothing can be read
 * in that time, so it says nothing of a server. It is measured by a tick, and only while somebody waits for something: an
 * idle process is not woken.
 */
import { clock, type Timer } from "./clock.js";

/** Between two looks at the clock, in milliseconds. */
const TICK = 50;
/** Two looks further apart than this are a stall, in milliseconds. A loop that turns sooner reads its sockets in time. */
export const STALL = 100;
/** So many stalls are remembered. */
const KEPT = 64;

interface Stall {
  readonly from: number;
  readonly until: number;
}

export class StallMeter {
  readonly #stalls: Stall[] = [];
  #holders = 0;
  #ticker: Timer | undefined = undefined;
  #lookedAt = 0;

  /** Measures from now on, until the returned function is called. */
  hold(): () => void {
    if (this.#holders++ === 0) {
      this.#lookedAt = clock.now();
      this.#ticker = clock.setInterval(() => this.#look(), TICK);
      this.#ticker.unref();
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#holders > 0) return;
      this.#look();
      clock.clearInterval(this.#ticker);
      this.#ticker = undefined;
    };
  }

  /** A timer that was due at `from` has run only now: what it knows of a stall while nothing was measured. */
  note(from: number, until: number): void {
    if (this.#holders === 0 && until - from > STALL) this.#remember({ from, until });
  }

  /** Milliseconds of the time since `at`, on the clock of `clock.now()`, in which this process stood still. */
  since(at: number): number {
    const now = clock.now();
    let stalled = this.#holders > 0 && now - this.#lookedAt > STALL ? overlap(this.#present(now), at) : 0;
    for (let i = this.#stalls.length - 1; i >= 0; i--) {
      const part = overlap(this.#stalls[i], at);
      if (part === 0) break;
      stalled += part;
    }
    return stalled;
  }

  /** Milliseconds since `at` in which this process ran. */
  awakeSince(at: number): number {
    return clock.now() - at - this.since(at);
  }

  #look(): void {
    const now = clock.now();
    if (now - this.#lookedAt > STALL) this.#remember(this.#present(now));
    this.#lookedAt = now;
  }

  /** The stall that is just ending: the tick itself would have come in time. */
  #present(now: number): Stall {
    return { from: this.#lookedAt + TICK, until: now };
  }

  #remember(stall: Stall): void {
    this.#stalls.push(stall);
    if (this.#stalls.length > KEPT) this.#stalls.shift();
  }
}

function overlap(stall: Stall | undefined, at: number): number {
  return stall === undefined ? 0 : Math.max(0, stall.until - Math.max(stall.from, at));
}

/** The one of this process. */
export const stalls = new StallMeter();
