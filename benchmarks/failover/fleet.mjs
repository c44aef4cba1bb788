/** Twenty clients of one kind behind Sentinels, in every way a service uses them, and what each sees. */
import { arrivals } from "../../lab/clock.mjs";

/** Milliseconds of patience of both kinds of clients with one call. */
export const DEADLINE = 2000;
const WRITERS = 4;
const IDLE = 12;
const PER_SECOND = 400;
const POLL = 25;

/**
 * @param {"ioredis" | "ours"} kind
 * @param {object} where ioredis options
 * @param {(line: string) => void} log
 */
async function maker(kind, where, log) {
  if (kind === "ioredis") {
    const { Redis } = await import("ioredis");
    return () => new Redis({ ...where }).on("error", (error) => log(`error event: ${error.message}`));
  }
  const { createRedis } = await import("ioredoubt");
  const level = () => (/** @type {object} */ _fields, /** @type {string} */ message) => log(message);
  const logger = { debug: () => {}, info: level(), warn: level(), error: level(), fatal: level() };
  return (/** @type {object} */ more = {}) =>
    createRedis({ ...where, resilience: { logger, deadline: DEADLINE, ...more } }).on("error", () => {});
}

export class Fleet {
  /** @type {string[]} */
  log = [];
  /** Moments of acknowledged writes of the writers. @type {number[]} */
  writes = [];
  /** Moments at which the subscriber heard something, and a blocked consumer got something. @type {number[]} */
  heard = [];
  /** @type {number[]} */
  popped = [];
  /** @type {any[]} */
  clients = [];
  #kind;
  #ledger;
  /** @type {(() => unknown)[]} */
  #ends = [];

  /** @param {"ioredis" | "ours"} kind @param {import("../../lab/ledger.mjs").Ledger} ledger */
  constructor(kind, ledger) {
    this.#kind = kind;
    this.#ledger = ledger;
  }

  /** Resolves when all of them have connected. @param {object} where */
  async start(where) {
    const make = /** @type {(more?: object) => any} */ (await maker(this.#kind, where, (line) => this.log.push(line)));
    const writers = Array.from({ length: WRITERS }, (_, i) => make(i === 0 ? { pool: { size: 2 } } : {}));
    const idle = Array.from({ length: IDLE }, () => make());
    const [borrower, subscriber, publisher, consumer] = [make(), make(), make(), make()];
    this.clients = [...writers, ...idle, borrower, subscriber, publisher, consumer];
    await Promise.all(this.clients.map((client) => client.ping()));
    await subscriber.subscribe("news");
    subscriber.on("message", () => this.heard.push(performance.now()));
    this.#ends.push(
      arrivals(PER_SECOND, (n) => this.#write(writers[n % WRITERS], n)),
      arrivals(20, (n) => this.#borrow(borrower, n)),
      arrivals(20, () => {
        publisher.publish("news", "x").catch(() => {});
        publisher.rpush("jobs", "x").catch(() => {});
      }),
    );
    void this.#consume(consumer);
  }

  /** @param {any} client @param {number} n */
  #write(client, n) {
    if (n % 4 === 0) {
      this.#ledger.track("reads", [], client.get(`w:${n - 4}`));
      return;
    }
    const key = `w:${n}`;
    const write = client.incr(key);
    write.then(
      () => this.writes.push(performance.now()),
      () => {},
    );
    this.#ledger.track("writes", [{ key, kind: "counter" }], write);
  }

  /** @param {any} client @param {number} n */
  #borrow(client, n) {
    const key = `l:${n}`;
    const work = (/** @type {any} */ connection) => connection.incr(key);
    const done = this.#kind === "ours" ? client.withConnection(work) : work(client);
    this.#ledger.track("leases", [{ key, kind: "counter" }], done);
  }

  /** @param {any} client */
  async #consume(client) {
    let ended = false;
    this.#ends.push(() => (ended = true));
    while (!ended) {
      const got = await client.blpop("jobs", 1).catch(() => new Promise((resolve) => setTimeout(resolve, POLL)));
      if (got) this.popped.push(performance.now());
    }
  }

  /** Milliseconds until the last of all clients has made a write issued from now on; Infinity after `patience`. @param {number} patience */
  async allBack(patience) {
    const start = performance.now();
    const back = this.clients.map(async (client, i) => {
      for (let tries = 0; performance.now() - start < patience; tries++) {
        // What is asked of a subscriber is that it hears, which is measured apart
        const isBack = await Promise.race([
          client.set(`b:${i}`, tries).then(
            () => true,
            (/** @type {Error} */ error) => /subscriber mode/.test(error.message),
          ),
          new Promise((resolve) => setTimeout(resolve, patience, false)),
        ]);
        if (isBack) return performance.now() - start;
        await new Promise((resolve) => setTimeout(resolve, POLL));
      }
      return Infinity;
    });
    return Math.max(...(await Promise.all(back)));
  }

  /** Nothing more is issued. */
  stop() {
    for (const end of this.#ends) end();
  }

  /**
   * Ends all connections at once, and returns how many sockets to these ports are left open a moment later.
   * @param {ReadonlySet<number>} ports
   */
  async close(ports) {
    for (const client of this.clients) client.disconnect();
    for (let looks = 0; socketsTo(ports) > 0 && looks < 100; looks++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return socketsTo(ports);
  }
}

/** Not by kind alone: the fault proxies of a scenario run in this process, too. @param {ReadonlySet<number>} ports */
function socketsTo(ports) {
  /** @type {{ remotePort?: number, destroyed?: boolean }[]} */
  const handles = /** @type {any} */ (process)._getActiveHandles();
  return handles.filter(({ remotePort = 0, destroyed }) => destroyed === false && ports.has(remotePort)).length;
}
