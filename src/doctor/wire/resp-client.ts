/**
 * One connection that sends read-only commands and matches their replies. It never reconnects and never waits longer than
 * it was told: the doctor reports what happened instead of hiding it.
 */
import { isErrorLike } from "../../failure/unwrap.js";
import type { Socket } from "node:net";
import { isReadOnly } from "./read-only.js";
import { encode, ErrorReply, LONGEST_REPLY, readReply, TooLargeError, type Reply } from "./resp.js";

interface Waiting {
  readonly settle: (reply: Reply) => void;
  readonly fail: (error: Error) => void;
}

/** A RESP2 connection that can send read-only commands; replies come in the order of the commands. */
export class RespClient {
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #waiting: Waiting[] = [];
  #data: Buffer = Buffer.alloc(0);
  #broken: Error | undefined;

  /** `timeout`: milliseconds for each reply. */
  constructor(socket: Socket, timeout: number) {
    this.#socket = socket;
    this.#timeout = timeout;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => this.#break(error));
    socket.on("close", () => this.#break(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })));
  }

  /** The reply, error replies as values. Rejects when the connection ends or the reply is late. */
  send(...command: readonly [string, ...string[]]): Promise<Reply> {
    if (!isReadOnly(command)) throw new Error(`the doctor does not send ${command[0].slice(0, 20)}`);
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const text = `Socket timeout. Expecting data, but didn't receive any in ${String(this.#timeout)}ms.`;
        this.#break(Object.assign(new Error(text), { code: "ERR_NO_REPLY" }));
      }, this.#timeout);
      this.#waiting.push({
        settle: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.write(encode(command));
    });
  }

  close(): void {
    this.#break(new Error("Connection is closed."));
  }

  #read(chunk: Buffer): void {
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
    try {
      if (this.#data.length > LONGEST_REPLY) throw new TooLargeError(`more than ${String(LONGEST_REPLY)} bytes`);
      let at = 0;
      while (at < this.#data.length) {
        const reply = readReply(this.#data, at);
        if (reply === undefined) break;
        at = reply.next;
        this.#waiting.shift()?.settle(reply.value);
      }
      this.#data = this.#data.subarray(at);
    } catch (error) {
      this.#break(isErrorLike(error) ? error : new Error("unreadable reply"));
    }
  }

  #break(error: Error): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.#socket.destroy();
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
  }
}

/** The reply as text, or undefined for errors and everything else. */
export function textOf(reply: Reply): string | undefined {
  return typeof reply === "string" ? reply : undefined;
}

/** The message of an error reply, or `undefined` for any other reply. */
export function errorOf(reply: Reply): string | undefined {
  return reply instanceof ErrorReply ? reply.message : undefined;
}
