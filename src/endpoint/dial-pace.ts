/**
 * Keeps the clients of one server from dialling it all at once: only so many connection attempts may fall into one slot of
 * time; the rest move on to later slots, spread at random. The rate is bounded however many clients there are.
 */
import { clock } from "../clock.js";

/** Length of a slot, in milliseconds. */
const SLOT = 50;
/** Attempts in one slot: 500 a second. A thousand clients that lost one server are back within two seconds. */
const ROOM = 25;

export class DialPace {
  readonly #taken = new Map<number, number>();

  /** The delay in milliseconds of an attempt that would like to begin in `delay`; it counts from now on. */
  reserve(delay: number, now: number = clock.now()): number {
    const present = Math.floor(now / SLOT);
    for (const slot of this.#taken.keys()) if (slot < present) this.#taken.delete(slot);
    const wished = Math.floor((now + delay) / SLOT);
    let slot = wished;
    while ((this.#taken.get(slot) ?? 0) >= ROOM) slot++;
    this.#taken.set(slot, (this.#taken.get(slot) ?? 0) + 1);
    return slot === wished ? delay : (slot + clock.random()) * SLOT - now;
  }
}
