/**
 * A TCP relay that breaks on command: the faults of real networks, each one switched on and off by a call.
 * It owns the listener, the mode and the counters; `proxy-link.mjs` carries the bytes of one connection.
 * Nothing here waits for a time that was not asked for, so a test decides what happens between two bytes.
 */
import { createServer } from "node:net";
import { freePort } from "./free-port.mjs";
import { Link } from "./proxy-link.mjs";

/**
 * @typedef {"pass" | "refuse" | "accept-then-close" | "silent" | "blackhole" | "drop-replies"} ProxyMode
 *
 * @typedef {{ readonly port: number, readonly host?: string } | { readonly path: string }} ProxyTarget
 *
 * @typedef {object} ProxyOptions
 * @property {ProxyTarget} target
 * @property {number} [port] fixed port to listen on. Default: a free loopback port
 * @property {number} [seed] seed of the jitter
 *
 * @typedef {FaultProxy["counters"]} ProxyCounters
 */

/**
 * Starts a proxy in mode `pass`.
 * @param {ProxyOptions} options
 */
export async function startProxy(options) {
  for (let tries = 1; ; tries++) {
    const proxy = new FaultProxy(options, options.port ?? (await freePort()));
    try {
      await proxy.listen();
      return proxy;
    } catch (error) {
      if (options.port !== undefined || tries >= 5) throw error;
    }
  }
}

/**
 * A TCP relay that breaks on command. Modes exclude each other and last until the next one; orders (`cutAfterReplies` …)
 * fire once, on the first connection they fit, and their promise resolves then (or when the proxy stops).
 * Connections that lost reply bytes are reset when the mode changes: they are never relayed on out of step.
 */
export class FaultProxy {
  /** Where it listens. @readonly */
  host = "127.0.0.1";
  /** What it does at the moment. @type {ProxyMode} */
  mode = "pass";
  /** What has happened since the start. @readonly */
  counters = {
    /** Connections accepted since the start. */
    connections: 0,
    /** Connections open now. */
    open: 0,
    /** When they came, by `performance.now()`. */
    acceptedAt: /** @type {number[]} */ ([]),
    bytesToServer: 0,
    bytesToClient: 0,
    /** Complete requests read from clients, complete replies handed to clients, and replies taken away. RESP only, not TLS. */
    requests: 0,
    replies: 0,
    swallowed: 0,
    /** Connections cut on purpose, and one-shot orders carried out. */
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
   * @param {ProxyOptions} options
   * @param {number} port
   */
  constructor({ target, seed = 1 }, port) {
    this.target = target;
    /** Where clients connect. @readonly */
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

  /** @param {ProxyMode} mode */
  #enter(mode) {
    this.mode = mode;
    for (const link of [...this.links]) link.modeChanged();
  }

  /** Back to a healthy relay: mode, shaping and pending orders are cleared; held connections go on. */
  async pass() {
    this.shape = { latency: 0, jitter: 0, bytesPerSecond: Infinity };
    this.orders = { cutAfter: undefined, stallAfter: undefined, forwardThenCut: false, garbage: undefined };
    await this.listen();
    this.#enter("pass");
  }

  /** Stops listening: new connections get ECONNREFUSED. Existing ones live on; see `cutAll`. */
  refuse() {
    this.#enter("refuse");
    // `close` reports only when the last connection is gone; the port itself is free at once.
    if (this.#server.listening) this.#server.close();
    return Promise.resolve();
  }

  /** Accepts and closes at once, as a load balancer without a backend does. Existing connections live on. */
  acceptThenClose() {
    this.#enter("accept-then-close");
  }

  /** Accepts and never answers: the handshake hangs. Existing connections live on. */
  silent() {
    this.#enter("silent");
  }

  /** Nothing moves in either direction, on existing and new connections. What was sent meanwhile arrives after `pass`. */
  blackhole() {
    this.#enter("blackhole");
  }

  /** Requests reach the server and are executed; every reply is swallowed. */
  dropReplies() {
    this.#enter("drop-replies");
  }

  /** Resets every connection (RST). Returns how many. What was already forwarded is still executed. */
  cutAll() {
    const all = [...this.links];
    for (const link of all) link.cut();
    this.counters.cuts += all.length;
    return all.length;
  }

  /**
   * Forwards this many more replies on one connection, then resets it. Counted per connection from now on. A client that
   * reads the last reply and the reset in one go sees a plain end instead of ECONNRESET.
   * @param {number} replies
   */
  cutAfterReplies(replies) {
    this.orders.cutAfter = replies;
    for (const link of this.links) link.countFromHere();
    return this.#order();
  }

  /** Forwards the next request, waits until the server has answered it, swallows the reply and resets the connection. */
  forwardThenCut() {
    this.orders.forwardThenCut = true;
    return this.#order();
  }

  /**
   * Forwards this many more reply bytes, then hands out nothing more on that connection: a reply stops half way.
   * @param {number} bytes
   */
  stallAfterBytes(bytes) {
    this.orders.stallAfter = bytes;
    return this.#order();
  }

  /**
   * Hands out these bytes instead of the next reply.
   * @param {Buffer | string} bytes
   */
  garbage(bytes) {
    this.orders.garbage = Buffer.from(bytes);
    return this.#order();
  }

  /**
   * Delays replies by this many milliseconds plus a random part of `jitter`; order is kept.
   * @param {number} ms
   * @param {number} [jitter]
   */
  latency(ms, jitter = 0) {
    this.shape.latency = ms;
    this.shape.jitter = jitter;
  }

  /**
   * Replies trickle at this rate.
   * @param {number} bytesPerSecond
   */
  throttle(bytesPerSecond) {
    this.shape.bytesPerSecond = bytesPerSecond;
  }

  /** Ends the server-to-client direction (FIN) of every connection; the other direction stays open. */
  halfClose() {
    for (const link of this.links) link.halfClose();
  }

  /**
   * New connections go to another server. Existing ones stay where they are; see `cutAll`.
   * @param {number | ProxyTarget} target
   */
  switchTarget(target) {
    this.target = typeof target === "number" ? { port: target } : target;
  }

  /** Resets every connection and stops listening. */
  async stop() {
    for (const link of [...this.links]) link.cut();
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}
