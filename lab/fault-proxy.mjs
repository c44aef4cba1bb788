/**
 * A TCP relay that breaks on command: the faults of real networks, each one switched on and off by a call.
 * It owns the listener, the mode and the counters; `proxy-link.mjs` carries the bytes of one connection.
 * Nothing here waits for a time that was not asked for, so a test decides what happens between two bytes.
 */
import { createServer } from "node:net";
import { freePort } from "./free-port.mjs";
import { Link } from "./proxy-link.mjs";

/**
 * @param {import("./fault-proxy.mjs").ProxyOptions} options
 * @returns {Promise<import("./fault-proxy.mjs").FaultProxy>}
 */
export async function startProxy(options) {
  for (let tries = 1; ; tries++) {
    const proxy = new Proxy(options, options.port ?? (await freePort()));
    try {
      await proxy.listen();
      return proxy;
    } catch (error) {
      if (options.port !== undefined || tries >= 5) throw error;
    }
  }
}

class Proxy {
  host = "127.0.0.1";
  /** @type {import("./fault-proxy.mjs").ProxyMode} */
  mode = "pass";
  counters = {
    connections: 0,
    open: 0,
    acceptedAt: /** @type {number[]} */ ([]),
    bytesToServer: 0,
    bytesToClient: 0,
    requests: 0,
    replies: 0,
    swallowed: 0,
    cuts: 0,
  };
  /** Shaping of replies; read by the links. */
  shape = { latency: 0, jitter: 0, bytesPerSecond: Infinity };
  /** One-shot orders, taken by the first link they fit; read by the links. */
  orders = {
    cutAfter: /** @type {number | undefined} */ (undefined),
    stallAfter: /** @type {number | undefined} */ (undefined),
    forwardThenCut: false,
    garbage: /** @type {Buffer | undefined} */ (undefined),
  };
  /** @type {Set<Link>} */
  links = new Set();
  #server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  /** @type {(() => void)[]} */
  #waiting = [];
  #seed;

  /**
   * @param {import("./fault-proxy.mjs").ProxyOptions} options
   * @param {number} port
   */
  constructor({ target, seed = 1 }, port) {
    this.target = target;
    this.port = port;
    this.#seed = seed;
  }

  /** @returns {Promise<void>} */
  listen() {
    return new Promise((resolve, reject) => {
      if (this.#server.listening) return resolve();
      this.#server.once("error", reject);
      this.#server.listen({ port: this.port, host: this.host, backlog: 4096 }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** @param {import("node:net").Socket} socket */
  #accept(socket) {
    this.counters.connections++;
    this.counters.acceptedAt.push(performance.now());
    if (this.mode === "accept-then-close") {
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    const link = new Link(this, socket);
    this.links.add(link);
    this.counters.open = this.links.size;
    link.start();
  }

  /** @param {Link} link */
  forget(link) {
    this.links.delete(link);
    this.counters.open = this.links.size;
  }

  /** Deterministic random number in [0, 1): the same seed draws the same jitter. */
  random() {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  /** Called by a link that carried out a one-shot order. */
  fired() {
    this.counters.cuts++;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** @returns {Promise<void>} */
  #order() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** @param {import("./fault-proxy.mjs").ProxyMode} mode */
  #enter(mode) {
    this.mode = mode;
    for (const link of [...this.links]) link.modeChanged();
  }

  async pass() {
    this.shape = { latency: 0, jitter: 0, bytesPerSecond: Infinity };
    this.orders = { cutAfter: undefined, stallAfter: undefined, forwardThenCut: false, garbage: undefined };
    await this.listen();
    this.#enter("pass");
  }

  async refuse() {
    this.#enter("refuse");
    // `close` reports only when the last connection is gone; the port itself is free at once.
    if (this.#server.listening) this.#server.close();
  }

  acceptThenClose() {
    this.#enter("accept-then-close");
  }

  silent() {
    this.#enter("silent");
  }

  blackhole() {
    this.#enter("blackhole");
  }

  dropReplies() {
    this.#enter("drop-replies");
  }

  cutAll() {
    const all = [...this.links];
    for (const link of all) link.cut();
    this.counters.cuts += all.length;
    return all.length;
  }

  /** @param {number} replies */
  cutAfterReplies(replies) {
    this.orders.cutAfter = replies;
    for (const link of this.links) link.countFromHere();
    return this.#order();
  }

  forwardThenCut() {
    this.orders.forwardThenCut = true;
    return this.#order();
  }

  /** @param {number} bytes */
  stallAfterBytes(bytes) {
    this.orders.stallAfter = bytes;
    return this.#order();
  }

  /** @param {Buffer | string} bytes */
  garbage(bytes) {
    this.orders.garbage = Buffer.from(bytes);
    return this.#order();
  }

  /**
   * @param {number} ms
   * @param {number} [jitter]
   */
  latency(ms, jitter = 0) {
    this.shape.latency = ms;
    this.shape.jitter = jitter;
  }

  /** @param {number} bytesPerSecond */
  throttle(bytesPerSecond) {
    this.shape.bytesPerSecond = bytesPerSecond;
  }

  halfClose() {
    for (const link of this.links) link.halfClose();
  }

  /** @param {number | { port: number, host?: string } | { path: string }} target */
  switchTarget(target) {
    this.target = typeof target === "number" ? { port: target } : target;
  }

  async stop() {
    for (const link of [...this.links]) link.cut();
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}
