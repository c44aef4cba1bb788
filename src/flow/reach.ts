/**
 * How long this client has been without a connection. A blip is waited out; after `downAfter` its new commands fail fast,
 * whatever other clients of the endpoint see.
 */
export class Reach {
  readonly #downAfter: number | undefined;
  readonly #tooLong: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #grace: NodeJS.Immediate | undefined = undefined;
  /** When the connection went, on the clock of `performance.now()`. */
  downSince: number | undefined = undefined;
  /** Down for longer than `downAfter`. */
  isUnreachable = false;

  /** `downAfter` in milliseconds; `undefined`: never too long. */
  constructor(downAfter: number | undefined, tooLong: () => void) {
    this.#downAfter = downAfter;
    this.#tooLong = tooLong;
  }

  /** A connection attempt begins, or a connection is gone. */
  down(): void {
    if (this.downSince !== undefined || this.#downAfter === undefined) return;
    this.downSince = performance.now();
    // In a process that was busy the connection, or why there is none, may lie in the socket: one poll phase for it.
    this.#timer = setTimeout(() => (this.#grace = setImmediate(() => this.#judge())), this.#downAfter);
    this.#timer.unref();
  }

  #judge(): void {
    this.isUnreachable = true;
    this.#tooLong();
  }

  /** Connected again, or ended for good. */
  reset(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#grace);
    this.#timer = this.#grace = this.downSince = undefined;
    this.isUnreachable = false;
  }
}
