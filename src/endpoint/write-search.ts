/**
 * What an endpoint does when its server says that it takes no writes any more: the name, or what stands behind it, may lead
 * to another one by now. Somebody looks, one at a time and not too often, while reads go on over the old connections; when
 * a server that takes writes is found, everybody moves. It knows no connections: it asks and tells through its hooks.
 */
import { clock, type Timer } from "../clock.js";

export interface SearchHooks {
  /** Whether a new connection would reach a server that takes writes. Takes a bounded time; never rejects. */
  look(): Promise<boolean>;
  /** Everybody drops the old connection as soon as nothing is in flight on it. */
  move(): void;
}

/** Between the beginnings of two looks, at least, in milliseconds; up to half as much again is drawn on top. */
const LOOK_EVERY = 500;
/** Between two moves, at least, in milliseconds: where looking proves nothing, connections are not churned. */
const MOVE_EVERY = 1_000;

export class WriteSearch {
  readonly #hooks: SearchHooks;
  /** A write was refused since the last look began. */
  #isWanted = false;
  #isLooking = false;
  #isOver = false;
  #nextAt = -Infinity;
  #movedAt = -Infinity;
  #timer: Timer | undefined = undefined;

  constructor(hooks: SearchHooks) {
    this.#hooks = hooks;
  }

  /** A write that was sent at `sentAt` was refused because the server is read-only. */
  refused(sentAt: number): void {
    // What was sent before the move says nothing of the server that everybody moved to.
    if (sentAt < this.#movedAt) return;
    this.#isWanted = true;
    this.#plan();
  }

  end(): void {
    this.#isOver = true;
    clock.clearTimeout(this.#timer);
  }

  #isEnded(): boolean {
    return this.#isOver;
  }

  #planIfWanted(): void {
    if (this.#isWanted) this.#plan();
  }

  #plan(): void {
    if (this.#isLooking || this.#isOver || this.#timer !== undefined) return;
    const wait = Math.max(0, this.#nextAt - clock.now());
    this.#timer = clock.setTimeout(() => void this.#look(), wait);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    this.#isWanted = false;
    this.#nextAt = clock.now() + LOOK_EVERY * (1 + clock.random() / 2);
    const found = await this.#hooks.look();
    this.#isLooking = false;
    const now = clock.now();
    if (found && !this.#isEnded() && now - this.#movedAt >= MOVE_EVERY) {
      this.#movedAt = now;
      this.#isWanted = false;
      this.#hooks.move();
    } else this.#planIfWanted();
  }
}
