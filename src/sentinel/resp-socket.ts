/** A socket that speaks RESP2: commands out, replies in. It keeps no order of questions and answers: its owner does. */
import type { Socket } from "node:net";
import { isErrorLike } from "../failure/unwrap.js";
import { encode, LONGEST_REPLY, readReply, TooLargeError, type Reply } from "../resp.js";

export interface RespEvents {
  reply(reply: Reply): void;
  /** It has closed, once, and nothing more comes. */
  ended(error: Error): void;
}

export class RespSocket {
  readonly #socket: Socket;
  readonly #events: RespEvents;
  #data: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(socket: Socket, events: RespEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error: Error) => this.end(error));
    socket.on("close", () => this.end(closed()));
  }

  write(commands: readonly (readonly string[])[]): void {
    this.#socket.write(commands.map(encode).join(""));
  }

  /** Whether the process stays for it. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Destroys the socket; `reason` is what its owner is told. */
  end(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    this.#events.ended(reason);
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
    try {
      if (this.#data.length > LONGEST_REPLY) throw new TooLargeError(`more than ${String(LONGEST_REPLY)} bytes`);
      let at = 0;
      while (at < this.#data.length && !this.#isEnded()) {
        const reply = readReply(this.#data, at);
        if (reply === undefined) break;
        at = reply.next;
        this.#events.reply(reply.value);
      }
      this.#data = this.#data.subarray(at);
    } catch (error) {
      this.end(isErrorLike(error) ? error : closed());
    }
  }

  #isEnded(): boolean {
    return this.#isOver;
  }
}

function closed(): Error {
  return Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
}
