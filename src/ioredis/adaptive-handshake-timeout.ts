/**
 * How long a connection attempt may be silent. Where handshakes take milliseconds, one that has heard nothing for most of a
 * second has met a path that swallows everything, and the next attempt may find another one. Each one given up doubles what
 * the next is allowed, so that a server which is merely slow is reached all the same.
 */

/** Never less than this, in milliseconds: a busy server or host may be silent for a moment. */
const LEAST = 500;
/** Nor less than this share of the limit: who allows a handshake much time knows of a server that may need it. */
const SHARE = 1 / 4;
/** The usual handshake may take this many times as long. */
const SPREAD = 20;

export class AdaptiveHandshakeTimeout {
  readonly #limit: number;
  #usual: number | undefined = undefined;
  #givenUp = 0;

  /** `limit`: what an attempt is allowed of which nothing is known yet, and at most. Milliseconds. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get allowed(): number {
    if (this.#usual === undefined) return this.#limit;
    const first = Math.max(LEAST, this.#limit * SHARE, this.#usual * SPREAD);
    return Math.min(this.#limit, first * 2 ** Math.min(this.#givenUp, 20));
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
}
