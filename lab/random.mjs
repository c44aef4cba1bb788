/** Seeded randomness: the same seed draws the same faults in the same order. */

export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). Mulberry32: small, and good enough for drawing faults. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A number from `low` up to `high`. @param {number} low @param {number} high */
  between(low, high) {
    return low + this.next() * (high - low);
  }

  /** The items in a random order. @template T @param {readonly T[]} items @returns {T[]} */
  shuffled(items) {
    const keyed = items.map((item) => /** @type {const} */ ([this.next(), item]));
    return keyed.sort((a, b) => a[0] - b[0]).map(([, item]) => item);
  }
}
