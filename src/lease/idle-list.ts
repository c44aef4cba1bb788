/**
 * Where idle connections wait to be lent: the most recently used goes first, so that what is not needed can grow old.
 * What rested for too long, down to a minimum, or is too old altogether, is handed out to be destroyed.
 */
import { clock, type Timer } from "../clock.js";

export interface Idle {
  idleSince: number;
  /** When it is too old, on the monotonic clock. */
  readonly expiresAt: number;
}

export interface IdleListHooks<M> {
  /** More connections exist than must be kept. */
  hasSpare(): boolean;
  expired(member: M, reason: "idle" | "lifetime"): void;
}

export class IdleList<M extends Idle> {
  readonly #members: M[] = [];
  readonly #idleTimeout: number;
  readonly #hooks: IdleListHooks<M>;
  #timer: Timer | undefined = undefined;

  constructor(idleTimeout: number, hooks: IdleListHooks<M>) {
    this.#idleTimeout = idleTimeout;
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#members.length;
  }

  push(member: M): void {
    member.idleSince = clock.now();
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
    clock.clearTimeout(this.#timer);
  }

  #sweep(): void {
    clock.clearTimeout(this.#timer);
    const now = clock.now();
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
    this.#timer = clock.setTimeout(() => this.#sweep(), Math.max(1, Math.ceil(due - now) + 1));
    this.#timer.unref();
  }
}
