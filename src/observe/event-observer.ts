/** Turns what an endpoint reports into events. Those of incidents come from the incident log, which knows when one begins. */
import { shownName } from "../command/shown-name.js";
import type { CircuitChange, CommandFailure, Observer, Reconnection } from "../engine/ports.js";
import type { EventHub } from "./events.js";

export class EventObserver implements Observer {
  readonly #endpoint: string;
  readonly #hub: EventHub;

  constructor(endpoint: string, hub: EventHub) {
    this.#endpoint = endpoint;
    this.#hub = hub;
  }

  commandFailed({ command, code, isUnsent, isOutcomeUnknown }: CommandFailure): void {
    if (!this.#hub.isHeard) return;
    const about = { endpoint: this.#endpoint, command: shownName(command), code };
    if (isUnsent) this.#hub.tell({ type: "command.refused", ...about });
    else if (isOutcomeUnknown) this.#hub.tell({ type: "command.outcomeUnknown", ...about });
  }

  circuitChanged({ kind: circuit, state, cause, retryAfter: retryAfterMs }: CircuitChange): void {
    if (!this.#hub.isHeard) return;
    const code = state === "closed" ? undefined : cause?.code;
    this.#hub.tell({ type: "circuit.changed", endpoint: this.#endpoint, circuit, state, code, retryAfterMs });
  }

  reconnected({ away, server }: Reconnection): void {
    if (!this.#hub.isHeard) return;
    const endpoint = this.#endpoint;
    const awayMs = Math.round(away);
    this.#hub.tell({ type: "reconnected", endpoint, awayMs, server });
    if (server === "other") this.#hub.tell({ type: "failedOver", endpoint, awayMs });
  }

  tookOver(): void {
    // `failedOver` follows, once another server answers.
  }

  firstConnected(): void {
    // It is no change of anything.
  }

  connectionFailed(): void {
    // Whether it matters is the incident log's judgement.
  }

  serverRefused(): void {
    // The same.
  }

  commandRefused(): void {
    // Its caller has the server's own error.
  }

  clientFailsFast(): void {
    // The circuit is closed for others.
  }

  credentialsFailed(): void {
    // No command is hurt yet.
  }

  credentialsRenewed(): void {
    // The same.
  }

  fellBack(): void {
    // Its caller has an answer.
  }

  retried(): void {
    // Nothing is decided yet.
  }

  recovered(): void {
    // The incident log ends the incident.
  }

  closed(): void {
    // The same.
  }
}
