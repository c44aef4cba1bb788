/**
 * How long a connection attempt may take, and how long it may be silent. Where handshakes take milliseconds, one that has
 * heard nothing for most of a second has met a path that swallows everything, and the next attempt may find another one.
 * Each one given up doubles what the next is allowed, so that a server which is merely slow is reached all the same.
 */

/** Never less than this, in milliseconds: a busy server or host may be silent for a moment. */
const LEAST = 500;
/** Nor less than this share of the limit: who allows a handshake much time knows of a server that may need it. */
const SHARE = 1 / 4;
/** The usual handshake may take this many times as long. */
const SPREAD = 20;

export class AdaptiveHandshakeTimeout {
  readonly #limit: number;
  readonly #longest: number;
  #usual: number | undefined = undefined;
  #givenUp = 0;

  /** `limit`: what the first attempt is allowed; `longest`: what one is allowed at most after others were given up. Milliseconds. */
  constructor(limit: number, longest: number) {
    this.#limit = limit;
    this.#longest = Math.max(limit, longest);
  }

  /** From the first packet to ready. */
  get total(): number {
    return this.#grown(this.#limit);
  }

  /** Without a sign of life. */
  get silence(): number {
    if (this.#usual === undefined) return this.total;
    return this.#grown(Math.min(this.#limit, Math.max(LEAST, this.#limit * SHARE, this.#usual * SPREAD)));
  }

  /** An attempt was given up. */
  exhausted(): void {
    this.#givenUp++;
  }

  /** An attempt succeeded after so many milliseconds. */
  rewarded(took: number): void {
    this.#usual = took;
    this.#givenUp = 0;
  }

  #grown(first: number): number {
    return Math.min(this.#longest, first * 2 ** Math.min(this.#givenUp, 20));
  }
}
