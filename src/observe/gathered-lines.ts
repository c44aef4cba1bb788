/**
 * Lets the first of a kind through at once and gathers the rest of an interval into one, written at its end: what is held
 * back is told later, never dropped.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";

export class GatheredLines<K, T> {
  readonly #interval: number;
  readonly #write: (kind: K, item: T) => void;
  readonly #join: (one: T, other: T) => T;
  readonly #kinds = new Map<K, { readonly timer: Timer; gathered: T | undefined }>();

  /** `interval` in milliseconds. `join` makes one of two. */
  constructor(interval: number, write: (kind: K, item: T) => void, join: (one: T, other: T) => T) {
    this.#interval = interval;
    this.#write = write;
    this.#join = join;
  }

  add(kind: K, item: T): void {
    const open = this.#kinds.get(kind);
    if (open !== undefined) {
      open.gathered = open.gathered === undefined ? item : this.#join(open.gathered, item);
      return;
    }
    this.#wait(kind);
    this.#write(kind, item);
  }

  /** Tells what is gathered, now. */
  flush(): void {
    for (const [kind, { timer, gathered }] of this.#kinds) {
      clock.clearTimeout(timer);
      if (gathered !== undefined) this.#write(kind, gathered);
    }
    this.#kinds.clear();
  }

  #wait(kind: K): void {
    const timer = setUnrefTimeout(() => {
      const gathered = this.#kinds.get(kind)?.gathered;
      this.#kinds.delete(kind);
      if (gathered === undefined) return;
      this.#wait(kind);
      this.#write(kind, gathered);
    }, this.#interval);
    this.#kinds.set(kind, { timer, gathered: undefined });
  }
}
