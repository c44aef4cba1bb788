/** How much was acknowledged, by the phase in which it was issued. Knows nothing of clients or faults. */

/** @typedef {{ issued: number, acknowledged: number }} PhaseRow */

export class Phases {
  /** The phase that is on. */
  current = "calm";
  issued = 0;
  /** @type {Map<string, PhaseRow>} */
  #rows = new Map();

  /**
   * Counts one unit under the phase that is on.
   * @param {Promise<unknown>} promise
   */
  count(promise) {
    let row = this.#rows.get(this.current);
    if (row === undefined) this.#rows.set(this.current, (row = { issued: 0, acknowledged: 0 }));
    const counted = row;
    counted.issued++;
    this.issued++;
    promise.then(
      () => counted.acknowledged++,
      () => {},
    );
  }

  /** @returns {Record<string, PhaseRow>} */
  rows() {
    return Object.fromEntries(this.#rows);
  }

  /**
   * Acknowledged share of what was issued, of all phases or of some.
   * @param {(phase: string) => boolean} [chosen]
   */
  share(chosen = () => true) {
    let issued = 0;
    let acknowledged = 0;
    for (const [phase, row] of this.#rows) {
      if (!chosen(phase)) continue;
      issued += row.issued;
      acknowledged += row.acknowledged;
    }
    return acknowledged / issued;
  }
}
