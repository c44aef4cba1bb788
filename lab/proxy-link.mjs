/**
 * One proxied connection: moves bytes between client and server the way the proxy's mode, shape and orders say.
 * A link that has lost bytes can never be healed, only cut: relaying on would hand replies to the wrong requests, which
 * no real network does. Held bytes are kept in the sockets and delivered later, as after a partition.
 */
import { connect } from "node:net";
import { FrameCounter } from "./resp.mjs";

export class Link {
  #proxy;
  #client;
  /** @type {import("node:net").Socket | undefined} */
  #server;
  #requests = new FrameCounter();
  #replies = new FrameCounter();
  /** Reply bytes were taken away: the stream is beyond repair. */
  #lossy = false;
  /** Replies that must have come (and been swallowed) before this link is cut. */
  #doomedAt = Infinity;
  #doomed = false;
  #stalled = false;
  #halfClosed = false;
  /** Number of replies at which `cutAfterReplies` began to count. */
  #base = 0;
  /** Reply pieces delayed by latency or throttling, oldest first: each timer sends the head, so order never changes. */
  #delayed = /** @type {Buffer[]} */ ([]);
  #due = 0;
  /** @type {Set<NodeJS.Timeout>} */
  #timers = new Set();
  #gone = false;

  /**
   * @param {import("./fault-proxy.mjs").FaultProxy} proxy
   * @param {import("node:net").Socket} client
   */
  constructor(proxy, client) {
    this.#proxy = proxy;
    this.#client = client;
  }

  start() {
    const client = this.#client;
    client.on("error", () => this.#end());
    client.on("close", () => this.#end());
    client.on("end", () => this.#server?.end());
    client.on("data", (chunk) => this.#request(chunk));
    this.modeChanged();
  }

  modeChanged() {
    const { mode } = this.#proxy;
    if (this.#lossy && mode !== "drop-replies" && !this.#doomed) {
      this.cut();
      return;
    }
    const held = mode === "blackhole" || (mode === "silent" && this.#server === undefined);
    if (held) {
      this.#client.pause();
      this.#server?.pause();
      return;
    }
    if (this.#server === undefined) this.#dial();
    this.#stalled = false;
    this.#client.resume();
    this.#server?.resume();
  }

  #dial() {
    const server = connect({ host: "127.0.0.1", noDelay: true, ...this.#proxy.target });
    this.#server = server;
    // The server went away: the client sees the same, a reset for a reset and an end for an end.
    server.on("error", () => this.cut());
    server.on("end", () => this.#client.end());
    server.on("close", () => this.#end());
    server.on("data", (chunk) => this.#reply(chunk));
    // It left while it was held, before there was anybody to tell.
    if (this.#client.readableEnded) server.end();
  }

  /** @param {Buffer} chunk */
  #request(chunk) {
    const { counters, orders } = this.#proxy;
    const before = this.#requests.frames;
    this.#requests.feed(chunk);
    counters.requests += this.#requests.frames - before;
    counters.bytesToServer += chunk.length;
    if (orders.forwardThenCut) {
      orders.forwardThenCut = false;
      this.#doomed = true;
      this.#doomedAt = this.#requests.frames + (this.#requests.partial ? 1 : 0);
    }
    const server = this.#server;
    if (server !== undefined && !server.write(chunk)) {
      this.#client.pause();
      server.once("drain", () => this.#proxy.mode !== "blackhole" && this.#client.resume());
    }
  }

  /** @param {Buffer} chunk */
  #reply(chunk) {
    const { counters, orders, mode } = this.#proxy;
    const before = this.#replies.frames;
    if (this.#doomed || mode === "drop-replies") {
      this.#replies.feed(chunk);
      this.#lossy = true;
      counters.swallowed += this.#replies.frames - before;
      if (this.#doomed && this.#replies.frames >= this.#doomedAt) this.#fire();
      return;
    }
    if (orders.garbage !== undefined) {
      const garbage = orders.garbage;
      orders.garbage = undefined;
      this.#lossy = true;
      this.#proxy.fired();
      this.#send(garbage);
      return;
    }
    const stopAt = orders.cutAfter === undefined ? Infinity : this.#base + orders.cutAfter;
    const read = this.#replies.feed(chunk, stopAt);
    counters.replies += this.#replies.frames - before;
    if (this.#replies.frames >= stopAt) {
      orders.cutAfter = undefined;
      // The last reply must arrive: a reset would overtake it and throw it away at the receiver.
      this.#doomed = true;
      this.#lossy = true;
      for (const part of this.#delayed.splice(0)) this.#write(part);
      this.#write(chunk.subarray(0, read), () => setImmediate(() => this.#fire()));
      return;
    }
    if (orders.stallAfter !== undefined && chunk.length >= orders.stallAfter) {
      const rest = chunk.subarray(orders.stallAfter);
      this.#stalled = true;
      this.#lossy = rest.length > 0;
      this.#server?.pause();
      this.#send(chunk.subarray(0, orders.stallAfter));
      orders.stallAfter = undefined;
      this.#proxy.fired();
      return;
    }
    if (orders.stallAfter !== undefined) orders.stallAfter -= chunk.length;
    this.#send(chunk);
  }

  /**
   * Hands bytes to the client, later if the proxy has latency or a rate.
   * @param {Buffer} chunk
   */
  #send(chunk) {
    const { latency, jitter, bytesPerSecond } = this.#proxy.shape;
    if (latency === 0 && jitter === 0 && bytesPerSecond === Infinity && this.#delayed.length === 0) {
      this.#write(chunk);
      return;
    }
    // At least one byte at a time, at most 100 pieces a second: fine enough to be slow, coarse enough to be cheap.
    const piece = bytesPerSecond === Infinity ? chunk.length : Math.max(1, Math.floor(bytesPerSecond / 100));
    const now = performance.now();
    let due = Math.max(this.#due, now + latency + this.#proxy.random() * jitter);
    for (let at = 0; at < chunk.length; at += piece) {
      const part = chunk.subarray(at, at + piece);
      if (bytesPerSecond !== Infinity) due += (part.length / bytesPerSecond) * 1000;
      this.#delayed.push(part);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        const head = this.#delayed.shift();
        if (head !== undefined) this.#write(head);
      }, due - now);
      this.#timers.add(timer);
    }
    this.#due = due;
  }

  /**
   * @param {Buffer} bytes
   * @param {() => void} [sent]
   */
  #write(bytes, sent) {
    if (this.#halfClosed || this.#client.destroyed) return;
    this.#proxy.counters.bytesToClient += bytes.length;
    if (bytes.length === 0) return sent?.();
    const roomy = this.#client.write(bytes, sent);
    const server = this.#server;
    if (!roomy && server !== undefined && !server.isPaused()) {
      server.pause();
      this.#client.once("drain", () => this.#proxy.mode !== "blackhole" && !this.#stalled && server.resume());
    }
  }

  #fire() {
    if (this.#gone) return;
    this.cut();
    this.#proxy.fired();
  }

  countFromHere() {
    this.#base = this.#replies.frames;
  }

  halfClose() {
    this.#halfClosed = true;
    this.#client.end();
  }

  /** RST towards the client; the server's side is ended in order, so that what was forwarded is still executed. */
  cut() {
    if (this.#gone) return;
    this.#end(true);
  }

  #end(reset = false) {
    if (this.#gone) return;
    this.#gone = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const server = this.#server;
    if (server !== undefined && !server.destroyed) {
      // Keep reading and discarding: a close with unread replies would reset the server in the middle of its work.
      server.removeAllListeners("data");
      server.on("error", () => {});
      server.resume();
      server.unref();
      server.end();
      server.setTimeout(1000, () => server.destroy());
    }
    // A socket that was already ended cannot be reset any more: libuv refuses, and Node then leaks the handle.
    if (reset && !this.#client.writableEnded) this.#client.resetAndDestroy();
    else if (reset) this.#client.destroy();
    else this.#client.destroySoon();
    this.#proxy.forget(this);
  }
}
