/**
 * In which order the writes of one key took effect. Each key gets a few numbered writes and then no more, so that the
 * server's data tells the order afterwards: a list holds its numbers in the order in which they were pushed, and a string
 * the number that came last. Knows nothing of clients or faults.
 */

/** @typedef {"pending" | "acknowledged" | "failed"} Outcome */
/** @typedef {{ key: string, kind: "list" | "string", outcomes: Outcome[] }} Series */

/** Keys looked at in one go. */
const AT_ONCE = 500;

export class Order {
  /** @type {Map<string, Series>} */
  #series = new Map();

  /**
   * Watches the next write of a key; its number is the one that `numberOf` told before.
   * @param {string} key
   * @param {"list" | "string"} kind
   * @param {Promise<unknown>} promise
   */
  track(key, kind, promise) {
    let series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, (series = { key, kind, outcomes: [] }));
    const { outcomes } = series;
    const at = outcomes.push("pending") - 1;
    promise.then(
      () => (outcomes[at] = "acknowledged"),
      () => (outcomes[at] = "failed"),
    );
  }

  /** The number that the next write of a key has, from 0. @param {string} key */
  numberOf(key) {
    return this.#series.get(key)?.outcomes.length ?? 0;
  }

  /**
   * How many keys hold their acknowledged writes out of order. A write of unknown outcome may have come late, after its
   * connection was given up: it is not held against anybody.
   * @param {(commands: string[][]) => Promise<unknown[]>} ask sends commands to the server, one reply each
   */
  async violations(ask) {
    const all = [...this.#series.values()];
    let keys = 0;
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE);
      const replies = await ask(
        some.map(({ key, kind }) => (kind === "list" ? ["LRANGE", key, "0", "-1"] : ["GET", key])),
      );
      some.forEach((series, i) => {
        if (!isInOrder(series, replies[i])) keys++;
      });
    }
    return { watched: all.length, outOfOrder: keys };
  }
}

/**
 * @param {Series} series
 * @param {unknown} reply
 */
function isInOrder({ kind, outcomes }, reply) {
  const isKept = (/** @type {number} */ n) => outcomes[n] === "acknowledged";
  if (kind === "list") {
    const kept = (Array.isArray(reply) ? reply : []).map(Number).filter(isKept);
    return kept.every((n, i) => i === 0 || n > (kept[i - 1] ?? -1));
  }
  // An acknowledged write that a later acknowledged one should have replaced.
  const last = outcomes.lastIndexOf("acknowledged");
  return last === -1 || reply === null || !isKept(Number(reply)) || Number(reply) >= last;
}
