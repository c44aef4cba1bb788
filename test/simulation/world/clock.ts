/**
 * Virtual time. It stands still while anything can run and jumps to whatever is due next. Two kinds of things happen in it:
 *
 * - the *outside* (network, servers) acts at its own times, whatever the client's process is doing;
 * - the *client's process* has an event loop like Node's: due timers, then what has arrived on its sockets, then
 *   immediates. While it is stalled the outside goes on, and afterwards its timers run before its sockets are read.
 *
 * Microtasks and `process.nextTick` are real: Node drains them between any two callbacks, because each callback is a real
 * immediate of its own.
 */
import { Random } from "../random.js";
import { Heap } from "./heap.js";

const turn = globalThis.setImmediate;

/** Longest delay a Node timer can hold, in milliseconds: a longer one fires after 1. */
const MAX_DELAY = 2 ** 31 - 1;
/** So many callbacks at one instant are no work but a loop that will not end. */
const LIVELOCK = 200_000;
/** So many callbacks are planned together: Node drains microtasks between two of them, and a turn of its own loop costs more. */
const AT_ONCE = 64;
/** How far the clock creeps while a callback runs, at most, in milliseconds. */
const CREEP = 0.02;

/** Stands in for Node's `Timeout`. */
export class VirtualTimer {
  readonly #clock: VirtualClock;
  readonly callback: (...args: unknown[]) => void;
  readonly args: unknown[];
  readonly delay: number;
  readonly repeats: boolean;
  /** Where it was set; only known while the clock traces. */
  readonly where: string | undefined;
  due = 0;
  seq = 0;
  isActive = false;
  #isRef = true;
  /** The entry in the heap that counts: older ones are stale. */
  entry: unknown = undefined;

  constructor(
    clock: VirtualClock,
    callback: (...args: unknown[]) => void,
    delay: number,
    repeats: boolean,
    args: unknown[],
    where: string | undefined,
  ) {
    this.#clock = clock;
    this.callback = callback;
    this.delay = delay;
    this.repeats = repeats;
    this.args = args;
    this.where = where;
  }

  ref(): this {
    this.#isRef = true;
    return this;
  }

  unref(): this {
    this.#isRef = false;
    return this;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  refresh(): this {
    this.#clock.arm(this);
    return this;
  }

  close(): this {
    this.#clock.cancel(this);
    return this;
  }

  [Symbol.dispose](): void {
    this.#clock.cancel(this);
  }

  [Symbol.toPrimitive](): number {
    return this.seq;
  }
}

interface Entry {
  readonly due: number;
  readonly seq: number;
  readonly timer: VirtualTimer;
}

interface Outside {
  readonly due: number;
  readonly seq: number;
  readonly act: () => void;
}

interface Immediate {
  callback: (() => void) | undefined;
}

/** No run lasts as long. A power of two, so that adding it costs a time none of its digits. Milliseconds. */
const BETWEEN_RUNS = 2 ** 24;

export class VirtualClock {
  /** The client's time in milliseconds; what `performance.now()` returns. */
  now = 0;
  /** When this run began, for the package, which is loaded once: its time never goes back. */
  #start = 0;
  /** Draws for `Math.random`. */
  random: Random = new Random(0);
  /** Called with what a callback threw: in Node the process would end. */
  uncaught: (error: unknown) => void = () => undefined;
  /** Remembers where timers were set. Slow. */
  tracesTimers = false;
  /** Time for which the client's process was stalled, as [from, to]. */
  stalls: (readonly [number, number])[] = [];
  #creep = new Random(0);
  #seq = 0;
  #loopTime = 0;
  #outsideNow: number | undefined = undefined;
  readonly #timers = new Heap<Entry>();
  readonly #active = new Set<VirtualTimer>();
  readonly #outside = new Heap<Outside>();
  #arrived: (() => void)[] = [];
  #immediates: Immediate[] = [];
  #batch: (() => void)[] = [];
  #phase: "timers" | "poll" | "check" = "check";
  #still = 0;
  #lastNow = 0;

  /** Forgets everything that was planned, and starts anew at time 0. */
  reset(random: Random): void {
    this.#start += BETWEEN_RUNS;
    this.now = 0;
    this.random = random.fork("client");
    this.#creep = random.fork("creep");
    this.stalls = [];
    this.#seq = 0;
    this.#loopTime = 0;
    this.#timers.clear();
    for (const timer of this.#active) timer.isActive = false;
    this.#active.clear();
    this.#outside.clear();
    this.#arrived = [];
    this.#immediates = [];
    this.#batch = [];
    this.#phase = "check";
    this.#still = 0;
    this.#lastNow = 0;
  }

  /** The time as the process under test sees it. */
  get processTime(): number {
    return this.#start + this.now;
  }

  /** The time of whoever asks: the client's, or that of the outside while it acts. */
  get time(): number {
    return this.#outsideNow ?? this.now;
  }

  // ---- the outside

  /** Plans something outside the client's process, `delay` milliseconds from now. */
  after(delay: number, act: () => void): void {
    this.at(this.time + Math.max(0, delay), act);
  }

  at(due: number, act: () => void): void {
    this.#outside.push({ due: Math.max(due, this.time), seq: this.#seq++, act });
  }

  /** Something has arrived at the client's process, which reads it in its next poll phase. */
  arrive(callback: () => void): void {
    this.#arrived.push(callback);
  }

  // ---- the client's process

  setTimer(callback: (...args: unknown[]) => void, delay: unknown, repeats: boolean, args: unknown[]): VirtualTimer {
    const wanted = Math.trunc(Number(delay));
    const allowed = wanted >= 1 && wanted <= MAX_DELAY ? wanted : 1;
    const where = this.tracesTimers ? new Error("set here").stack : undefined;
    const timer = new VirtualTimer(this, callback, allowed, repeats, args, where);
    this.arm(timer);
    return timer;
  }

  arm(timer: VirtualTimer): void {
    // As in Node, a timer counts from the start of the loop's turn, in whole milliseconds: it may be up to 1 ms early.
    const entry: Entry = { due: Math.floor(this.now) + timer.delay, seq: this.#seq++, timer };
    timer.due = entry.due;
    timer.seq = entry.seq;
    timer.entry = entry;
    timer.isActive = true;
    this.#active.add(timer);
    this.#timers.push(entry);
  }

  cancel(timer: VirtualTimer): void {
    timer.isActive = false;
    timer.entry = undefined;
    this.#active.delete(timer);
  }

  setImmediate(callback: () => void): Immediate {
    const immediate = { callback };
    this.#immediates.push(immediate);
    return immediate;
  }

  /** The process does nothing for so long: no timer, no socket. The outside goes on. */
  stall(ms: number): void {
    this.stalls.push([this.now, this.now + ms]);
    this.now += ms;
  }

  /** Timers that are still set. */
  get timers(): readonly VirtualTimer[] {
    return [...this.#active];
  }

  // ---- running

  /** Runs until `done` says so, until `limit` on the clock, or until nothing is left to happen. */
  run(limit: number, done: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      /** Planned steps that have not run. */
      let planned = 0;
      let isOver = false;
      const plan = (): void => {
        for (let i = 0; i < AT_ONCE; i++) turn(step);
        planned = AT_ONCE;
      };
      const step = (): void => {
        if (isOver) return;
        let callback: (() => void) | undefined;
        try {
          callback = done() ? undefined : this.#next(limit);
        } catch (error) {
          isOver = true;
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (callback === undefined) {
          isOver = true;
          resolve();
          return;
        }
        if (--planned === 0) plan();
        try {
          callback();
        } catch (error) {
          this.uncaught(error);
        }
        this.now += this.#creep.next() * CREEP;
      };
      plan();
    });
  }

  /** The next callback of the client's process, or `undefined` when there is none before `limit`. */
  #next(limit: number): (() => void) | undefined {
    for (;;) {
      if (this.#phase === "timers") {
        const due = this.#dueTimer();
        if (due !== undefined) return due;
        this.#act();
        this.#phase = "poll";
        this.#batch = this.#arrived;
        this.#arrived = [];
      }
      const ready = this.#batch.shift();
      if (ready !== undefined) return ready;
      if (this.#phase === "poll") {
        this.#phase = "check";
        const immediates = this.#immediates;
        this.#immediates = [];
        this.#batch = immediates.map((immediate) => () => immediate.callback?.());
        continue;
      }
      if (!this.#begin(limit)) return undefined;
    }
  }

  /** Begins a turn of the loop: what is due next decides what time it is. `false` when nothing is before the limit. */
  #begin(limit: number): boolean {
    if (this.#arrived.length === 0 && this.#immediates.length === 0) {
      const timer = this.#firstTimer();
      const next = Math.min(timer?.due ?? Infinity, this.#outside.peek()?.due ?? Infinity);
      if (next === Infinity || next > limit) {
        if (this.now < limit && limit < Infinity) this.now = limit;
        return false;
      }
      if (next > this.now) this.now = next;
    }
    if (this.now - this.#lastNow > 1) {
      this.#lastNow = this.now;
      this.#still = 0;
    } else if (++this.#still > LIVELOCK) throw new Error("livelock: callbacks go on and on while no time passes");
    this.#act();
    this.#loopTime = Math.floor(this.now);
    this.#phase = "timers";
    return true;
  }

  /** Lets the outside act, each thing at its own time. */
  #act(): void {
    for (;;) {
      const next = this.#outside.peek();
      if (next === undefined || next.due > this.now) break;
      this.#outside.pop();
      this.#outsideNow = next.due;
      try {
        next.act();
      } finally {
        this.#outsideNow = undefined;
      }
    }
  }

  #firstTimer(): Entry | undefined {
    for (;;) {
      const entry = this.#timers.peek();
      if (entry === undefined || entry.timer.entry === entry) return entry;
      this.#timers.pop();
    }
  }

  #dueTimer(): (() => void) | undefined {
    const entry = this.#firstTimer();
    if (entry === undefined || entry.due > this.#loopTime) return undefined;
    this.#timers.pop();
    const { timer } = entry;
    return () => {
      if (timer.repeats) this.arm(timer);
      else this.cancel(timer);
      timer.callback(...timer.args);
    };
  }
}
