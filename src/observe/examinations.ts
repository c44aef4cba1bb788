/** Has the endpoint looked at from outside when an incident opens: once an incident, and not again within an interval. */
import type { Code } from "../failure/codes.js";

/** What was seen from outside when the incident opened. */
export interface Examination {
  readonly code: Code;
  readonly sentence: string;
}

/** Looks; `undefined`: it saw nothing worth telling. */
export type Examine = () => Promise<Examination | undefined>;

export class Examinations {
  readonly #examine: Examine | undefined;
  readonly #interval: number;
  readonly #now: () => number;
  #lookedAt = -Infinity;
  /** A look is under way, and this was its predecessor's time: given back if the incident ends first. */
  #refund: number | undefined = undefined;

  /** `interval` in milliseconds. */
  constructor(examine: Examine | undefined, interval: number, now: () => number) {
    this.#examine = examine;
    this.#interval = interval;
    this.#now = now;
  }

  /** Looks, if it is time to, and tells what it saw while `isAsked` holds: what is over by then is not worth the look of an interval. */
  async look(isAsked: () => boolean, tell: (seen: Examination) => void): Promise<void> {
    const examine = this.#examine;
    const now = this.#now();
    if (examine === undefined || now - this.#lookedAt < this.#interval) return;
    this.#refund = this.#lookedAt;
    this.#lookedAt = now;
    // A service must not end because its look outside failed, for example where a bundle left the doctor out
    const seen = await examine().catch(() => undefined);
    if (!isAsked()) return;
    this.#refund = undefined;
    if (seen !== undefined) tell(seen);
  }

  /** The incident has ended. */
  ended(): void {
    if (this.#refund !== undefined) this.#lookedAt = this.#refund;
    this.#refund = undefined;
  }
}
