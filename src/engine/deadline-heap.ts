/** Calls by the time at which they expire: for allowances that are too many for a list each. A binary heap. */
import type { Call, CallList } from "./call.js";

export class DeadlineHeap implements CallList {
  readonly #calls: Call[] = [];

  /** What expires first. */
  get first(): Call | undefined {
    return this.#calls[0];
  }

  /** Where calls of an allowance in milliseconds are entered. */
  allowance(allowance: number): { add(call: Call, now: number): void } {
    return {
      add: (call, now) => {
        call.expiresAt = now + allowance;
        call.list = this;
        this.#up(this.#calls.length, call);
      },
    };
  }

  remove(call: Call): void {
    const { place } = call;
    call.list = undefined;
    const last = this.#calls.pop();
    // The last one takes the free place, and from there the way to where it belongs.
    if (last === undefined || last === call) return;
    if (place > 0 && last.expiresAt < (this.#calls[parent(place)]?.expiresAt ?? 0)) this.#up(place, last);
    else this.#down(place, last);
  }

  #up(place: number, call: Call): void {
    let at = place;
    while (at > 0) {
      const above = this.#calls[parent(at)];
      if (above === undefined || above.expiresAt <= call.expiresAt) break;
      this.#put(at, above);
      at = parent(at);
    }
    this.#put(at, call);
  }

  #down(place: number, call: Call): void {
    let at = place;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [this.#calls[left], this.#calls[left + 1]];
      if (one === undefined) break;
      const isOther = other !== undefined && other.expiresAt < one.expiresAt;
      const below = isOther ? other : one;
      if (below.expiresAt >= call.expiresAt) break;
      this.#put(at, below);
      at = isOther ? left + 1 : left;
    }
    this.#put(at, call);
  }

  #put(at: number, call: Call): void {
    this.#calls[at] = call;
    call.place = at;
  }
}

function parent(at: number): number {
  return (at - 1) >> 1;
}
