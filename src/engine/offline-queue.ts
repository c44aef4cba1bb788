/**
 * Where commands wait while the connection cannot take them. Bounded in count and in bytes, in order, and each entry
 * can be taken out at any place: an expired command is gone, it is never sent later. Knows nothing of why the
 * connection is away.
 */
import type { QueuePolicy } from "../policy/shape.js";
import { byOrder, bytesOf, type Call } from "./call.js";

/** How much waits. */
export interface QueueSize {
  readonly commands: number;
  readonly bytes: number;
}

export class OfflineQueue {
  readonly #limits: QueuePolicy | false;
  /** Calls that were sent once and may be sent again: they go before everything that came after them. */
  #returned = new Set<Call>();
  #waiting = new Set<Call>();
  /** The last of those that came back. */
  #newest: Call | undefined = undefined;
  #isSorted = true;
  #bytes = 0;

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
    return { commands: this.size, bytes: this.#bytes };
  }

  /** Lets a call wait; `false` when the queue is full. */
  add(call: Call): boolean {
    if (this.#limits !== false) {
      if (this.size >= this.#limits.maxCommands) return false;
      const bytes = bytesOf(call.command);
      if (this.#bytes + bytes > this.#limits.maxBytes) return false;
      call.bytes = bytes;
      this.#bytes += bytes;
    }
    call.wait();
    this.#waiting.add(call);
    return true;
  }

  /** Takes back a call that was admitted before, to its place among the others; the limits were applied then. */
  giveBack(call: Call): void {
    call.wait();
    if (this.#returned.size === 0) this.#isSorted = true;
    else if (this.#newest !== undefined && byOrder(call, this.#newest) < 0) this.#isSorted = false;
    this.#returned.add(call);
    this.#newest = call;
  }

  /** Everything that waits, oldest first; a copy, so that calls may be removed while it is walked. */
  calls(): Call[] {
    if (!this.#isSorted) this.#sort();
    return [...this.#returned, ...this.#waiting];
  }

  /** What has waited longest, if anything waits. */
  get oldest(): Call | undefined {
    if (!this.#isSorted) this.#sort();
    for (const calls of [this.#returned, this.#waiting]) for (const call of calls) return call;
    return undefined;
  }

  #sort(): void {
    this.#returned = new Set([...this.#returned].sort(byOrder));
    for (const call of this.#returned) this.#newest = call;
    this.#isSorted = true;
  }

  remove(call: Call): void {
    if (this.#returned.delete(call) || this.#waiting.delete(call)) this.#bytes -= call.bytes;
    call.bytes = 0;
  }

  /** Empties the queue, oldest first. */
  take(): Call[] {
    const calls = this.calls();
    this.#returned = new Set();
    this.#waiting = new Set();
    this.#bytes = 0;
    for (const call of calls) call.bytes = 0;
    return calls;
  }
}
