/** The watchdog of a connection, on a clock that can stand still as a frozen process does. */
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceClock, type Timer } from "../../src/clock.js";
import { Watchdog } from "../../src/ioredis/watchdog.js";
import { stalls } from "../../src/stall-meter.js";
import { followGlobals } from "../helpers/global-clock.js";

interface Due {
  at: number;
  readonly every: number | undefined;
  readonly run: () => void;
}

/** A loop that runs its timers when it is told to: `pass` lets time go by, `freeze` does not. */
class StandingClock {
  now = 1000;
  readonly #timers = new Set<Due>();

  install(): void {
    const set = (run: () => void, ms: number, every?: number): Timer => {
      const due: Due = { at: this.now + ms, every, run };
      this.#timers.add(due);
      return Object.assign(due, { unref: () => due }) as unknown as Timer;
    };
    const clear = (timer: unknown): void => void this.#timers.delete(timer as Due);
    replaceClock({
      now: () => this.now,
      wallTime: () => this.now,
      random: () => 0.5,
      setTimeout: (run, ms) => set(run, ms),
      clearTimeout: clear,
      setInterval: (run, ms) => set(run, ms, ms),
      clearInterval: clear,
      setImmediate: (run) => setImmediate(run),
      clearImmediate: (immediate) => clearImmediate(immediate),
    });
  }

  freeze(ms: number): void {
    this.now += ms;
  }

  /** In steps of a millisecond; what is due runs at once, also what became due while the process was frozen. */
  async pass(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end; this.now++) {
      const due = [...this.#timers].filter(({ at }) => at <= this.now);
      for (const timer of due) {
        if (timer.every === undefined) this.#timers.delete(timer);
        else timer.at = this.now + timer.every;
        timer.run();
      }
      if (due.length > 0) await new Promise(setImmediate);
    }
  }
}

let time: StandingClock;
let watchdog: Watchdog;
let sentAt: number | undefined;
let silentAt: number | undefined;

beforeEach(() => {
  time = new StandingClock();
  time.install();
  sentAt = silentAt = undefined;
  watchdog = new Watchdog(
    { interval: 15_000, timeout: 5000 },
    { timeout: 3000, longest: 10_000, lookup: 10_000 },
    {
      handshakeLate: () => true,
      owedFor: (now) => (sentAt === undefined ? 0 : Math.max(0, now - sentAt - stalls.since(sentAt))),
      isIdle: () => sentAt === undefined,
      ping: () => (sentAt = time.now),
      silent: () => (silentAt ??= time.now),
      head: () => undefined,
    },
  );
  watchdog.connected(new Socket());
  watchdog.ready();
});
afterEach(() => {
  watchdog.closed();
  followGlobals();
});

describe("a connection of a process that was frozen for 7 s", () => {
  it("must answer the PING of the first look within 1.5 s", async () => {
    await time.pass(300);
    time.freeze(7000);
    const woken = time.now;
    await time.pass(5000);
    expect(watchdog.pausedFor).toBe(4800);
    expect((silentAt ?? Infinity) - woken).toBeLessThanOrEqual(1600);
  });

  it("must answer within 1.5 s what was sent before that look, too", async () => {
    await time.pass(300);
    time.freeze(7000);
    const woken = (sentAt = time.now);
    time.freeze(2);
    await time.pass(5000);
    expect((silentAt ?? Infinity) - woken).toBeLessThanOrEqual(1600);
  });

  it("may be silent for heartbeat.timeout where the process was away for less than 5 s", async () => {
    await time.pass(300);
    time.freeze(3000);
    const woken = (sentAt = time.now);
    await time.pass(8000);
    expect(watchdog.pausedFor).toBeUndefined();
    expect((silentAt ?? Infinity) - woken).toBeGreaterThanOrEqual(4900);
  });
});
