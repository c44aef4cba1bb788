/**
 * Where commands wait while the connection cannot take them. Bounded in count and in bytes, in order, and each entry
 * can be taken out at any place: an expired command is gone, it is never sent later. Knows nothing of why the
 * connection is away.
 */
import { bytesOf, type Call } from "../command/call.js";
import type { QueuePolicy } from "../policy/shape.js";

export interface GateStats {
  readonly commands: number;
  readonly bytes: number;
}

export class Gate {
  readonly #limits: QueuePolicy | false;
  /** Calls that were sent once and may be sent again: they go before everything that came after them. */
  #returned = new Set<Call>();
  #waiting = new Set<Call>();
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

  get stats(): GateStats {
    return { commands: this.size, bytes: this.#bytes };
  }

  /** Lets a call wait; `false` when the gate is full. */
  add(call: Call): boolean {
    if (this.#limits !== false) {
      if (this.size >= this.#limits.maxCommands) return false;
      const bytes = bytesOf(call.command);
      if (this.#bytes + bytes > this.#limits.maxBytes) return false;
      call.bytes = bytes;
      this.#bytes += bytes;
    }
    call.state = "waiting";
    this.#waiting.add(call);
    return true;
  }

  /** Takes back a call that was admitted before; the limits were applied then. */
  giveBack(call: Call): void {
    call.state = "waiting";
    this.#returned.add(call);
  }

  /** Everything that waits, oldest first; a copy, so that calls may be removed while it is walked. */
  calls(): Call[] {
    return [...this.#returned, ...this.#waiting];
  }

  remove(call: Call): void {
    if (this.#returned.delete(call) || this.#waiting.delete(call)) this.#bytes -= call.bytes;
    call.bytes = 0;
  }

  /** Empties the gate, oldest first. */
  take(): Call[] {
    const calls = this.calls();
    this.#returned = new Set();
    this.#waiting = new Set();
    this.#bytes = 0;
    for (const call of calls) call.bytes = 0;
    return calls;
  }
}
