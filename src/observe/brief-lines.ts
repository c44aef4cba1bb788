/**
 * Trouble that was over before anybody had to be told, in as few lines as tell all of it. What comes in quick succession is
 * one line, written when it has ended; after a line, the rest of an interval is another. The first that hurts a command
 * does not wait behind a line about those that hurt none.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { FailureCounts } from "./failure-counts.js";
import type { Brief } from "./incident-lines.js";

/** A brief whose line is still to come. */
interface Gathered extends Brief {
  retried: number;
}

/** A row that goes on is told after this long, in milliseconds. */
const AT_MOST = 5_000;

export class BriefLines {
  readonly #interval: number;
  readonly #quiet: number;
  readonly #now: () => number;
  readonly #write: (brief: Brief) => void;
  #gathered: Gathered | undefined = undefined;
  #timer: Timer | undefined = undefined;
  /** When the line is due at the latest that waits for the end of a row; `undefined` while none does. */
  #dueAt: number | undefined = undefined;
  /** The line of this interval; `undefined`: there was none. */
  #told: Brief | undefined = undefined;

  /** A row has ended when none has come for `quiet` milliseconds. */
  constructor(interval: number, quiet: number, now: () => number, write: (brief: Brief) => void) {
    this.#interval = interval;
    this.#quiet = quiet;
    this.#now = now;
    this.#write = write;
  }

  add(brief: Brief): void {
    this.#gathered = this.#gathered === undefined ? { ...brief } : joined(this.#gathered, brief);
    if (this.#told !== undefined && (this.#told.counts.failed > 0 || brief.counts.failed === 0)) return;
    const now = this.#now();
    this.#dueAt ??= now + AT_MOST;
    this.#wait(Math.min(this.#quiet, this.#dueAt - now));
  }

  /** What trouble had taken back is sent again after it is over. Returns whether a line will count it. */
  retried(): boolean {
    if (this.#gathered === undefined) return false;
    this.#gathered.retried++;
    return true;
  }

  /** Tells what is gathered, now. */
  flush(): void {
    clock.clearTimeout(this.#timer);
    this.#tell();
    this.#told = undefined;
  }

  #wait(ms: number): void {
    clock.clearTimeout(this.#timer);
    this.#timer = setUnrefTimeout(() => {
      this.#told = this.#tell();
      if (this.#told !== undefined) this.#wait(this.#interval);
    }, ms);
  }

  #tell(): Brief | undefined {
    const told = this.#gathered;
    this.#gathered = this.#dueAt = undefined;
    if (told !== undefined) this.#write(told);
    return told;
  }
}

function joined(one: Brief, other: Brief): Gathered {
  const counts = new FailureCounts();
  counts.addAll(one.counts);
  counts.addAll(other.counts);
  const causes = new Map(one.causes);
  for (const [code, times] of other.causes) causes.set(code, (causes.get(code) ?? 0) + times);
  return {
    causes,
    from: Math.min(one.from, other.from),
    to: Math.max(one.to, other.to),
    duration: Math.max(one.duration, other.duration),
    counts,
    retried: one.retried + other.retried,
  };
}
