/** A caller's `AbortSignal` ends the wait for its command, wherever the command is. */
import type { Call } from "../command/call.js";
import type { Desk } from "./desk.js";
import * as refusal from "./refusal.js";
import type { Transport } from "./transport.js";

/** The client, as an abort sees it. */
export interface Interrupted {
  readonly desk: Desk;
  readonly transport: Transport;
  /** Takes a call out of wherever it is. */
  withdraw(call: Call): void;
}

export function listenForAbort(client: Interrupted, call: Call, signal: AbortSignal): void {
  const { desk, transport } = client;
  const onAbort = (): void => {
    const inFlight = call.state === "sent";
    const error = refusal.aborted(call, desk.scene(), performance.now());
    client.withdraw(call);
    desk.reject(call, error);
    // The server must not deliver an element to a call that has gone.
    if (inFlight && call.traits.carriage === "blocking") transport.destroy(error);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  call.observer = () => signal.removeEventListener("abort", onAbort);
}
