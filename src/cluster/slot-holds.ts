/**
 * Calls that wait for their slot: until the node that served it has answered what it still has, or until somebody serves it
 * at all. Each stays in the order in which it came, under its own deadline; the bound is that of any queue.
 */
import type { Call } from "../engine/call.js";

/** Some slots that wait for the same thing. */
export class Hold {
  readonly slots: readonly number[];
  /** They wait for an owner, and nothing but a new table ends that. */
  readonly isUnserved: boolean;
  readonly calls: Call[] = [];
  /** Things that are waited for: the last one ends it. */
  reasons = 1;

  constructor(slots: readonly number[], isUnserved: boolean) {
    this.slots = slots;
    this.isUnserved = isUnserved;
  }
}

export class SlotHolds {
  readonly #holds = new Map<number, Hold>();
  /** Read for every command. */
  isEmpty = true;

  /** Calls that wait now. */
  get waiting(): number {
    let count = 0;
    for (const { calls } of new Set(this.#holds.values()))
      for (const { state } of calls) if (state === "waiting") count++;
    return count;
  }

  of(slot: number): Hold | undefined {
    return this.#holds.get(slot);
  }

  /** Those of the slots that are not held yet are held from here on. */
  begin(slots: readonly number[], isUnserved = false): Hold {
    const free = slots.filter((slot) => !this.#holds.has(slot));
    const hold = new Hold(free, isUnserved);
    for (const slot of hold.slots) this.#holds.set(slot, hold);
    this.isEmpty = this.#holds.size === 0;
    return hold;
  }

  /** Nothing holds these slots any more; returns what waited for them, in order. */
  end(hold: Hold): readonly Call[] {
    for (const slot of hold.slots) if (this.#holds.get(slot) === hold) this.#holds.delete(slot);
    this.isEmpty = this.#holds.size === 0;
    return hold.calls.splice(0).filter(({ state }) => state === "waiting");
  }

  all(): readonly Hold[] {
    return [...new Set(this.#holds.values())];
  }
}
