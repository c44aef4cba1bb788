/**
 * What ioredis takes for its offline queue. What waits is the engine's: ioredis finds nothing here, and what it adds goes back to
 * the engine. Callers who look how much waits, metrics among them, see how much that is.
 */
import type { CommandItem, CommandQueue } from "./internals.js";

/** Statuses in which ioredis itself does not look, and would look in vain for what is counted. */
const SHOWING: ReadonlySet<string> = new Set(["wait", "connecting", "connect", "reconnecting"]);

export interface ShownQueueParts {
  readonly status: () => string;
  /** How many commands wait. */
  readonly waiting: () => number;
  /** ioredis found a command not writable. */
  readonly returned: (item: CommandItem) => void;
}

export class ShownQueue implements Pick<CommandQueue, "length" | "push" | "shift" | "peekAt" | "remove"> {
  readonly #parts: ShownQueueParts;

  constructor(parts: ShownQueueParts) {
    this.#parts = parts;
  }

  get length(): number {
    return SHOWING.has(this.#parts.status()) ? this.#parts.waiting() : 0;
  }

  push(item: CommandItem): number {
    this.#parts.returned(item);
    return 0;
  }

  shift(): undefined {
    return undefined;
  }

  peekAt(): undefined {
    return undefined;
  }

  remove(): undefined {
    return undefined;
  }
}
