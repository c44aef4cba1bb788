/**
 * How long this client has been without a connection. A blip is waited out; after `downAfter` its new commands fail fast,
 * whatever other clients of the endpoint see.
 */
import { AwakeTimeout } from "../awake-timeout.js";
import { clock } from "../clock.js";
import type { Diagnosis } from "../failure/diagnosis.js";

/** A client has had no connection for too long. */
export interface Absence {
  /** Why there is none. */
  readonly cause: Diagnosis;
  /** Since when its commands are refused, on the monotonic clock. */
  readonly since: number;
}

export class DowntimeTracker {
  readonly #downAfter: number | undefined;
  readonly #tooLong: () => void;
  #timer: AwakeTimeout | undefined = undefined;
  /** When the connection went, on the monotonic clock. */
  downSince: number | undefined = undefined;
  /** Since when it has been down for longer than `downAfter`, on the monotonic clock. */
  tooLongSince: number | undefined = undefined;
  /** Why there is none, once that is so. Its owner says it. */
  cause: Diagnosis | undefined = undefined;

  /** `downAfter` in milliseconds; `undefined`: never too long. */
  constructor(downAfter: number | undefined, tooLong: () => void) {
    this.#downAfter = downAfter;
    this.#tooLong = tooLong;
  }

  /** Down for longer than `downAfter`. */
  get isTooLong(): boolean {
    return this.tooLongSince !== undefined;
  }

  /** A connection attempt begins, or a connection is gone. */
  down(): void {
    if (this.downSince !== undefined || this.#downAfter === undefined) return;
    this.downSince = clock.now();
    this.#timer = new AwakeTimeout(() => this.#judge(), this.#downAfter);
  }

  #judge(): void {
    this.tooLongSince = clock.now();
    this.#tooLong();
  }

  /** Connected again, or ended for good. */
  reset(): void {
    this.#timer?.cancel();
    this.#timer = this.downSince = this.tooLongSince = this.cause = undefined;
  }
}
