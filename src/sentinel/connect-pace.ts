/** Keeps the connects to the Sentinels of one set below a rate, however many clients, rounds and subscriptions want them. */
import { clock } from "../clock.js";

/** Connects that may begin within one second. */
const MOST = 7;
const SECOND = 1_000;

export class ConnectPace {
  /** When the last of them begin; in order. */
  readonly #begun: number[] = [];

  /** Reserves the next connect. Returns in how many milliseconds it may begin. */
  reserve(now: number = clock.now()): number {
    const before = this.#begun.at(-MOST);
    const at = before === undefined ? now : Math.max(now, before + SECOND);
    this.#begun.push(at);
    if (this.#begun.length > MOST) this.#begun.shift();
    return at - now;
  }
}
