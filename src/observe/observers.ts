/** Several observers of one endpoint as one: each hears everything, in their order. */
import type { CircuitChange, CommandFailure, Observer, Reconnection, Recovery, Takeover } from "../engine/ports.js";
import type { Diagnosis } from "../failure/diagnosis.js";

export class Observers implements Observer {
  readonly #all: readonly Observer[];

  constructor(...all: readonly Observer[]) {
    this.#all = all;
  }

  firstConnected(): void {
    for (const observer of this.#all) observer.firstConnected();
  }

  connectionFailed(diagnosis: Diagnosis, since?: number): void {
    for (const observer of this.#all) observer.connectionFailed(diagnosis, since);
  }

  serverRefused(diagnosis: Diagnosis): void {
    for (const observer of this.#all) observer.serverRefused(diagnosis);
  }

  commandRefused(diagnosis: Diagnosis): void {
    for (const observer of this.#all) observer.commandRefused(diagnosis);
  }

  commandFailed(failure: CommandFailure): void {
    for (const observer of this.#all) observer.commandFailed(failure);
  }

  fellBack(command: string): void {
    for (const observer of this.#all) observer.fellBack(command);
  }

  retried(): void {
    for (const observer of this.#all) observer.retried();
  }

  circuitChanged(change: CircuitChange): void {
    for (const observer of this.#all) observer.circuitChanged(change);
  }

  clientFailsFast(cause: Diagnosis, retryAfter: number): void {
    for (const observer of this.#all) observer.clientFailsFast(cause, retryAfter);
  }

  credentialsFailed(diagnosis: Diagnosis): void {
    for (const observer of this.#all) observer.credentialsFailed(diagnosis);
  }

  credentialsRenewed(): void {
    for (const observer of this.#all) observer.credentialsRenewed();
  }

  reconnected(reconnection: Reconnection): void {
    for (const observer of this.#all) observer.reconnected(reconnection);
  }

  tookOver(takeover: Takeover): void {
    for (const observer of this.#all) observer.tookOver(takeover);
  }

  recovered(recovery: Recovery): void {
    for (const observer of this.#all) observer.recovered(recovery);
  }

  closed(): void {
    for (const observer of this.#all) observer.closed();
  }
}
