/** Slots of keys, and who serves them as one node believes: an even share of a shard's own, and single ones that were moved. */
import type { Server } from "../server/server.js";

export const SLOTS = 16_384;

/** The slot of a key: of what stands between its first braces, where something does. */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  const hashed = open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (let i = 0; i < hashed.length; i++) {
    crc ^= hashed.charCodeAt(i) << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % SLOTS;
}

/** Slots that one shard serves, the first and the last included. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly shard: number;
}

export class SlotTable {
  /** Who is the master of each shard. */
  readonly masters: Server[];
  readonly #moved: Map<number, number>;

  constructor(masters: readonly Server[], moved: ReadonlyMap<number, number> = new Map()) {
    this.masters = [...masters];
    this.#moved = new Map(moved);
  }

  copy(): SlotTable {
    return new SlotTable(this.masters, this.#moved);
  }

  shardOf(slot: number): number {
    return this.#moved.get(slot) ?? Math.floor((slot * this.masters.length) / SLOTS);
  }

  ownerOf(slot: number): Server | undefined {
    return this.masters[this.shardOf(slot)];
  }

  move(slot: number, shard: number): void {
    this.#moved.set(slot, shard);
  }

  ranges(): readonly Range[] {
    const count = this.masters.length;
    const borders = Array.from({ length: count + 1 }, (_, i) => Math.ceil((i * SLOTS) / count));
    const edges = new Set([...borders, ...[...this.#moved.keys()].flatMap((slot) => [slot, slot + 1])]);
    const starts = [...edges].filter((edge) => edge < SLOTS).sort((a, b) => a - b);
    return starts.map((from, i) => ({ from, to: (starts[i + 1] ?? SLOTS) - 1, shard: this.shardOf(from) }));
  }
}
