/** A caller's `AbortSignal` ends the wait for its command, wherever the command is. */
import { clock } from "../clock.js";
import type { Call } from "./call.js";
import { aborted } from "./client-errors.js";
import type { Transport } from "./ports.js";
import type { Settlement } from "./settlement.js";

export function listenForAbort(call: Call, signal: AbortSignal, settlement: Settlement, transport: Transport): void {
  const onAbort = (): void => {
    const inFlight = call.state === "sent";
    const error = aborted(call, settlement.snapshot(), clock.now());
    settlement.reject(call, error);
    // The server must not deliver an element to a call that has gone.
    if (inFlight && call.facts.dispatch === "blocking") transport.destroy(error);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  call.whenSettled(() => signal.removeEventListener("abort", onAbort));
}
