/**
 * How long this client has been without a connection. A blip is waited out; after `downAfter` its new commands fail fast,
 * whatever other clients of the endpoint see.
 */
import { AwakeTimeout } from "../awake-timeout.js";
import { clock } from "../clock.js";
import type { Diagnosis } from "../failure/diagnosis.js";

export class DowntimeTracker {
  readonly #downAfter: number | undefined;
  readonly #tooLong: () => void;
  #timer: AwakeTimeout | undefined = undefined;
  /** When the connection went, on the monotonic clock. */
  downSince: number | undefined = undefined;
  /** Down for longer than `downAfter`. */
  isTooLong = false;
  /** Why there is none, once that is so. Its owner says it. */
  cause: Diagnosis | undefined = undefined;

  /** `downAfter` in milliseconds; `undefined`: never too long. */
  constructor(downAfter: number | undefined, tooLong: () => void) {
    this.#downAfter = downAfter;
    this.#tooLong = tooLong;
  }

  /** A connection attempt begins, or a connection is gone. */
  down(): void {
    if (this.downSince !== undefined || this.#downAfter === undefined) return;
    this.downSince = clock.now();
    this.#timer = new AwakeTimeout(() => this.#judge(), this.#downAfter);
  }

  #judge(): void {
    this.isTooLong = true;
    this.#tooLong();
  }

  /** Connected again, or ended for good. */
  reset(): void {
    this.#timer?.cancel();
    this.#timer = this.downSince = this.cause = undefined;
    this.isTooLong = false;
  }
}
