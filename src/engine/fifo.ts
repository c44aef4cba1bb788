/**
 * Calls in the order in which they came, from any place of which one can be taken out. Taking the first is cheap however
 * many have left before: a plain `Set` steps over all of those each time.
 */
import type { Call } from "./call.js";

export class Fifo {
  readonly #calls: Set<Call>;
  /** Everything before it has left. */
  #cursor: Iterator<Call> | undefined = undefined;
  /** Read and not taken yet. */
  #first: Call | undefined = undefined;
  #bytes = 0;

  constructor(calls: Iterable<Call> = []) {
    this.#calls = new Set(calls);
    for (const { bytes } of this.#calls) this.#bytes += bytes;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** What the calls are counted with, together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The calls must not be in it. */
  add(call: Call): void {
    this.#calls.add(call);
    this.#bytes += call.bytes;
  }

  /** Returns whether it was there. */
  delete(call: Call): boolean {
    if (!this.#calls.delete(call)) return false;
    if (call === this.#first) this.#first = undefined;
    this.#bytes -= call.bytes;
    return true;
  }

  /** What came first, if anything is there. */
  get first(): Call | undefined {
    if (this.#first !== undefined) return this.#first;
    // An iterator that has come to its end does not see what is added later.
    if (this.#calls.size === 0) return (this.#cursor = undefined);
    this.#cursor ??= this.#calls.values();
    const next = this.#cursor.next();
    return (this.#first = next.done === true ? undefined : next.value);
  }

  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values();
  }
}
