/**
 * One connection through the chaos proxy. It knows which reply belongs to which command, so a fault happens to the command that it
 * is meant for, and it notes what the server has executed. Connections that subscribe or monitor are passed on as they are from
 * there: their replies belong to no command.
 */
import { connect } from "node:net";
import { REFUSALS } from "./chaos-rules.mjs";
import { FrameCounter, requestAt } from "./resp.mjs";

/** After these, what comes from the server is no longer a reply a command. */
const LISTENS = /^(?:[ps]?(?:un)?subscribe|monitor|sync|psync)$/;
/** A transaction that a refused command was in. */
const ABORTED = Buffer.from("-EXECABORT Transaction discarded because of previous errors.\r\n");

/**
 * What a connection tells and asks.
 * @typedef {object} LinkHooks
 * @property {(command: readonly string[]) => import("./chaos-rules.mjs").Rule | undefined} ruleFor
 * @property {(name: string) => void} sent it was passed on
 * @property {(name: string) => void} executed the server says so
 * @property {(ms: number) => void} freezeFor
 * @property {(ms: number) => void} refuseFor
 * @property {() => void} closed
 *
 * A command on its way.
 * @typedef {object} Pending
 * @property {readonly string[]} command
 * @property {Buffer | undefined} refusal what the client is told instead of the server's reply
 * @property {boolean} isForwarded the server will answer
 * @property {import("./chaos-rules.mjs").Rule | undefined} rule what happens to its reply
 */

export class ChaosLink {
  #hooks;
  #client;
  #server;
  #requests = /** @type {Buffer} */ (Buffer.alloc(0));
  #replies = new FrameCounter();
  /** Bytes of the reply that is arriving. @type {Buffer[]} */
  #arriving = [];
  /** @type {Pending[]} */
  #pending = [];
  #isTransparent = false;
  #isSilent = false;
  /** In a MULTI: names that wait for its EXEC, and whether one of them was refused. */
  #queued = /** @type {string[]} */ ([]);
  #isAborted = false;
  /** No byte is handed out before this, by `performance.now()`. */
  #dueAt = 0;
  #delivery = Promise.resolve();
  #isOver = false;

  /**
   * @param {import("./chaos.mjs").ChaosTarget | { readonly path: string }} target
   * @param {import("node:net").Socket} client
   * @param {LinkHooks} hooks
   */
  constructor(target, client, hooks) {
    this.#hooks = hooks;
    this.#client = client;
    const server = (this.#server = connect({ host: "127.0.0.1", noDelay: true, ...target }));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      one?.on("error", () => other?.destroy());
      one?.on("end", () => other?.end());
      one?.on("close", () => {
        other?.destroy();
        this.#end();
      });
    }
    client.on("data", (chunk) => this.#request(chunk));
    server.on("data", (chunk) => this.#reply(chunk));
  }

  /** Nothing moves, or everything does again. @param {boolean} isFrozen */
  freeze(isFrozen) {
    for (const socket of [this.#client, this.#server]) {
      if (isFrozen) socket.pause();
      else socket.resume();
    }
  }

  /** Resets the client's side; what was forwarded is still executed. */
  cut() {
    if (!this.#client.destroyed) this.#client.resetAndDestroy();
  }

  #end() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hooks.closed();
  }

  /** @param {Buffer} chunk */
  #request(chunk) {
    if (this.#isTransparent) {
      this.#server.write(chunk);
      return;
    }
    this.#requests = Buffer.concat([this.#requests, chunk]);
    for (let next = requestAt(this.#requests); next !== undefined; next = requestAt(this.#requests)) {
      const bytes = this.#requests.subarray(0, next.end);
      this.#requests = this.#requests.subarray(next.end);
      const [name = "", ...args] = next.parts;
      if (!this.#issued([name.toLowerCase(), ...args], bytes)) return;
      if (this.#isTransparent) {
        this.#server.write(this.#requests);
        return;
      }
    }
  }

  /**
   * @param {readonly string[]} command
   * @param {Buffer} bytes
   * @returns {boolean} whether the connection goes on
   */
  #issued(command, bytes) {
    const [name = ""] = command;
    if (LISTENS.test(name)) this.#isTransparent = true;
    const rule = this.#isTransparent ? undefined : this.#hooks.ruleFor(command);
    switch (rule?.fault) {
      case "refuse":
        this.#hooks.refuseFor(rule.ms);
        return false;
      case "freeze":
        this.#hooks.freezeFor(rule.ms);
        break;
      case "cut":
        if (rule.after === "sent") break;
        this.cut();
        return false;
      case "READONLY":
      case "LOADING":
      case "OOM":
        if (this.#queued.length > 0) this.#isAborted = true;
        this.#wait({ command, refusal: Buffer.from(`-${REFUSALS[rule.fault]}\r\n`), isForwarded: false, rule });
        return true;
      default:
    }
    if (name === "multi") this.#queued = [name];
    const isAborted = name === "exec" && this.#isAborted;
    if (name === "exec" || name === "discard") this.#isAborted = false;
    this.#hooks.sent(name);
    this.#server.write(isAborted ? "*1\r\n$7\r\nDISCARD\r\n" : bytes);
    if (!this.#isTransparent)
      this.#wait({ command, refusal: isAborted ? ABORTED : undefined, isForwarded: true, rule });
    return true;
  }

  /** @param {Pending} pending */
  #wait(pending) {
    this.#pending.push(pending);
    this.#answerRefused();
  }

  /** Those that the server has not seen are answered in their turn. */
  #answerRefused() {
    for (let [head] = this.#pending; head !== undefined && !head.isForwarded; [head] = this.#pending) {
      this.#pending.shift();
      this.#hand(/** @type {Buffer} */ (head.refusal));
    }
  }

  /** @param {Buffer} chunk */
  #reply(chunk) {
    let rest = chunk;
    while (rest.length > 0 && this.#pending.length > 0) {
      const before = this.#replies.frames;
      const read = this.#replies.feed(rest, before + 1);
      this.#arriving.push(rest.subarray(0, read));
      rest = rest.subarray(read);
      if (this.#replies.frames === before) {
        // What the server says unasked waits for nobody.
        if (!this.#replies.partial) this.#hand(Buffer.concat(this.#arriving.splice(0)));
        return;
      }
      const pending = this.#pending.shift();
      if (pending !== undefined) this.#answered(pending, Buffer.concat(this.#arriving.splice(0)));
      this.#answerRefused();
    }
    if (rest.length > 0) this.#hand(rest);
  }

  /**
   * @param {Pending} pending
   * @param {Buffer} bytes
   */
  #answered({ command, refusal, rule }, bytes) {
    this.#note(command, bytes, refusal !== undefined);
    switch (rule?.fault) {
      case "dropReply":
        this.#isSilent = true;
        break;
      case "cut":
        this.#isSilent = true;
        // Replies to what was asked before come first.
        void this.#delivery.then(() => setImmediate(() => this.cut()));
        break;
      case "delay":
        this.#dueAt = performance.now() + rule.ms;
        break;
      default:
    }
    this.#hand(refusal ?? bytes);
  }

  /**
   * What the server has executed, as its reply says.
   * @param {readonly string[]} command
   * @param {Buffer} bytes
   * @param {boolean} isAborted
   */
  #note([name = ""], bytes, isAborted) {
    const text = bytes.toString("latin1", 0, 16);
    if (name === "multi" || name === "discard") {
      if (name === "discard") this.#queued = [];
      return;
    }
    if (name === "exec") {
      const [, ...members] = this.#queued.splice(0);
      if (!isAborted && /^\*[1-9]/.test(text)) for (const member of members) this.#hooks.executed(member);
    } else if (/^\+QUEUED\r\n/.test(text)) this.#queued.push(name);
    else if (!text.startsWith("-")) this.#hooks.executed(name);
  }

  /** @param {Buffer} bytes */
  #hand(bytes) {
    if (this.#isSilent) return;
    const wait = this.#dueAt - performance.now();
    if (wait <= 0 && this.#dueAt === 0) {
      this.#client.write(bytes);
      return;
    }
    // In order, also behind what is late.
    this.#delivery = this.#delivery.then(async () => {
      const left = this.#dueAt - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
      if (!this.#client.destroyed) this.#client.write(bytes);
    });
  }
}
