/**
 * Watches one connection attempt, from dialling to ready: that its name is found, that it ends in time, and that it does not
 * stay silent for much longer than such attempts usually take. It only measures and reports. Time in which this process stood
 * still counts nowhere.
 */
import { AwakeTimeout } from "../awake-timeout.js";
import { clock } from "../clock.js";
import { stalls } from "../stall-meter.js";
import { AdaptiveHandshakeTimeout } from "./adaptive-handshake-timeout.js";

/** Milliseconds. */
export interface HandshakeLimits {
  /** From the first packet to ready. */
  readonly timeout: number;
  /** The same after attempts that were given up, at most. */
  readonly longest: number;
  /** How long the name may be looked up, before that. */
  readonly lookup: number;
}

export interface HandshakeHooks {
  /** Gives the attempt up, which took or was silent for so many milliseconds; `false` when there is no socket of it yet. */
  giveUp(after: number): boolean;
  /** When this attempt last got anywhere: connected, or read a byte. On the clock of `clock.now()`; 0 for not yet. */
  heardAt(): number;
}

export class HandshakeWatch {
  readonly #longestLookup: number;
  readonly #adaptive: AdaptiveHandshakeTimeout;
  readonly #hooks: HandshakeHooks;
  #total: AwakeTimeout | undefined = undefined;
  #quiet: AwakeTimeout | undefined = undefined;
  /** When the name began to be looked up; then, when the first packet left. */
  #since = 0;
  /** The name is being looked up: no packet has left for the server. */
  isResolving = false;
  /** How long the name took to be looked up, in milliseconds. */
  #lookup = 0;
  /** The server keeps this attempt waiting, which says nothing of the next one. */
  #isLoading = false;

  constructor({ timeout, longest, lookup }: HandshakeLimits, hooks: HandshakeHooks) {
    this.#longestLookup = lookup;
    this.#adaptive = new AdaptiveHandshakeTimeout(timeout, longest);
    this.#hooks = hooks;
  }

  get isUnderWay(): boolean {
    return this.#total !== undefined;
  }

  /** Milliseconds that the present attempt has spent on looking its name up, or did spend. */
  get lookup(): number {
    return this.isResolving ? clock.now() - this.#since : this.#lookup;
  }

  /** An attempt begins; with the search for the address of its name, if it has one. */
  dialling(isNamed: boolean): void {
    this.stop();
    this.#since = clock.now();
    this.#lookup = 0;
    this.#isLoading = false;
    this.isResolving = isNamed;
    const limit = this.#longestLookup;
    if (isNamed) this.#total = new AwakeTimeout(() => this.#late(limit), limit);
    else this.#begin();
  }

  /** The name's address is known. */
  resolved(): void {
    if (!this.isResolving) return;
    this.#lookup = this.lookup;
    this.isResolving = false;
    if (this.isUnderWay) this.#begin();
  }

  /** The server has said that it is still loading: it is asked now and then, and the wait starts anew with each answer. */
  loading(): void {
    this.#isLoading = true;
    this.#quiet?.cancel();
    this.#startAnew();
  }

  ready(): void {
    this.stop();
    if (!this.#isLoading) this.#adaptive.rewarded(stalls.awakeSince(this.#since));
  }

  stop(): void {
    this.#total?.cancel();
    this.#quiet?.cancel();
    this.#total = undefined;
    this.isResolving = false;
  }

  #begin(): void {
    this.#since = clock.now();
    this.#startAnew();
    const { silence, total } = this.#adaptive;
    if (silence < total) this.#listen(silence, silence);
  }

  #startAnew(): void {
    const { total } = this.#adaptive;
    this.#total?.cancel();
    this.#total = new AwakeTimeout(() => this.#late(total), total);
  }

  /** Waits for a sign of life, and gives up when there was none for as long as `allowed`. */
  #listen(allowed: number, wait: number): void {
    this.#quiet = new AwakeTimeout(() => {
      if (!this.isUnderWay || this.#isLoading) return;
      const silence = stalls.awakeSince(Math.max(this.#since, this.#hooks.heardAt()));
      if (silence < allowed) this.#listen(allowed, allowed - silence);
      else this.#late(allowed);
    }, wait);
  }

  #late(after: number): void {
    const wasResolving = this.isResolving;
    if (this.#hooks.giveUp(after)) {
      // A slow name says nothing of the server.
      if (!wasResolving) this.#adaptive.exhausted();
    }
    // The connector still looks for the server; its socket will be watched as well.
    else if (this.isUnderWay) this.dialling(wasResolving);
  }
}
