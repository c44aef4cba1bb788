/**
 * Who popped what. Each popping command gets a list of its own with one element at most, so afterwards the server's data
 * and the outcome of that one command tell what became of the element: nothing is made up for by a report about another.
 * Knows nothing of clients or faults.
 */

/**
 * @typedef {"pending" | "delivered" | "nothing" | "maybe" | "no"} Outcome
 *
 * @typedef {object} PopsVerdict What became of the elements; each is counted once, under the outcome of the one command that could pop it.
 * @property {number} pushed
 * @property {number} delivered popped, and given to its caller
 * @property {number} kept still in its list
 * @property {number} reported popped, and its caller was told that the outcome is unknown
 * @property {number} vanished popped, and its caller was told that nothing was, or nothing at all
 * @property {number} twice given to its caller and still in its list
 * @property {number} pending
 * @property {number} wrong replies that name another list or element
 */

/** Adds the element and leaves a mark of it, once, however often it is asked to. */
const PUSH = `if redis.call("SET", KEYS[1] .. ":pushed", "1", "NX") then redis.call("RPUSH", KEYS[1], KEYS[1]) end return 1`;
/** For each list: 0 never pushed, 1 popped, 2 still there. */
const LOOK = `local seen = {}
for i, key in ipairs(KEYS) do
  seen[i] = redis.call("EXISTS", key .. ":pushed") + redis.call("LLEN", key)
end
return seen`;
/** Lists looked at in one go. */
const AT_ONCE = 1_000;

let ledgers = 0;

export class Pops {
  #name = `pops:${++ledgers}`;
  /** Lists whose command is under way and that got no element yet. @type {Set<string>} */
  #open = new Set();
  /** @type {Map<string, Outcome>} */
  #outcomes = new Map();
  /** Wrong replies: another list's element, for instance. */
  #wrong = 0;

  /**
   * Follows one command that pops from the list it is given; resolves when it has settled, never rejects.
   * @param {(key: string) => Promise<unknown>} pop resolves to `[key, element]`, or to null
   * @returns {Promise<Outcome>}
   */
  async follow(pop) {
    const key = `${this.#name}:${this.#outcomes.size}`;
    this.#outcomes.set(key, "pending");
    this.#open.add(key);
    const outcome = await pop(key).then(
      (reply) => {
        if (reply === null) return "nothing";
        if (!Array.isArray(reply) || reply[0] !== key || reply[1] !== key) this.#wrong++;
        return "delivered";
      },
      (error) => (error?.applied === "no" ? "no" : "maybe"),
    );
    this.#open.delete(key);
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  /**
   * Pushes an element for each command that is under way and has none. Whether a push that fails was executed, the marks
   * tell later.
   * @param {(...command: (string | number)[]) => Promise<unknown>} call
   * @returns {Promise<number>} how many were asked for
   */
  async feed(call) {
    const keys = [...this.#open];
    for (const key of keys) this.#open.delete(key);
    await Promise.all(keys.map((key) => call("EVAL", PUSH, 1, key)));
    return keys.length;
  }

  /**
   * Once everything has settled: what became of each element.
   * @param {(...command: (string | number)[]) => Promise<unknown>} call
   */
  async verdict(call) {
    /** @type {PopsVerdict} */
    const tally = {
      pushed: 0,
      delivered: 0,
      kept: 0,
      reported: 0,
      vanished: 0,
      twice: 0,
      pending: 0,
      wrong: this.#wrong,
    };
    const keys = [...this.#outcomes.keys()];
    for (let from = 0; from < keys.length; from += AT_ONCE) {
      const some = keys.slice(from, from + AT_ONCE);
      const seen = /** @type {number[]} */ (await call("EVAL", LOOK, some.length, ...some));
      some.forEach((key, at) => this.#count(tally, this.#outcomes.get(key), seen[at] ?? 0));
    }
    return tally;
  }

  /**
   * @param {PopsVerdict} tally
   * @param {Outcome | undefined} outcome
   * @param {number} seen
   */
  #count(tally, outcome, seen) {
    /** @param {keyof PopsVerdict} what */
    const one = (what) => tally[what]++;
    if (outcome === "pending") one("pending");
    if (seen > 0) one("pushed");
    if (outcome === "delivered") one(seen === 1 ? "delivered" : "twice");
    else if (seen === 2) one("kept");
    else if (seen === 1) one(outcome === "maybe" ? "reported" : "vanished");
  }
}
