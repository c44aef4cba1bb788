/** The Sentinels of a set: those of the options, and those that they named. In the order in which they are asked. */
import { isSame, type Address } from "./address.js";

/** More than any set has; what a peer that is no Sentinel names must not grow without end. */
const MOST = 64;

export class SentinelList {
  #all: readonly Address[];

  constructor(given: readonly Address[]) {
    this.#all = given;
  }

  get all(): readonly Address[] {
    return this.#all;
  }

  /** Remembers one that another Sentinel named. */
  add(sentinel: Address): void {
    if (this.#all.length < MOST && !this.#all.some((one) => isSame(one, sentinel)))
      this.#all = [...this.#all, sentinel];
  }

  /** It did not answer: the others are asked before it. */
  defer(sentinel: Address): void {
    if (this.#all.some((one) => isSame(one, sentinel))) {
      this.#all = [...this.#all.filter((one) => !isSame(one, sentinel)), sentinel];
    }
  }
}
