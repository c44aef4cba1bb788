/**
 * Watches one connection attempt, from dialling to ready: that it ends in time, and that it does not stay silent for much
 * longer than such attempts usually take. It only measures and reports.
 */
import { clock, type Timer } from "../clock.js";
import { AdaptiveHandshakeTimeout } from "./adaptive-handshake-timeout.js";

export interface HandshakeHooks {
  /** Gives the attempt up, which took or was silent for so many milliseconds; `false` when there is no socket of it yet. */
  giveUp(after: number): boolean;
  /** When this attempt last got anywhere: connected, or read a byte. On the clock of `clock.now()`; 0 for not yet. */
  heardAt(): number;
}

export class HandshakeWatch {
  readonly #timeout: number;
  readonly #adaptive: AdaptiveHandshakeTimeout;
  readonly #hooks: HandshakeHooks;
  #total: Timer | undefined = undefined;
  #quiet: Timer | undefined = undefined;
  #dialledAt = 0;
  /** The server keeps this attempt waiting, which says nothing of the next one. */
  #isLoading = false;

  constructor(timeout: number, hooks: HandshakeHooks) {
    this.#timeout = timeout;
    this.#adaptive = new AdaptiveHandshakeTimeout(timeout);
    this.#hooks = hooks;
  }

  get isUnderWay(): boolean {
    return this.#total !== undefined;
  }

  dialling(): void {
    this.#dialledAt = clock.now();
    this.#isLoading = false;
    this.#startAnew();
    const { allowed } = this.#adaptive;
    clock.clearTimeout(this.#quiet);
    if (allowed < this.#timeout) this.#listen(allowed, allowed);
  }

  /** The server has said that it is still loading: it is asked now and then, and the wait starts anew with each answer. */
  loading(): void {
    this.#isLoading = true;
    clock.clearTimeout(this.#quiet);
    this.#startAnew();
  }

  ready(): void {
    this.stop();
    if (!this.#isLoading) this.#adaptive.rewarded(clock.now() - this.#dialledAt);
  }

  stop(): void {
    clock.clearTimeout(this.#total);
    clock.clearTimeout(this.#quiet);
    this.#total = undefined;
  }

  #startAnew(): void {
    clock.clearTimeout(this.#total);
    this.#total = clock.setTimeout(() => this.#late(this.#timeout), this.#timeout);
    this.#total.unref();
  }

  /** Waits for a sign of life, and gives up when there was none for as long as `allowed`. */
  #listen(allowed: number, wait: number): void {
    this.#quiet = clock.setTimeout(() => {
      // After a stall of this process the answer may lie in the socket: one poll phase for it.
      clock.setImmediate(() => {
        if (!this.isUnderWay || this.#isLoading) return;
        const silence = clock.now() - Math.max(this.#dialledAt, this.#hooks.heardAt());
        if (silence < allowed) this.#listen(allowed, allowed - silence);
        else this.#late(allowed);
      });
    }, Math.ceil(wait));
    this.#quiet.unref();
  }

  #late(after: number): void {
    if (this.#hooks.giveUp(after)) this.#adaptive.exhausted();
    // The connector still looks for the server; its socket will be watched as well.
    else if (this.isUnderWay) this.dialling();
  }
}
