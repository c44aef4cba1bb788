/** What the connection's failures mean for commands: those it took along, those that wait, and when waiting is over. */
import type { CommandItem } from "../connection/internals.js";
import { classify } from "../failure/classify.js";
import { abandonTransactions } from "./abandon.js";
import type { Admission } from "./admission.js";
import type { Desk } from "./desk.js";
import type { Endpoint } from "./endpoint.js";
import type { Eviction } from "./eviction.js";
import type { Gate } from "./gate.js";
import type { Loss } from "./loss.js";
import type { Reach } from "./reach.js";
import * as refusal from "./refusal.js";
import type { RefusedCalls } from "./refused.js";
import type { Retrier } from "./retry.js";
import type { Session } from "./session.js";
import type { Phase, Transport } from "./transport.js";

/** The client, as an outage sees it. */
export interface Struck {
  readonly desk: Desk;
  readonly gate: Gate;
  readonly session: Session;
  readonly reach: Reach;
  readonly retrier: Retrier;
  readonly refused: RefusedCalls;
  readonly admission: Admission;
  readonly eviction: Eviction;
  readonly loss: Loss;
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly phase: Phase;
  isOpen: boolean;
  isReady: boolean;
  isHeld: boolean;
  /** Nothing is to happen any more once nothing is in flight. */
  forgetIdle(): void;
}

export class Outage {
  readonly #client: Struck;

  constructor(client: Struck) {
    this.#client = client;
  }

  /** A connection attempt begins. */
  connecting(): void {
    this.#client.reach.down();
  }

  /** Something went wrong with the connection, or with the attempt to make one. */
  failed(error: Error): void {
    const { phase, endpoint, transport } = this.#client;
    if (phase !== "open") return;
    endpoint.incident.failed(classify(error, { ...transport.context(), written: false }), 0);
  }

  /** The connection closed with these commands written and unanswered, oldest first. `fatal`: its replies made no sense. */
  lost(items: readonly CommandItem[], cause: Error | undefined, fatal = false): void {
    const { endpoint, retrier, refused, session, gate, desk, loss } = this.#client;
    if (this.#client.isReady) endpoint.lost();
    this.#client.isOpen = this.#client.isReady = this.#client.isHeld = false;
    this.#client.forgetIdle();
    retrier.cut(refused.isPending);
    session.connectionLost(abandonTransactions(session, gate, desk));
    loss.befall(items, cause, fatal);
    refused.connectionLost();
  }

  /** There has been no connection for `downAfter`. */
  tooLong(): void {
    const { endpoint, transport } = this.#client;
    const context = transport.context();
    const cause = transport.lastError() ?? refusal.noConnection(endpoint.label, context.phase);
    endpoint.unreachable(classify(cause, { ...context, written: false }));
    this.circuitOpened();
  }

  /** What waits without a deadline, and may fail fast, does. */
  circuitOpened(): void {
    const { eviction, admission } = this.#client;
    eviction.circuitOpened((call) => admission.circuitVerdict(call)?.error);
  }
}
