/** Rules that say to which command which fault happens, and how often. The same seed draws the same faults. */

/** What the server would say, without having seen the command. */
export const REFUSALS = {
  READONLY: "READONLY You can't write against a read only replica.",
  LOADING: "LOADING Redis is loading the dataset in memory",
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
};

/**
 * What happens.
 *
 * - `dropReply`: the server executes the command; its reply never comes, nor does anything else on that connection.
 * - `cut`: the connection is reset. `after: "sent"`: once the server has executed the command; `"issued"`: before it has seen it.
 * - `delay`: the reply, and what comes behind it, is `ms` late.
 * - `freeze`: nothing moves on any connection for `ms`; new ones are accepted, and hang.
 * - `refuse`: the connection is reset before the server has seen the command, and new ones are refused for `ms`.
 * - `READONLY`, `LOADING`, `OOM`: the command is answered so, and the server does not see it.
 *
 * @typedef {"dropReply" | "cut" | "delay" | "freeze" | "refuse" | "READONLY" | "LOADING" | "OOM"} Fault
 */

/**
 * To which commands which fault happens.
 *
 * @typedef {object} ChaosRule
 * @property {string | RegExp | ((command: readonly string[]) => boolean)} match name of a command in lower case, a RegExp for names, or a
 *   function that is given name and arguments
 * @property {Fault} do what happens
 * @property {"sent" | "issued"} [after] when `cut` happens. Default: `sent`
 * @property {number} [times] to how many commands it happens. Default: 1
 * @property {number} [chance] with which probability it happens to a command that matches, 0 to 1. Default: 1
 * @property {number} [seed] of that chance. Default: 1
 * @property {number} [ms] how long `delay`, `freeze` and `refuse` last, in milliseconds. Default: 100
 */

const FAULTS = new Set(["dropReply", "cut", "delay", "freeze", "refuse", ...Object.keys(REFUSALS)]);

export class Rule {
  #matches;
  #left;
  #chance;
  #random;

  /**
   * @param {ChaosRule} rule
   * @throws {TypeError} when it says something that is no rule
   */
  constructor({ match, do: fault, after = "sent", times = 1, chance = 1, seed = 1, ms = 100 }) {
    if (!FAULTS.has(fault)) throw new TypeError(`do must be one of ${[...FAULTS].join(", ")}`);
    if (after !== "sent" && after !== "issued") throw new TypeError('after must be "sent" or "issued"');
    for (const [name, value] of Object.entries({ times, chance, ms })) {
      if (typeof value !== "number" || !(value >= 0)) throw new TypeError(`${name} must be a number from 0`);
    }
    /** @readonly */
    this.fault = fault;
    /** @readonly */
    this.after = after;
    /** Milliseconds. @readonly */
    this.ms = ms;
    /** To how many commands it has happened. */
    this.hits = 0;
    this.#matches = matcherOf(match);
    this.#left = times;
    this.#chance = chance;
    this.#random = randomFrom(seed);
  }

  /**
   * Whether it happens to this command, which counts.
   * @param {readonly string[]} command
   */
  takes(command) {
    if (this.#left <= 0 || !this.#matches(command)) return false;
    if (this.#chance < 1 && this.#random() >= this.#chance) return false;
    this.#left--;
    this.hits++;
    return true;
  }
}

/**
 * @param {ChaosRule["match"]} match
 * @returns {(command: readonly string[]) => boolean}
 */
function matcherOf(match) {
  if (typeof match === "function") return match;
  // One that is global would go on where its last match ended.
  if (match instanceof RegExp) return ([name = ""]) => name.search(match) >= 0;
  if (typeof match !== "string") throw new TypeError("match must be a command's name, a RegExp or a function");
  const wanted = match.toLowerCase();
  return ([name]) => name === wanted;
}

/**
 * Numbers from 0 to 1 that the seed determines.
 * @param {number} seed
 */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
