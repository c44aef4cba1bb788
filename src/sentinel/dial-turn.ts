/**
 * Who may dial one server. As long as it can be reached, everybody at once. When it cannot, one at a time and not too often, on
 * behalf of all: the others dial when that one has arrived. The rate is the same however many want to.
 */
import { clock, type Timer } from "../clock.js";

/** Somebody who waits for its turn. */
export interface Waiting {
  /** `dial`: now. `again`: the server is not wanted any more; look for it again. */
  go(what: "dial" | "again"): void;
  /** The one whose turn it was did not arrive. */
  failed(error: Error): void;
}

/** Between the beginnings of two attempts, at least, in milliseconds; up to half as much again is drawn on top. */
const EVERY = 150;

export class DialTurn {
  readonly #waiting = new Set<Waiting>();
  #isFailing = false;
  /** Dials on behalf of all. */
  #scout: Waiting | undefined = undefined;
  #nextAt = -Infinity;
  #timer: Timer | undefined = undefined;

  /** The server could not be reached, and nobody has arrived there since. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Nobody dials, and nobody waits to. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#scout === undefined;
  }

  /** Wants to dial; `go` is called when it may, maybe at once. */
  enter(one: Waiting): void {
    if (!this.#isFailing) {
      one.go("dial");
      return;
    }
    this.#waiting.add(one);
    this.#plan();
  }

  /** It does not want to any more, whether its turn had come or not. */
  leave(one: Waiting): void {
    this.#waiting.delete(one);
    if (this.#scout !== one) return;
    this.#scout = undefined;
    this.#plan();
  }

  /** It was reached. */
  arrived(): void {
    this.#isFailing = false;
    this.#scout = undefined;
    this.#letAllGo("dial");
  }

  /** This one has dialled and was not let in; nobody else would be. */
  failed(one: Waiting, error: Error): void {
    // Attempts that began before the last failure say no more than that.
    if (!this.#isFailing) this.#nextAt = clock.now() + gap();
    this.#isFailing = true;
    if (this.#scout === one) this.#scout = undefined;
    for (const other of [...this.#waiting]) other.failed(error);
    this.#plan();
  }

  /** The server is not wanted any more: another one is. */
  abandon(): void {
    this.#isFailing = false;
    this.#scout = undefined;
    this.#letAllGo("again");
  }

  #letAllGo(what: "dial" | "again"): void {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const one of all) one.go(what);
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#scout !== undefined || this.#waiting.size === 0) return;
    // The process stays for it, as it does for the wait before a reconnect.
    this.#timer = clock.setTimeout(() => this.#send(), Math.max(0, this.#nextAt - clock.now()));
  }

  #send(): void {
    this.#timer = undefined;
    const [scout] = this.#waiting;
    if (scout === undefined) return;
    this.#waiting.delete(scout);
    this.#scout = scout;
    this.#nextAt = clock.now() + gap();
    scout.go("dial");
  }
}

function gap(): number {
  return EVERY * (1 + clock.random() / 2);
}
