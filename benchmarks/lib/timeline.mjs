/**
 * What callers saw over time, in columns of a quarter of a second: how many calls were answered and how many failed then, and
 * how long the slowest of those took that were issued then. And what was done to the server meanwhile.
 */

/** Width of a column in milliseconds. */
const COLUMN = 250;

/**
 * @typedef {{ label: string, from: number, to?: number }} Mark milliseconds from the start; without `to` it is a moment
 * @typedef {{
 *   column: number, answered: number[], failed: number[], slowest: (number | null)[], unsettled: number[], marks: Mark[],
 * }} Columns `column`: width in milliseconds. `slowest`: milliseconds, by when the call was issued; null where nothing that was
 *   issued then has settled. `unsettled`: calls that were issued then and never settled.
 */

export class Timeline {
  #start;
  /** @type {{ answered: number, failed: number, slowest: number | null, open: number }[]} */
  #columns = [];
  /** @type {Mark[]} */
  #marks = [];

  /** @param {number} [start] as `performance.now()` tells it, default now */
  constructor(start = performance.now()) {
    this.#start = start;
  }

  /** Watches one call from now on. @param {Promise<unknown>} promise */
  watch(promise) {
    const issued = performance.now();
    this.#at(issued).open++;
    const settle = (/** @type {boolean} */ isAnswered) => {
      this.#at(issued).open--;
      this.#settled(issued, performance.now(), isAnswered);
    };
    promise.then(
      () => settle(true),
      () => settle(false),
    );
  }

  /**
   * Enters a call that somebody else has watched. Times as `performance.now()` tells them.
   * @param {{ issued: number, settled: number | undefined, isAnswered: boolean }} call `settled`: undefined when it never did
   */
  add({ issued, settled, isAnswered }) {
    if (settled === undefined) this.#at(issued).open++;
    else this.#settled(issued, settled, isAnswered);
  }

  /**
   * Something begins to be done to the server. What is returned ends it.
   * @param {string} label
   * @param {number} [at] default now
   * @returns {() => void}
   */
  begin(label, at = performance.now()) {
    /** @type {Mark} */
    const mark = { label, from: at - this.#start };
    this.#marks.push(mark);
    return () => (mark.to = performance.now() - this.#start);
  }

  /** @returns {Columns} */
  columns() {
    return {
      column: COLUMN,
      answered: this.#columns.map(({ answered }) => answered),
      failed: this.#columns.map(({ failed }) => failed),
      slowest: this.#columns.map(({ slowest }) => (slowest === null ? null : Math.round(slowest * 10) / 10)),
      unsettled: this.#columns.map(({ open }) => open),
      marks: this.#marks.map(({ label, from, to }) => ({
        label,
        from: Math.round(from),
        ...(to !== undefined && { to: Math.round(to) }),
      })),
    };
  }

  /** @param {number} issued @param {number} settled @param {boolean} isAnswered */
  #settled(issued, settled, isAnswered) {
    this.#at(settled)[isAnswered ? "answered" : "failed"]++;
    const column = this.#at(issued);
    column.slowest = Math.max(column.slowest ?? 0, settled - issued);
  }

  /** @param {number} at */
  #at(at) {
    const place = Math.max(0, Math.floor((at - this.#start) / COLUMN));
    while (this.#columns.length <= place) this.#columns.push({ answered: 0, failed: 0, slowest: null, open: 0 });
    return /** @type {{ answered: number, failed: number, slowest: number | null, open: number }} */ (
      this.#columns[place]
    );
  }
}
