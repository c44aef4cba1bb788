/**
 * What a server answers that has ended the login of a live connection (NOAUTH) was not executed. Where somebody gives logins, the
 * connection is logged in anew, and the refused commands go again behind that, once each: a server that lets nobody in is not asked for ever.
 */
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Call } from "./call.js";
import type { ConnectionState } from "./connection-state.js";
import type { Transport } from "./ports.js";
import type { RetryLoop } from "./retry-loop.js";

export interface ReloginParts {
  readonly transport: Transport;
  readonly connection: ConnectionState;
  readonly retryLoop: RetryLoop;
}

export class Relogin {
  readonly #parts: ReloginParts;
  readonly #again = new WeakSet<Call>();
  #attempt: object | undefined = undefined;

  constructor(parts: ReloginParts) {
    this.#parts = parts;
  }

  /** Whether this refusal is over once the connection is logged in anew, which begins now or is under way. */
  mends({ code }: Diagnosis, call: Call): boolean {
    if (code !== "AUTH_REQUIRED" || this.#again.has(call) || call.facts.session === "login") return false;
    if (!this.#parts.connection.isPausedBy("login") && !this.#begin()) return false;
    this.#again.add(call);
    return true;
  }

  #begin(): boolean {
    const { transport, connection, retryLoop } = this.#parts;
    const attempt = (this.#attempt = {});
    const begun = transport.logInAgain(() => {
      if (this.#attempt !== attempt) return;
      this.#attempt = undefined;
      connection.resume("login");
      // What was refused need not wait for the end of its pause.
      if (retryLoop.isHolding) retryLoop.finish();
    });
    if (begun) connection.pause("login");
    return begun;
  }
}
