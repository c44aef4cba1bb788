/**
 * A storm: random faults of every kind against a real server while clients write to a ledger; afterwards the server's
 * data is held against what the clients were told. The benchmark and the fault tests run the same storm.
 */
import { startProxy } from "./fault-proxy.mjs";
import { arrivals } from "./clock.mjs";
import { Ledger } from "./ledger.mjs";
import { Order } from "./order.mjs";
import { Phases } from "./phases.mjs";
import { Random } from "./random.mjs";
import { startRedis } from "./redis-server.mjs";
import { exchange } from "./resp.mjs";

const SCRIPT = "redis.call('INCR', KEYS[1]) return redis.call('LPUSH', KEYS[2], ARGV[1])";
const READABLE = 100;
/** Turns in which one key of the order check is written, a round of the clients apart, and its writes in each, back to back. */
const TURNS = 2;
const BACK_TO_BACK = 3;

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @typedef {object} Scene
 * @property {import("./redis-server.mjs").RedisServer} server
 * @property {import("./fault-proxy.mjs").FaultProxy} proxy
 * @property {Random} random
 * @property {(low: number, high: number) => Promise<unknown>} wait between so many milliseconds, or until the storm is over
 */

/** @type {Record<string, (scene: Scene) => Promise<unknown>>} */
const FAULTS = {
  async reset({ proxy, random, wait }) {
    for (let times = 1 + Math.floor(random.between(0, 4)); times > 0; times--) {
      proxy.cutAll();
      await wait(20, 200);
    }
  },
  async "drop replies"({ proxy, wait }) {
    proxy.dropReplies();
    await wait(50, 300);
  },
  async "cut after k replies"({ proxy, random, wait }) {
    for (let times = 1 + Math.floor(random.between(0, 3)); times > 0; times--) {
      void proxy.cutAfterReplies(Math.floor(random.between(0, 40)));
      await wait(20, 150);
    }
  },
  async "forward, then cut"({ proxy, random, wait }) {
    for (let times = 1 + Math.floor(random.between(0, 3)); times > 0; times--) {
      void proxy.forwardThenCut();
      await wait(20, 150);
    }
  },
  async blackhole({ proxy, wait }) {
    proxy.blackhole();
    await wait(300, 2000);
  },
  async "kill, port refuses"({ server, proxy, wait }) {
    await Promise.all([server.kill(), proxy.refuse()]);
    await wait(200, 3000);
    await server.restart();
  },
  async "kill, balancer accepts"({ server, wait }) {
    await server.kill();
    await wait(200, 1500);
    await server.restart();
  },
  async freeze({ server, wait }) {
    server.freeze();
    await wait(300, 3000);
    server.thaw();
  },
  async "accept, then close"({ proxy, wait }) {
    proxy.acceptThenClose();
    proxy.cutAll();
    await wait(200, 1000);
  },
  async "silent handshake"({ proxy, wait }) {
    proxy.silent();
    proxy.cutAll();
    await wait(200, 1500);
  },
  async slow({ proxy, wait }) {
    proxy.latency(20, 60);
    await wait(200, 1000);
  },
};

/** While these last the server is not there: nobody expects what is issued then to be acknowledged. */
const DOWN = new Set(["kill, port refuses", "kill, balancer accepts", "freeze"]);

/**
 * @typedef {object} FaultsOptions
 * @property {number} seconds how long the storm lasts
 * @property {number} seed
 * @property {(where: { host: string, port: number }) => unknown} makeClient makes one client under test, connected through the
 *   fault proxy. It is closed by `disconnect()` at the end
 * @property {number} [clients] default 4
 * @property {number} [perSecond] operations per second of all clients together; MULTI and pipelines count as one. Default 800
 * @property {number} [settleWithin] milliseconds after the storm within which everything must have settled. Default 8000
 * @property {(phase: string) => void} [onPhase] told the name of each fault as it begins, and `calm` in between
 * @property {(unit: Promise<unknown>) => void} [watch] told of everything that is issued; a MULTI is one, each member of a pipeline is one
 *
 * @typedef {Awaited<ReturnType<typeof runFaults>>} FaultsVerdict
 */

/**
 * Starts a server (AOF, every write on disk before its reply) and a fault proxy, lets random faults loose on the clients
 * for a while, and compares what they were told with what the server did.
 * @param {FaultsOptions} options
 */
export async function runFaults({
  seconds,
  seed,
  makeClient,
  clients: size = 4,
  perSecond = 800,
  settleWithin = 8000,
  onPhase,
  watch = () => {},
}) {
  const random = new Random(seed);
  const server = await startRedis({ persistence: "aof" });
  const proxy = await startProxy({ target: { port: server.port }, seed });
  /** @type {string[]} */
  const unhandled = [];
  const note = (/** @type {unknown} */ reason) => void unhandled.push(String(reason));
  process.on("unhandledRejection", note);
  /** @type {any[]} */
  const clients = [];
  try {
    const fixed = Array.from({ length: READABLE }, (_, i) => ["SET", `read:${i}`, String(i)]);
    await exchange({ path: server.path }, fixed);
    for (let i = 0; i < size; i++) clients.push(await makeClient({ host: proxy.host, port: proxy.port }));
    const ledger = new Ledger();
    const phases = new Phases();
    const order = new Order();
    const stopLoad = startLoad(clients, { ledger, phases, order, watch }, perSecond);

    let ended = false;
    const end = sleep(seconds * 1000).then(() => (ended = true));
    // The end does not wait for a fault's time to be over.
    const wait = (/** @type {number} */ low, /** @type {number} */ high) =>
      Promise.race([sleep(random.between(low, high)), end]);
    const enter = (/** @type {string} */ phase) => {
      phases.current = phase;
      onPhase?.(phase);
    };
    /** @type {string[]} */
    const happened = [];
    /** @type {string[]} */
    let bag = [];
    enter("calm");
    await wait(300, 800);
    while (!ended) {
      // Every kind once before any kind twice.
      if (bag.length === 0) bag = random.shuffled(Object.keys(FAULTS));
      const name = bag.pop() ?? "reset";
      happened.push(name);
      enter(name);
      await FAULTS[name]?.({ server, proxy, random, wait });
      await proxy.pass();
      enter("calm");
      await wait(500, 1500);
    }
    stopLoad();
    const unsettled = await ledger.drained(settleWithin);
    // A promise without an answer by now is judged as unsettled, even if the goodbye below shakes it loose.
    const ask = (/** @type {string[][]} */ commands) => exchange({ path: server.path }, commands, { timeout: 30_000 });
    const [verdict, { watched, outOfOrder }] = [await ledger.audit(ask), await order.violations(ask)];
    return {
      seed,
      /** The faults that happened, in order. */
      faults: happened,
      issued: phases.issued,
      /** Not settled within `settleWithin` after the storm. */
      unsettled,
      /** Replies that cannot be right: another command's, or of a second execution. */
      wrongReplies: ledger.wrong,
      /** Milliseconds of the slowest call that did settle. */
      slowest: ledger.slowest,
      unhandled,
      acknowledged: ledger.acknowledged,
      failed: ledger.failed,
      codes: Object.fromEntries(ledger.codes),
      /** By the fault that was on when a command was issued. */
      phases: phases.rows(),
      /** Acknowledged share of what was issued while the server was neither killed nor frozen. */
      availability: phases.share((phase) => !DOWN.has(phase)),
      /** Keys whose order of acknowledged writes was looked at, and those of them that had it wrong. */
      keysInOrder: watched,
      outOfOrder,
      ...verdict,
    };
  } finally {
    for (const client of clients) client.disconnect();
    await proxy.stop();
    await server.stop();
    // Rejections that the goodbye itself leaves behind are reported in the next turn.
    await sleep(50);
    process.off("unhandledRejection", note);
  }
}

/**
 * A steady stream of every kind of write, and reads whose answer is known.
 * @param {any[]} clients
 * @param {{ ledger: Ledger, phases: Phases, order: Order, watch: (unit: Promise<unknown>) => void }} books
 * @param {number} perSecond
 */
function startLoad(clients, { ledger, phases, order, watch }, perSecond) {
  /**
   * @param {import("./ledger.mjs").Mark[]} marks
   * @param {Promise<unknown>} promise
   * @param {(reply: unknown) => boolean} right
   */
  function track(marks, promise, right) {
    watch(promise);
    phases.count(promise);
    ledger.track(phases.current, marks, promise, right);
  }

  const counter = (/** @type {string} */ key) => /** @type {const} */ ({ key, kind: "counter" });
  const pushed = (/** @type {string} */ key) => /** @type {const} */ ({ key, kind: "list" });
  const isOne = (/** @type {unknown} */ reply) => reply === 1;

  /** What one member of a batch came to. @param {Promise<any>} batch @param {number} at */
  const member = async (batch, at) => {
    const replies = await batch;
    // A transaction that was given up on replies null: nothing was executed.
    if (!Array.isArray(replies)) throw Object.assign(new Error("EXEC replied null"), { code: "EXEC_NULL" });
    const [error, reply] = replies[at];
    if (error) throw error;
    return reply;
  };

  /**
   * The key of the order check whose turn it is: always the same client's, in successive rounds, then another key.
   * @param {number} id
   * @returns {[key: string, kind: "string" | "list"]}
   */
  const seriesOf = (id) => {
    const turn = Math.floor(id / kinds.length);
    const [client, round] = [turn % clients.length, Math.floor(turn / clients.length)];
    const series = Math.floor(round / TURNS);
    return [`o:${client}:${series}`, series % 2 === 0 ? "string" : "list"];
  };

  /** @type {((client: any, id: number) => void)[]} */
  const kinds = [
    (client, id) => track([counter(`i:${id}`)], client.incr(`i:${id}`), isOne),
    (client, id) => track([pushed(`l:${id}`)], client.lpush(`l:${id}`, "x"), isOne),
    (client, id) => {
      const batch = client.multi().incr(`mi:${id}`).lpush(`ml:${id}`, "x").exec();
      track(
        [counter(`mi:${id}`), pushed(`ml:${id}`)],
        member(batch, 0).then((reply) => [reply]),
        (reply) => Array.isArray(reply) && reply[0] === 1,
      );
    },
    (client, id) => {
      const batch = client
        .pipeline()
        .incr(`pi:${id}`)
        .get(`read:${id % READABLE}`)
        .lpush(`pl:${id}`, "x")
        .exec();
      track([counter(`pi:${id}`)], member(batch, 0), isOne);
      track([], member(batch, 1), (reply) => reply === String(id % READABLE));
      track([pushed(`pl:${id}`)], member(batch, 2), isOne);
    },
    (client, id) =>
      track([counter(`ei:${id}`), pushed(`el:${id}`)], client.eval(SCRIPT, 2, `ei:${id}`, `el:${id}`, "x"), isOne),
    (client, id) => track([], client.get(`read:${id % READABLE}`), (reply) => reply === String(id % READABLE)),
    (client, id) => track([], client.set(`s:${id % 1000}`, "x"), (reply) => reply === "OK"),
    (client, id) => {
      const [key, kind] = seriesOf(id);
      for (let i = 0; i < BACK_TO_BACK; i++) {
        const value = String(order.numberOf(key));
        const promise = kind === "string" ? client.set(key, value) : client.rpush(key, value);
        order.track(key, kind, promise);
        track([], promise, kind === "string" ? (reply) => reply === "OK" : (reply) => Number(reply) > 0);
      }
    },
  ];

  return arrivals(perSecond, (n) =>
    kinds[n % kinds.length]?.(clients[Math.floor(n / kinds.length) % clients.length], n),
  );
}
