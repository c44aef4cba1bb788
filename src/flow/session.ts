/**
 * WATCH and an interactive MULTI live in one connection of the server. This remembers whether such state was lost with
 * a connection, so that the EXEC that counted on it is refused instead of silently running without its guard.
 */
import type { Call } from "../command/call.js";

export type Held = "WATCH" | "MULTI";

export class Session {
  #watching = false;
  #multi = false;
  #lost: Held | undefined = undefined;

  /** State was lost and its owner has not been told yet. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether the connection now holds state that a resend on another one would miss. */
  get isHolding(): boolean {
    return this.#watching || this.#multi;
  }

  sent(call: Call): void {
    switch (call.traits.name) {
      case "watch":
        this.#watching = true;
        break;
      case "multi":
        // A batch brings its own EXEC.
        if (call.stream === undefined) this.#multi = true;
        break;
      case "exec":
      case "discard":
      case "reset":
        this.#multi = this.#watching = false;
        break;
      case "unwatch":
        this.#watching = false;
    }
  }

  connectionLost(): void {
    if (this.#multi) this.#lost = "MULTI";
    else if (this.#watching) this.#lost = "WATCH";
    this.#multi = this.#watching = false;
  }

  /** What the call counted on and lost; clears the mark once the caller's transaction has come to its end. */
  check(call: Call): Held | undefined {
    const lost = this.#lost;
    if (lost === undefined) return undefined;
    const { name } = call.traits;
    if (name === "discard" || name === "unwatch" || name === "reset" || (name === "watch" && lost === "WATCH")) {
      this.#lost = undefined;
      return name === "discard" && lost === "MULTI" ? lost : undefined;
    }
    if (lost === "MULTI") {
      if (call.stream !== undefined) return undefined;
      if (name === "exec") this.#lost = undefined;
      return lost;
    }
    if (name !== "multi" && name !== "exec") return undefined;
    this.#lost = undefined;
    return lost;
  }
}
