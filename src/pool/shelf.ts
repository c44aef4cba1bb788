/**
 * Where idle connections wait to be lent: the most recently used goes first, so that what is not needed can grow old.
 * What rested for too long, down to a minimum, or is too old altogether, is handed out to be destroyed.
 */

export interface Resting {
  idleSince: number;
  /** When it is too old, on the clock of `performance.now()`. */
  readonly expiresAt: number;
}

export interface ShelfHooks<M> {
  /** More connections exist than must be kept. */
  hasSpare(): boolean;
  expired(member: M, reason: "idle" | "lifetime"): void;
}

export class Shelf<M extends Resting> {
  readonly #members: M[] = [];
  readonly #idleTimeout: number;
  readonly #hooks: ShelfHooks<M>;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(idleTimeout: number, hooks: ShelfHooks<M>) {
    this.#idleTimeout = idleTimeout;
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#members.length;
  }

  push(member: M): void {
    member.idleSince = performance.now();
    this.#members.push(member);
    this.#sweep();
  }

  pop(): M | undefined {
    return this.#members.pop();
  }

  find(matches: (member: M) => boolean): M | undefined {
    return this.#members.find(matches);
  }

  remove(member: M): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #sweep(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    // The longest rested stands first.
    for (const member of [...this.#members]) {
      if (now >= member.expiresAt) this.#hooks.expired(member, "lifetime");
      else if (now >= member.idleSince + this.#idleTimeout && this.#hooks.hasSpare()) {
        this.#hooks.expired(member, "idle");
      }
    }
    const hasSpare = this.#hooks.hasSpare();
    const due = this.#members.reduce((least, { expiresAt, idleSince }) => {
      const at = hasSpare ? Math.min(expiresAt, idleSince + this.#idleTimeout) : expiresAt;
      return Math.min(least, at);
    }, Infinity);
    if (due === Infinity) return;
    this.#timer = setTimeout(() => this.#sweep(), Math.max(1, Math.ceil(due - now) + 1));
    this.#timer.unref();
  }
}
