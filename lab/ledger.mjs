/**
 * Who was promised what, and what the server really did. Every write goes to keys of its own, so that afterwards the
 * server's data alone says how often it was executed: a counter of 2 is a write executed twice, and an acknowledged
 * write without a key is a lost acknowledgement. Knows nothing of clients or faults.
 */

/**
 * @typedef {{ key: string, kind: "counter" | "list" }} Mark Where one execution leaves one trace.
 * @typedef {{
 *   marks: Mark[], phase: string, issued: number, settled: number,
 *   outcome: "pending" | "acknowledged" | "maybe" | "no", code: string | undefined, executed?: boolean,
 * }} Entry `maybe`: it failed and nobody said that it was not applied. `no`: it failed, and the error says it was not applied.
 * `executed`: whether the audit found its trace.
 */

export class Ledger {
  /** @type {Entry[]} */
  entries = [];
  pending = 0;
  acknowledged = 0;
  failed = 0;
  /** Of those that failed: how many by an error that promises that nothing was executed. */
  saidNo = 0;
  /** Replies that cannot be right: another command's reply, or a counter that was not fresh. */
  wrong = 0;
  slowest = 0;
  /** @type {Map<string, number>} */
  codes = new Map();
  #saysNo;

  /** @param {(error: any) => boolean} [saysNo] whether an error promises that its command was not executed; default: `applied: "no"` */
  constructor(saysNo = (error) => error?.applied === "no") {
    this.#saysNo = saysNo;
  }

  /**
   * Watches one command.
   * @param {string} phase
   * @param {Mark[]} marks
   * @param {Promise<unknown>} promise
   * @param {(reply: unknown) => boolean} [right] whether the reply is the one that a single execution gives
   */
  track(phase, marks, promise, right) {
    /** @type {Entry} */
    const entry = { marks, phase, issued: performance.now(), settled: 0, outcome: "pending", code: undefined };
    // Entries without marks are reads: counted, and not kept longer than they are pending.
    if (marks.length > 0) this.entries.push(entry);
    this.pending++;
    promise.then(
      (reply) => {
        if (right !== undefined && !right(reply)) this.wrong++;
        this.#settle(entry, "acknowledged");
      },
      (error) => this.fail(entry, error),
    );
    return entry;
  }

  /**
   * @param {Entry} entry
   * @param {any} error
   */
  fail(entry, error) {
    entry.code = codeOf(error);
    this.codes.set(entry.code, (this.codes.get(entry.code) ?? 0) + 1);
    this.#settle(entry, this.#saysNo(error) ? "no" : "maybe");
  }

  /**
   * @param {Entry} entry
   * @param {Entry["outcome"]} outcome
   */
  #settle(entry, outcome) {
    entry.settled = performance.now();
    entry.outcome = outcome;
    this.pending--;
    if (outcome === "acknowledged") this.acknowledged++;
    else this.failed++;
    if (outcome === "no") this.saidNo++;
    this.slowest = Math.max(this.slowest, entry.settled - entry.issued);
  }

  /** Resolves when nothing is pending, or after `ms`. Returns how many are still pending. */
  async drained(/** @type {number} */ ms) {
    const until = performance.now() + ms;
    while (this.pending > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    return this.pending;
  }

  /**
   * Compares the promises with the server's data.
   * @param {(commands: string[][]) => Promise<unknown[]>} ask sends commands to the server, one reply each
   */
  async audit(ask) {
    const verdict = {
      executedTwice: 0,
      /** Acknowledged, but not in the server's data. */
      lostAcknowledgements: 0,
      /** Failed with `applied: "no"`, but executed. */
      falseNo: 0,
      /** Transactions or scripts of which a part was executed. */
      torn: 0,
      /** Failed without knowing whether they were applied: how many were, and how many were not. */
      unknownExecuted: 0,
      unknownNot: 0,
    };
    const size = 500;
    for (let at = 0; at < this.entries.length; at += size) {
      const part = this.entries.slice(at, at + size);
      const commands = part.flatMap((entry) =>
        entry.marks.map((mark) => [mark.kind === "list" ? "llen" : "get", mark.key]),
      );
      const replies = (await ask(commands)).map((reply) => Number(reply ?? 0));
      let next = 0;
      for (const entry of part) {
        const counts = entry.marks.map(() => replies[next++] ?? Number.NaN);
        if (counts.some(Number.isNaN)) throw new Error("the audit could not read the ledger's keys");
        if (counts.some((count) => count > 1)) verdict.executedTwice++;
        // The members of one atomic unit leave all their traces or none.
        if (new Set(counts).size > 1) verdict.torn++;
        const executed = counts.some((count) => count > 0);
        entry.executed = executed;
        if (entry.outcome === "acknowledged" && !executed) verdict.lostAcknowledgements++;
        if (entry.outcome === "no" && executed) verdict.falseNo++;
        if (entry.outcome === "maybe") verdict[executed ? "unknownExecuted" : "unknownNot"]++;
      }
    }
    return verdict;
  }
}

/**
 * A short name for an error: the code if it has one, else its class, else its text.
 * @param {any} error
 * @returns {string}
 */
export function codeOf(error) {
  if (typeof error?.code === "string") return error.code;
  const { name = "Error", message = "" } = error ?? {};
  if (name !== "Error" && name !== "ReplyError") return name;
  return name === "ReplyError" ? (message.split(" ")[0] ?? name) : message.slice(0, 40);
}
