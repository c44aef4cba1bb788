/**
 * A steady load of writes and reads on a cluster, and an account of what became of each: every write has a key of its own, so
 * that the data tells afterwards whether it was executed once, twice or not at all; and pushes to a few lists that nobody waits
 * for, so that the lists tell in which order they were executed.
 */

/** Lists that are pushed to. */
const LISTS = 24;

/**
 * @typedef {object} Entry
 * @property {string} kind
 * @property {readonly string[]} keys of which each is to be incremented or set once
 * @property {"pending" | "acknowledged" | "failed" | "unknown"} outcome
 * @property {number} issuedAt by `performance.now()`
 * @property {number} settledAt
 * @property {number} took
 *
 * @typedef {object} Missing
 * @property {string} what
 * @property {string} key
 * @property {number} at when it was acknowledged
 * @property {"ours" | "beyond"} verdict
 */

export class ClusterLoad {
  /** @type {Entry[]} */
  entries = [];
  /** Errors by name and code, with how often they came. @type {Map<string, number>} */
  errors = new Map();
  #client;
  #name;
  #next = 0;
  #stopped = false;
  /** @type {Promise<void> | undefined} */
  #running;
  /** @type {{ outcome: string, settledAt: number }[][]} */
  #pushes = Array.from({ length: LISTS }, () => []);

  /**
   * @param {any} client anything with ioredis's methods
   * @param {string} [name] begins every key
   */
  constructor(client, name = "load") {
    this.#client = client;
    this.#name = name;
  }

  /**
   * Begins: so many rounds a second, one command or batch each.
   * @param {number} rate
   */
  start(rate) {
    this.#stopped = false;
    this.#running = this.#run(rate);
  }

  /** Issues no more; what was issued goes on. */
  async stop() {
    this.#stopped = true;
    await this.#running;
  }

  /** @param {number} rate */
  async #run(rate) {
    const begun = performance.now();
    for (let done = 0; !this.#stopped;) {
      const due = ((performance.now() - begun) / 1000) * rate;
      while (done < due) {
        this.#round();
        done++;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #round() {
    const at = this.#next++;
    const client = this.#client;
    const key = `${this.#name}:${at}`;
    const kind = ["incr", "multi", "pipeline", "mset", "get", "push"][at % 6];
    switch (kind) {
      case "incr":
        this.#track(kind, [key], client.incr(key));
        break;
      case "multi":
        this.#track(kind, [`{${key}}a`, `{${key}}b`], client.multi().incr(`{${key}}a`).incr(`{${key}}b`).exec());
        break;
      case "pipeline": {
        const keys = [`${key}a`, `${key}b`, `${key}c`];
        const pipeline = client.pipeline();
        for (const one of keys) pipeline.incr(one);
        this.#trackMembers(keys, pipeline.exec());
        break;
      }
      case "mset":
        this.#track(kind, [`{${key}}a`, `{${key}}b`], client.mset(`{${key}}a`, "1", `{${key}}b`, "1"));
        break;
      case "get":
        this.#track(kind, [], client.get(key));
        break;
      default:
        this.#push(Math.floor(at / 6) % LISTS);
    }
  }

  /** @param {number} list */
  #push(list) {
    const pushes = this.#pushes[list] ?? [];
    // Several at once, so that some are always on their way when a slot moves.
    for (let i = 0; i < 3; i++) {
      const push = { outcome: "pending", settledAt: 0 };
      const number = pushes.push(push) - 1;
      this.#client.rpush(`${this.#name}:list:${list}`, number).then(
        () => {
          push.outcome = "acknowledged";
          push.settledAt = performance.now();
        },
        (/** @type {Error} */ error) => {
          push.outcome = this.#failed(error);
          push.settledAt = performance.now();
        },
      );
    }
  }

  /**
   * @param {string} kind
   * @param {readonly string[]} keys
   * @param {Promise<unknown>} promise
   */
  #track(kind, keys, promise) {
    /** @type {Entry} */
    const entry = { kind, keys, outcome: "pending", issuedAt: performance.now(), settledAt: 0, took: 0 };
    this.entries.push(entry);
    /** @param {Entry["outcome"]} outcome */
    const settle = (outcome) => {
      entry.outcome = outcome;
      entry.settledAt = performance.now();
      entry.took = entry.settledAt - entry.issuedAt;
    };
    promise.then(
      () => settle("acknowledged"),
      (error) => settle(this.#failed(error)),
    );
  }

  /**
   * @param {readonly string[]} keys
   * @param {Promise<[Error | null, unknown][]>} promise
   */
  #trackMembers(keys, promise) {
    keys.forEach((key, at) => {
      const own = promise.then((results) => {
        const [error, value] = results[at] ?? [new Error("no result")];
        if (error) throw error;
        return value;
      });
      this.#track("pipeline", [key], own);
    });
  }

  /**
   * @param {any} error
   * @returns {"failed" | "unknown"}
   */
  #failed(error) {
    const name = `${error.code ?? error.name}: ${String(error.message).slice(0, 60)}`;
    this.errors.set(name, (this.errors.get(name) ?? 0) + 1);
    // Plain ioredis does not say: what became of it is not held against it.
    return error.applied === "no" ? "failed" : "unknown";
  }

  /** How many of what was issued have not settled. */
  get pending() {
    return (
      this.entries.filter(({ outcome }) => outcome === "pending").length +
      this.#pushes.flat().filter(({ outcome }) => outcome === "pending").length
    );
  }

  /**
   * Waits until everything has settled.
   * @param {number} limit milliseconds
   */
  async settled(limit) {
    const end = performance.now() + limit;
    while (this.pending > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /**
   * Compares what callers were told with what the cluster has. Of writes that were acknowledged and are not there, `beyond` counts
   * those that no replica had received, by the record of what replicas had, and `lost` all others.
   * @param {any} reader a client that reads from the masters
   * @param {{ judge(key: string, confirmedAt: number): Promise<"ours" | "beyond"> }} [record]
   */
  async account(reader, record = { judge: () => Promise.resolve("ours") }) {
    let twice = 0;
    let untrue = 0;
    let disorder = 0;
    /** Acknowledged, and not there. @type {Missing[]} */
    const missing = [];
    const entries = this.entries.filter(({ keys }) => keys.length > 0);
    for (let at = 0; at < entries.length; at += 200) {
      const part = entries.slice(at, at + 200);
      const values = await Promise.all(part.map(({ keys }) => Promise.all(keys.map((key) => reader.get(key)))));
      part.forEach((entry, i) => {
        const counts = (values[i] ?? []).map(Number);
        if (counts.some((count) => count > 1)) twice++;
        if (entry.outcome === "failed" && counts.some((count) => count > 0)) untrue++;
        if (entry.outcome !== "acknowledged" || counts.every((count) => count >= 1)) return;
        missing.push({ what: entry.kind, key: entry.keys[0] ?? "", at: entry.settledAt, verdict: "ours" });
      });
    }
    for (let list = 0; list < LISTS; list++) {
      const key = `${this.#name}:list:${list}`;
      const numbers = (await reader.lrange(key, 0, -1)).map(Number);
      const pushes = this.#pushes[list] ?? [];
      const seen = new Set();
      let highest = -1;
      for (const number of numbers) {
        if (seen.has(number)) twice++;
        seen.add(number);
        // One whose outcome nobody knows may be executed late.
        if (pushes[number]?.outcome !== "acknowledged") continue;
        if (number < highest) disorder++;
        highest = Math.max(highest, number);
      }
      pushes.forEach(({ outcome, settledAt }, number) => {
        if (outcome === "failed" && seen.has(number)) untrue++;
        if (outcome !== "acknowledged" || seen.has(number)) return;
        missing.push({ what: `push ${number}`, key, at: settledAt, verdict: "ours" });
      });
    }
    for (const one of missing) one.verdict = await record.judge(one.key, one.at);
    const ours = missing.filter(({ verdict }) => verdict === "ours");
    const all = [...this.entries, ...this.#pushes.flat()];
    /** @param {string} outcome */
    const count = (outcome) => all.filter((one) => one.outcome === outcome).length;
    return {
      issued: all.length,
      acknowledged: count("acknowledged"),
      failed: count("failed"),
      unknown: count("unknown"),
      unsettled: count("pending"),
      twice,
      lost: ours.length,
      beyond: missing.length - ours.length,
      untrue,
      disorder,
      /** What was lost although a replica had it, in the order in which it was acknowledged. */
      ours: ours.sort((one, other) => one.at - other.at),
      slowest: Math.round(Math.max(0, ...this.entries.map(({ took }) => took))),
    };
  }
}
