/**
 * The little of the Redis protocol that the test ground needs: a counter of complete frames for the fault proxy and a
 * one-shot client for looking at a server from outside. It shares no code with the client under test, on purpose.
 */
import { connect } from "node:net";

const CR = 13;
const LF = 10;

/**
 * Counts complete RESP2/RESP3 frames in a byte stream, whatever the chunk borders. Bulk bodies are skipped, not read.
 * A stream that is no RESP (TLS, say) turns the counter `blind`: it then counts nothing.
 */
export class FrameCounter {
  /** Complete frames so far; out-of-band pushes (`>`) are not counted. */
  frames = 0;
  /** The stream turned out not to be RESP: nothing is counted any more. */
  blind = false;
  /** True between the first and the last byte of a frame. */
  partial = false;
  #open = /** @type {number[]} */ ([]);
  #skip = 0;
  #line = "";
  #push = false;

  /**
   * Reads on until the chunk ends or `stopAt` frames are complete.
   * @param {Buffer} chunk
   * @param {number} [stopAt]
   * @returns {number} how many bytes of the chunk were read
   */
  feed(chunk, stopAt = Infinity) {
    if (this.blind) return chunk.length;
    let i = 0;
    while (i < chunk.length) {
      if (this.frames >= stopAt) return i;
      this.partial = true;
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - i);
        this.#skip -= step;
        i += step;
        if (this.#skip === 0) this.#close();
        continue;
      }
      const end = chunk.indexOf(LF, i);
      if (end === -1) {
        this.#line += chunk.toString("latin1", i, chunk.length);
        return chunk.length;
      }
      const line = this.#line + chunk.toString("latin1", i, chunk[end - 1] === CR ? end - 1 : end);
      this.#line = "";
      i = end + 1;
      this.#header(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (this.blind) return chunk.length;
    }
    return i;
  }

  /** @param {string} line */
  #header(line) {
    const n = Number(line.slice(1));
    switch (line[0]) {
      case "+":
      case "-":
      case ":":
      case "_":
      case "#":
      case ",":
      case "(": {
        this.#close();
        return;
      }
      case "$":
      case "=":
      case "!":
        if (n < 0) {
          this.#close();
          return;
        }
        this.#skip = n + 2;
        return;
      case "*":
      case "~":
      case ">":
      case "%":
      case "|": {
        if (this.#open.length === 0 && line[0] === ">") this.#push = true;
        const members = line[0] === "%" || line[0] === "|" ? 2 * n : n;
        if (members > 0) {
          // An attribute stands before the value it belongs to, so that value still counts as one of its members.
          this.#open.push(line[0] === "|" ? members + 1 : members);
          return;
        }
        if (line[0] !== "|") this.#close();
        return;
      }
      default:
        this.blind = true;
    }
  }

  #close() {
    while (this.#open.length > 0) {
      const left = /** @type {number} */ (this.#open.pop()) - 1;
      if (left > 0) {
        this.#open.push(left);
        return;
      }
    }
    this.partial = false;
    if (this.#push) this.#push = false;
    else this.frames++;
  }
}

/** @typedef {string | number | null | Error | unknown[]} Reply An array's items are replies too; JSDoc has no recursive types. */

/**
 * One complete reply at `at`, or undefined when bytes are missing.
 * @param {Buffer} data
 * @param {number} at
 * @returns {{ value: Reply, next: number } | undefined}
 */
function readReply(data, at) {
  const end = data.indexOf("\r\n", at);
  if (end === -1) return undefined;
  const text = data.toString("utf8", at + 1, end);
  const next = end + 2;
  switch (data[at]) {
    case 43:
      return { value: text, next };
    case 45:
      return { value: new Error(text), next };
    case 58:
      return { value: Number(text), next };
    case 36: {
      const n = Number(text);
      if (n < 0) return { value: null, next };
      if (data.length < next + n + 2) return undefined;
      return { value: data.toString("utf8", next, next + n), next: next + n + 2 };
    }
    case 42: {
      const n = Number(text);
      if (n < 0) return { value: null, next };
      const items = /** @type {Reply[]} */ ([]);
      let pos = next;
      for (let i = 0; i < n; i++) {
        const item = readReply(data, pos);
        if (item === undefined) return undefined;
        items.push(item.value);
        pos = item.next;
      }
      return { value: items, next: pos };
    }
    default:
      return {
        value: new Error(`not a RESP2 reply: ${JSON.stringify(data.toString("latin1", at, at + 40))}`),
        next: data.length,
      };
  }
}

/**
 * The first complete request, an array of bulk strings, or undefined when bytes are missing.
 * @param {Buffer} data
 * @returns {{ readonly parts: string[], readonly end: number } | undefined}
 */
export function requestAt(data) {
  let at = 0;
  const line = () => {
    const end = data.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const text = data.toString("latin1", at + 1, end);
    at = end + 2;
    return Number(text);
  };
  const count = line();
  if (count === undefined) return undefined;
  const parts = [];
  for (let i = 0; i < count; i++) {
    const size = line();
    if (size === undefined || data.length < at + size + 2) return undefined;
    parts.push(data.toString("utf8", at, at + size));
    at += size + 2;
  }
  return { parts, end: at };
}

/**
 * Sends commands over a connection of its own, in one write, and resolves with their replies in order.
 * Error replies are values of type Error. Rejects when the connection fails or `timeout` milliseconds (default 5000) pass.
 * @param {{ path: string } | { port: number, host?: string }} where
 * @param {readonly (readonly (string | number)[])[]} commands
 * @param {{ timeout?: number }} [options]
 * @returns {Promise<Reply[]>}
 */
export function exchange(where, commands, { timeout = 5000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", ...where });
    const timer = setTimeout(() => finish(new Error(`no complete answer within ${timeout} ms`)), timeout);
    /** @type {Reply[]} */
    const replies = [];
    let data = Buffer.alloc(0);
    /** @param {Error} [error] */
    function finish(error) {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve(replies);
    }
    socket.on("error", finish);
    socket.on("close", () => finish(new Error("the server closed the connection before it answered")));
    socket.on("connect", () => socket.write(commands.map(encode).join("")));
    socket.on("data", (chunk) => {
      data = Buffer.concat([data, chunk]);
      let at = 0;
      for (let r = readReply(data, at); r !== undefined && at < data.length; r = readReply(data, at)) {
        replies.push(r.value);
        at = r.next;
      }
      data = data.subarray(at);
      if (replies.length >= commands.length) finish();
    });
  });
}

/**
 * One command as RESP bytes.
 * @param {readonly (string | number)[]} command
 * @returns {string}
 */
export function encode(command) {
  const parts = command.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return `*${parts.length}\r\n${parts.join("")}`;
}
