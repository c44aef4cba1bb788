/**
 * WATCH and an interactive MULTI live in one connection of the server. This remembers whether such state was lost with
 * a connection, so that the EXEC that counted on it is refused instead of silently running without its guard.
 */
import type { Call } from "../command/call.js";

export type Held = "WATCH" | "MULTI";

/** What a call counts on of its connection. Shared by the calls of one interactive MULTI. */
export interface Tie {
  readonly held: Held;
  /** EXEC was sent: whatever was queued may have been executed. */
  executed: boolean;
}

/**
 * How long a lost MULTI is remembered for an owner who has not come back to it. Then the owner is taken to have given up
 * at the first refusal: on a client that others use too, they would be refused for ever. Milliseconds.
 */
const REMEMBERED = 30_000;

export class Session {
  #watching = false;
  #multi: Tie | undefined = undefined;
  #lost: Held | undefined = undefined;
  #lostAt = 0;

  /** State was lost and its owner has not been told yet. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether the connection now holds state that a resend on another one would miss. */
  get isHolding(): boolean {
    return this.#watching || this.#multi !== undefined;
  }

  /** What it holds. */
  get held(): Held | undefined {
    if (this.#multi !== undefined) return "MULTI";
    return this.#watching ? "WATCH" : undefined;
  }

  /** An interactive MULTI is open: what is sent now belongs to it. */
  get isInMulti(): boolean {
    return this.#multi !== undefined;
  }

  /** A call is about to be sent. Called for all that may change this state, and for every call while it is held. */
  sent(call: Call): void {
    switch (call.traits.name) {
      case "watch":
        this.#watching = true;
        break;
      case "multi":
        // A batch brings its own EXEC.
        if (call.stream === undefined) this.#multi = { held: "MULTI", executed: false };
        break;
      case "exec":
        if (this.#multi !== undefined) this.#multi.executed = true;
        else if (this.#watching) {
          call.tie = { held: "WATCH", executed: true };
          if (call.batch !== undefined) call.batch.tied = true;
        }
        call.tie ??= this.#multi;
        this.#multi = undefined;
        this.#watching = false;
        return;
      case "discard":
      case "reset":
        this.#multi = undefined;
        this.#watching = false;
        break;
      case "unwatch":
        this.#watching = false;
    }
    call.tie = this.#multi;
  }

  /** `told`: the end of the transaction was waiting and has been refused already. */
  connectionLost(told: boolean): void {
    if (!told && this.held !== undefined) {
      this.#lost = this.held;
      this.#lostAt = performance.now();
    }
    this.#multi = undefined;
    this.#watching = false;
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
      if (name === "multi" || performance.now() - this.#lostAt >= REMEMBERED) {
        this.#lost = undefined;
        return undefined;
      }
      if (name === "exec") this.#lost = undefined;
      return lost;
    }
    if (name !== "multi" && name !== "exec") return undefined;
    this.#lost = undefined;
    return lost;
  }
}
