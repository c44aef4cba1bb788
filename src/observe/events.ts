/**
 * What programs may hear of an endpoint, as one typed union, and how it reaches them: listeners of clients, and the channel
 * `ioredoubt:event` of `node:diagnostics_channel`. No event is built while nobody listens.
 */
import { channel } from "node:diagnostics_channel";
import type { CircuitKind, CircuitState, ServerIdentity } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";

/** What an incident has counted so far: the same numbers as in the log's fields. */
export interface IncidentNumbers {
  /** Commands whose callers got an error because of the endpoint. */
  readonly failed: number;
  /** Those of `failed` that were never sent. */
  readonly rejected: number;
  /** Those of `failed` that may have changed data, and nobody knows. */
  readonly unknownOutcome: number;
  readonly retried: number;
  /** Commands that a fallback answered; not in `failed`. */
  readonly fallbacks: number;
  /** `failed` by code. */
  readonly codes: Readonly<Record<string, number>>;
}

/**
 * How an incident ended: `recovered`; `quiet`, where nothing reports the end: no refusal for an interval, or for 2 s from a server
 * that had refused every command, or every write and has taken one since; `closed`, with its last client.
 */
export type IncidentEnding = "recovered" | "quiet" | "closed";

/** The events by `type`. Durations in milliseconds; no event holds an argument, a value or a credential. */
export interface EventTypes {
  /** The log writes its opening line. */
  readonly "incident.opened": { readonly incident: string; readonly code: Code; readonly diagnosis: Diagnosis };
  /** The incident has become another one: the server that was unreachable is loading, for instance. */
  readonly "incident.changed": { readonly incident: string; readonly code: Code; readonly diagnosis: Diagnosis };
  readonly "incident.closed": {
    readonly incident: string;
    readonly code: Code;
    readonly ending: IncidentEnding;
    readonly durationMs: number;
  } & IncidentNumbers;
  /** `retryAfterMs`: until somebody asks the server next, when it opened. */
  readonly "circuit.changed": {
    readonly circuit: CircuitKind;
    readonly state: CircuitState;
    readonly code?: Code | undefined;
    readonly retryAfterMs?: number | undefined;
  };
  /** The client refused to send a command: circuit open, queue full, its time over while it waited. */
  readonly "command.refused": { readonly command: string; readonly code: Code };
  /** A command may have changed data, and nobody knows. */
  readonly "command.outcomeUnknown": { readonly command: string; readonly code: Code };
  /** A client has a connection again. */
  readonly reconnected: { readonly awayMs: number; readonly server: ServerIdentity };
  /** Another server than before answers. */
  readonly failedOver: { readonly awayMs: number };
}

/** One event: its `type`, the endpoint as the log names it, and the fields of its type. */
export type ResilienceEvent = {
  readonly [T in keyof EventTypes]: { readonly type: T; readonly endpoint: string } & EventTypes[T];
}[keyof EventTypes];

/** Called at once, in the middle of the client's work: be quick. What it throws becomes an uncaught exception. */
export type EventListener = (event: ResilienceEvent) => void;

/** The name of the channel. */
export const CHANNEL = "ioredoubt:event";

const published = channel(CHANNEL);

/** Where the events of one endpoint go. */
export class EventHub {
  readonly #listeners = new Set<EventListener>();
  readonly #report: (thrown: unknown) => void;

  /** `report` gets what a listener throws. */
  constructor(report: (thrown: unknown) => void) {
    this.#report = report;
  }

  /** Somebody listens: asked before an event is built. */
  get isHeard(): boolean {
    return this.#listeners.size > 0 || published.hasSubscribers;
  }

  add(listener: EventListener): void {
    this.#listeners.add(listener);
  }

  remove(listener: EventListener): void {
    this.#listeners.delete(listener);
  }

  tell(event: ResilienceEvent): void {
    // A copy: a listener may remove itself.
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (thrown) {
        this.#report(thrown);
      }
    }
    if (published.hasSubscribers) published.publish(event);
  }
}
