/** Settle times without keeping the promises: the harness must not be what fills the heap. */

export class Settlements {
  issued = 0;
  settled = 0;
  failed = 0;
  slowest = 0;
  lastAt = 0;

  /** @param {Promise<unknown>} promise @param {number} [at] */
  watch(promise, at = performance.now()) {
    this.issued++;
    promise.then(
      () => this.#note(at),
      () => {
        this.failed++;
        this.#note(at);
      },
    );
  }

  /** @param {number} at */
  #note(at) {
    this.settled++;
    this.lastAt = performance.now();
    this.slowest = Math.max(this.slowest, this.lastAt - at);
  }

  /** Waits for all of them, so many milliseconds at most. @param {number} ms @returns {Promise<number>} how many are unsettled */
  async all(ms) {
    const until = performance.now() + ms;
    while (this.settled < this.issued && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 5));
    return this.issued - this.settled;
  }
}
