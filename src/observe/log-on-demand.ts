/**
 * The incident log of an endpoint, made when there is something to tell. The build puts it in a file of its own, which is loaded
 * with the first trouble, and otherwise a turn after the first connection: a start does not wait for it, and in an outage it is
 * there, whatever has become of the files and of the process's file descriptors by then.
 */
import { clock } from "../clock.js";
import type { CircuitChange, CommandFailure, Observer, Reconnection, Recovery, Takeover } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import { peek } from "../failure/peek.js";
import type { Logger } from "../policy/shape.js";

/** Without the file, at most one line in so long. Milliseconds. */
const QUIET = 10_000;

export class LogOnDemand implements Observer {
  readonly #endpoint: string;
  readonly #logger: Logger;
  readonly #make: () => Observer;
  #made: Observer | undefined = undefined;
  #toldAt = -Infinity;

  /** `make` throws where the file cannot be read. */
  constructor(endpoint: string, logger: Logger, make: () => Observer) {
    this.#endpoint = endpoint;
    this.#logger = logger;
    this.#make = make;
  }

  firstConnected(): void {
    // What waited for this connection goes first.
    clock.setImmediate(() => this.#log(undefined)?.firstConnected());
  }

  connectionFailed(diagnosis: Diagnosis, since?: number): void {
    this.#log(diagnosis.code)?.connectionFailed(diagnosis, since);
  }

  serverRefused(diagnosis: Diagnosis): void {
    this.#log(diagnosis.code)?.serverRefused(diagnosis);
  }

  commandRefused(diagnosis: Diagnosis): void {
    this.#log(diagnosis.code)?.commandRefused(diagnosis);
  }

  commandFailed(failure: CommandFailure): void {
    this.#log(failure.code)?.commandFailed(failure);
  }

  circuitChanged(change: CircuitChange): void {
    this.#log(change.cause?.code)?.circuitChanged(change);
  }

  clientFailsFast(cause: Diagnosis, retryAfter: number): void {
    this.#log(cause.code)?.clientFailsFast(cause, retryAfter);
  }

  credentialsFailed(diagnosis: Diagnosis): void {
    this.#log(diagnosis.code)?.credentialsFailed(diagnosis);
  }

  reconnected(reconnection: Reconnection): void {
    this.#log(undefined)?.reconnected(reconnection);
  }

  tookOver(takeover: Takeover): void {
    this.#log(undefined)?.tookOver(takeover);
  }

  // What follows belongs to what was told before: without it, there is nothing to say.

  fellBack(command: string): void {
    this.#made?.fellBack(command);
  }

  retried(): void {
    this.#made?.retried();
  }

  credentialsRenewed(): void {
    this.#made?.credentialsRenewed();
  }

  recovered(recovery: Recovery): void {
    this.#made?.recovered(recovery);
  }

  closed(): void {
    this.#made?.closed();
  }

  /** `undefined` where its file cannot be read; `code` is then all that the log says. */
  #log(code: Code | undefined): Observer | undefined {
    try {
      return (this.#made ??= this.#make());
    } catch (reason) {
      this.#tellBare(code, reason);
      return undefined;
    }
  }

  #tellBare(code: Code | undefined, reason: unknown): void {
    const now = clock.now();
    if (now - this.#toldAt < QUIET) return;
    this.#toldAt = now;
    const trouble = code === undefined ? "" : ` is in trouble (${code})`;
    const errno = String(peek(reason, "code"));
    this.#logger.error(
      { event: "log.unavailable", endpoint: this.#endpoint, ...(code === undefined ? {} : { code }) },
      `redis ${this.#endpoint}${trouble}: the file of ioredoubt that writes the log of incidents cannot be read (${errno}). Such a line every 10 s is all there is.`,
    );
  }
}
