/**
 * Keeps back what comes on a connection, until its owner knows whether it may be believed: a server that stood still does not know
 * that another one has taken its place, and confirms writes that nobody will ever see. Nothing is lost by it and nothing changes
 * its order; what was kept back when the connection closes was never said.
 */
import type { Socket } from "node:net";
import { ReplyLimits } from "./reply-limits.js";

const MINUS = 45;
const PUSH = 62;

/** Bytes of refusals that are looked through at most: nothing that is longer is nothing but refusals. */
const MOST_REFUSALS = 65_536;

export class ReplyGate {
  #stream: Socket | undefined = undefined;
  readonly #held: unknown[] = [];
  #came: Promise<void> | undefined = undefined;
  #onClose: (() => void) | undefined = undefined;

  /** Nothing is let through. */
  get isClosed(): boolean {
    return this.#stream !== undefined;
  }

  /** Something was kept back. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /**
   * Nothing that was kept back confirms anything: whoever refuses has executed nothing, and may be believed whoever serves now.
   * `confirms`: for each reply that is due, in order, whether it would.
   */
  holdsNothingFor(confirms: readonly boolean[]): boolean {
    const chunks = this.#held.filter((chunk) => Buffer.isBuffer(chunk));
    // The end of the connection is no refusal.
    if (chunks.length < this.#held.length) return false;
    const bytes = Buffer.concat(chunks);
    if (bytes.length > MOST_REFUSALS) return false;
    const limits = new ReplyLimits(MOST_REFUSALS);
    let next = 0;
    for (let at = 0; at < bytes.length; at = limits.end) {
      // Cut in two: nobody knows yet what it is.
      if (limits.scan(bytes, at, true) !== undefined || !limits.isBetween) return false;
      // A push answers nobody.
      if (bytes[at] !== PUSH && confirms[next++] !== false && bytes[at] !== MINUS) return false;
    }
    return bytes.length > 0;
  }

  /** From here on nothing is let through. Resolves when something has come, or the connection has closed. */
  close(stream: Socket): Promise<void> {
    if (this.#stream === stream && this.#came !== undefined) return this.#came;
    this.open();
    this.#stream = stream;
    return (this.#came = new Promise((resolve) => {
      // What Node calls with the bytes that it has read, and with null at their end; its own is that of the class.
      stream.push = (chunk: unknown): boolean => {
        this.#held.push(chunk);
        resolve();
        return true;
      };
      this.#onClose = () => {
        this.#forget();
        resolve();
      };
      stream.once("close", this.#onClose);
    }));
  }

  /** Lets everything through, from what was kept back on. */
  open(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    Reflect.deleteProperty(stream, "push");
    const held = this.#held.splice(0);
    this.#forget();
    if (stream.destroyed) return;
    for (const chunk of held) stream.push(chunk);
  }

  #forget(): void {
    if (this.#onClose !== undefined) this.#stream?.off("close", this.#onClose);
    this.#stream = this.#came = this.#onClose = undefined;
    this.#held.length = 0;
  }
}
