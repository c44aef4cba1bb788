/** The key with which a node is asked whether it takes writes. With a key of another node's slots it would say MOVED, whatever its state. */
import { slotOf } from "../ioredis/commands.js";
import { probeKey } from "../ioredis/probe.js";
import { SLOTS } from "./slot-ranges.js";

/** Keys that are tried: enough to meet nearly every slot. */
const TRIES = SLOTS * 4;

/** Finds keys by trying one after the other, and keeps the last one as long as it is right. */
export class ProbeKey {
  readonly #first: string;
  readonly #slots: () => ReadonlySet<number>;
  #last: string | undefined = undefined;

  /** `keyPrefix` keeps the key within the caller's own; `slots` are those that the node serves now. */
  constructor(keyPrefix: string, slots: () => ReadonlySet<number>) {
    this.#first = probeKey(keyPrefix);
    this.#slots = slots;
  }

  /** A key in a slot of the node's; any key where it has none, or where all keys of the caller are in one slot. */
  find(): string {
    const slots = this.#slots();
    if (this.#last === undefined || !slots.has(slotOf(this.#last))) this.#last = this.#search(slots);
    return this.#last ?? this.#first;
  }

  #search(slots: ReadonlySet<number>): string | undefined {
    const home = slotOf(this.#first);
    if (slots.has(home)) return this.#first;
    // A prefix with a tag says alone where keys are.
    const isTagged = [1, 2, 3].every((number) => slotOf(this.#named(number)) === home);
    if (slots.size === 0 || isTagged) return undefined;
    // A command for each key, as `slotOf` makes one, would take a quarter of a second where the node serves a single slot.
    const begun = crc16(this.#named(""));
    for (let number = 1; number < TRIES; number++) {
      if (slots.has(crc16(String(number), begun) % SLOTS)) return this.#named(number);
    }
    return undefined;
  }

  #named(number: number | ""): string {
    return `${this.#first}:${String(number)}`;
  }
}

/** The checksum that slots are counted by, continued from that of what comes before. */
function crc16(text: string, before = 0): number {
  let crc = before;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}
