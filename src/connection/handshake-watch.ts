/**
 * Watches one connection attempt, from dialling to ready: that it ends in time, and that it does not stay silent for much
 * longer than such attempts usually take. It only measures and reports.
 */
import { Patience } from "./patience.js";

export interface HandshakeHooks {
  /** Gives the attempt up, which took or was silent for so many milliseconds; `false` when there is no socket of it yet. */
  giveUp(after: number): boolean;
  /** When this attempt last got anywhere: connected, or read a byte. On the clock of `performance.now()`; 0 for not yet. */
  heardAt(): number;
}

export class HandshakeWatch {
  readonly #timeout: number;
  readonly #patience: Patience;
  readonly #hooks: HandshakeHooks;
  #total: NodeJS.Timeout | undefined = undefined;
  #quiet: NodeJS.Timeout | undefined = undefined;
  #dialledAt = 0;
  /** The server keeps this attempt waiting, which says nothing of the next one. */
  #isLoading = false;

  constructor(timeout: number, hooks: HandshakeHooks) {
    this.#timeout = timeout;
    this.#patience = new Patience(timeout);
    this.#hooks = hooks;
  }

  get isUnderWay(): boolean {
    return this.#total !== undefined;
  }

  dialling(): void {
    this.#dialledAt = performance.now();
    this.#isLoading = false;
    this.#startAnew();
    const { allowed } = this.#patience;
    clearTimeout(this.#quiet);
    if (allowed < this.#timeout) this.#listen(allowed, allowed);
  }

  /** The server has said that it is still loading: it is asked now and then, and the wait starts anew with each answer. */
  loading(): void {
    this.#isLoading = true;
    clearTimeout(this.#quiet);
    this.#startAnew();
  }

  ready(): void {
    this.stop();
    if (!this.#isLoading) this.#patience.rewarded(performance.now() - this.#dialledAt);
  }

  stop(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#quiet);
    this.#total = undefined;
  }

  #startAnew(): void {
    clearTimeout(this.#total);
    this.#total = setTimeout(() => this.#late(this.#timeout), this.#timeout);
    this.#total.unref();
  }

  /** Waits for a sign of life, and gives up when there was none for as long as `allowed`. */
  #listen(allowed: number, wait: number): void {
    this.#quiet = setTimeout(() => {
      // After a stall of this process the answer may lie in the socket: one poll phase for it.
      setImmediate(() => {
        if (!this.isUnderWay || this.#isLoading) return;
        const silence = performance.now() - Math.max(this.#dialledAt, this.#hooks.heardAt());
        if (silence < allowed) this.#listen(allowed, allowed - silence);
        else this.#late(allowed);
      });
    }, Math.ceil(wait));
    this.#quiet.unref();
  }

  #late(after: number): void {
    if (this.#hooks.giveUp(after)) this.#patience.exhausted();
    // The connector still looks for the server; its socket will be watched as well.
    else if (this.isUnderWay) this.dialling();
  }
}
