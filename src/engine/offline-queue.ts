/**
 * Where commands wait while the connection cannot take them. Bounded in count and in bytes, in order, and each entry
 * can be taken out at any place: an expired command is gone, it is never sent later. Knows nothing of why the
 * connection is away.
 */
import type { QueuePolicy } from "../policy/shape.js";
import { byOrder, bytesOf, type Call } from "./call.js";
import { Fifo } from "./fifo.js";

/** How much waits. */
export interface QueueSize {
  readonly commands: number;
  readonly bytes: number;
}

/** How much may wait. */
export interface QueueBounds {
  readonly maxCommands: number;
  readonly maxBytes: number;
}

export class OfflineQueue {
  readonly #limits: QueuePolicy | false;
  /** Calls that were sent once and may be sent again: they go before everything that came after them. */
  #returned = new Fifo();
  #waiting = new Fifo();
  /** The last of those that came back. */
  #newest: Call | undefined = undefined;
  #isSorted = true;

  constructor(limits: QueuePolicy | false) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#returned.size + this.#waiting.size;
  }

  get isEmpty(): boolean {
    return this.#returned.size === 0 && this.#waiting.size === 0;
  }

  get stats(): QueueSize {
    return { commands: this.size, bytes: this.#returned.bytes + this.#waiting.bytes };
  }

  /** Lets a call wait; `false` when the queue is full. One always fits, however large. */
  add(call: Call, bounds: QueueBounds | false = this.#limits): boolean {
    const bytes = bytesOf(call.command);
    const { size, stats } = this;
    if (bounds !== false && size >= bounds.maxCommands) return false;
    if (bounds !== false && size > 0 && stats.bytes + bytes > bounds.maxBytes) return false;
    call.bytes = bytes;
    call.wait();
    this.#waiting.add(call);
    return true;
  }

  /** Whether a call that was lost with its connection may wait to be sent again: those are bounded on their own. */
  mayReturn(call: Call): boolean {
    if (this.#limits === false || this.#returned.size === 0) return true;
    const { maxCommands, maxBytes } = this.#limits;
    return this.#returned.size < maxCommands && this.#returned.bytes + bytesOf(call.command) <= maxBytes;
  }

  /** Takes back a call that was admitted before, to its place among the others; the limits were applied then. */
  giveBack(call: Call): void {
    call.wait();
    call.bytes = bytesOf(call.command);
    if (this.#returned.size === 0) this.#isSorted = true;
    else if (this.#newest !== undefined && byOrder(call, this.#newest) < 0) this.#isSorted = false;
    this.#returned.add(call);
    this.#newest = call;
  }

  /** Everything that waits, oldest first; a copy, so that calls may be removed while it is walked. */
  calls(): Call[] {
    this.#sort();
    return [...this.#returned, ...this.#waiting];
  }

  /** What has waited longest, if anything waits. */
  get oldest(): Call | undefined {
    this.#sort();
    return this.#returned.first ?? this.#waiting.first;
  }

  #sort(): void {
    if (this.#isSorted) return;
    this.#returned = new Fifo([...this.#returned].sort(byOrder));
    for (const call of this.#returned) this.#newest = call;
    this.#isSorted = true;
  }

  remove(call: Call): void {
    if (this.#returned.delete(call) || this.#waiting.delete(call)) call.bytes = 0;
  }

  /** Takes the oldest out, so many of them or all, and with the last of them what is left of its batch. */
  take(count: number = Infinity): Call[] {
    const calls: Call[] = [];
    let last: Call | undefined;
    for (let call = this.oldest; call !== undefined; call = this.oldest) {
      if (calls.length >= count && (call.batch === undefined || call.batch !== last?.batch)) break;
      this.remove(call);
      calls.push(call);
      last = call;
    }
    return calls;
  }
}
