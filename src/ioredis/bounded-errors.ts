/** Keeps an outage from becoming hundreds of `error` events of one client: the same failure is told once a second. */
import { clock } from "../clock.js";

/** Milliseconds. */
const ONCE_EVERY = 1_000;

export class BoundedErrors {
  #kind: unknown = undefined;
  #at = -Infinity;

  /** Whether this one is worth an event: another kind than the last, or the last was long ago. */
  mayTell(error: Error & { readonly code?: unknown }): boolean {
    const kind = error.code ?? error.message;
    const now = clock.now();
    if (kind === this.#kind && now - this.#at < ONCE_EVERY) return false;
    this.#kind = kind;
    this.#at = now;
    return true;
  }

  /** The client is well again. */
  reset(): void {
    this.#kind = undefined;
  }
}
