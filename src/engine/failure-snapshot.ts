/** What is known when commands fail: captured once for all that fail together. */
import { clock } from "../clock.js";
import { classify } from "../failure/classify.js";
import type { FailureContext } from "../failure/diagnosis.js";
import type { IoredoubtErrorDetails } from "../failure/errors.js";
import { stateOf } from "../failure/state.js";
import type { Call } from "./call.js";
import type { InFlight } from "./in-flight.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Transport } from "./ports.js";

export interface FailureSnapshot {
  /** The endpoint's name, for people. */
  readonly label: string;
  /** When it was taken, on the monotonic clock: what is told later compares with that. */
  readonly at: number;
  readonly context: FailureContext;
  /** The last thing that went wrong with the connection. */
  readonly cause: Error | undefined;
  /** What the server answers instead of serving; only where commands wait for the end of that. */
  readonly refusal?: Refusal | undefined;
}

/** The server refuses commands for a passing reason (LOADING, BUSY, READONLY …), and they wait. On the monotonic clock. */
export interface Refusal {
  /** The server's own words, of the first refusal. */
  readonly error: Error;
  readonly since: number;
  /** It serves reads. */
  readonly writesOnly: boolean;
  /** When a command is sent next, to see whether it still refuses; 0 while one is under way. */
  readonly againAt: number;
}

export class FailureSnapshots {
  readonly #label: string;
  readonly #transport: Transport;
  readonly #queue: OfflineQueue;
  readonly #inFlight: InFlight;
  readonly #refusal: () => Refusal | undefined;

  constructor(
    label: string,
    transport: Transport,
    queue: OfflineQueue,
    inFlight: InFlight,
    refusal: () => Refusal | undefined,
  ) {
    this.#label = label;
    this.#transport = transport;
    this.#queue = queue;
    this.#inFlight = inFlight;
    this.#refusal = refusal;
  }

  /** What the server answers instead of serving, while commands wait for the end of that. */
  get refusal(): Refusal | undefined {
    return this.#refusal();
  }

  /** The endpoint's name, for people. */
  get label(): string {
    return this.#label;
  }

  /** What is known now. `cause`: what went wrong, by default the last connection error. */
  take(cause: Error | undefined = this.#transport.lastError()): FailureSnapshot {
    const at = clock.now();
    return { label: this.#label, at, context: this.context(), cause, refusal: this.#refusal() };
  }

  /** What is known of the connection and of what this client has under way. */
  context(): FailureContext {
    const load = { inFlight: this.#inFlight.count, waiting: this.#queue.size };
    return { ...this.#transport.context(), load };
  }

  /** The same, for one command. */
  of(call: Call): FailureContext {
    return { ...this.context(), command: call.facts.shown, attempts: call.attempts };
  }

  /** The snapshot of a lost connection: by now nothing of what it carried is in its queue any more. */
  ofLost(calls: readonly Call[], cause: Error | undefined, now: number): FailureSnapshot {
    const snapshot = this.take(cause);
    const [oldest] = calls;
    if (oldest === undefined) return snapshot;
    const { name } = oldest.facts;
    const head = { command: name, forMs: Math.round(now - oldest.sentAt), behind: calls.length - 1 };
    const load = { inFlight: calls.length, waiting: this.#queue.size };
    return { ...snapshot, context: { ...snapshot.context, head, load } };
  }

  /** What every error says of this client when nothing was sent. */
  details(): IoredoubtErrorDetails {
    const context = { ...this.context(), written: false };
    return {
      applied: "no",
      endpoint: this.#label,
      diagnosis: (error) => classify(error, context),
      state: () => stateOf(this.#label, context),
    };
  }
}
