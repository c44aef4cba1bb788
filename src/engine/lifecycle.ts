/** How a client's commands end: in good order, at once, or by QUIT; and how they begin again with `connect()`. */
import { clock, sleep } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { Call } from "./call.js";
import type { ConnectionState } from "./connection-state.js";
import type { InFlight } from "./in-flight.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Transport } from "./ports.js";
import type { QueueRefusals } from "./queue-refusals.js";
import type { Settlement } from "./settlement.js";

export interface LifecycleParts {
  readonly connection: ConnectionState;
  readonly membership: EndpointMembership;
  readonly settlement: Settlement;
  readonly queue: OfflineQueue;
  readonly inFlight: InFlight;
  readonly refusals: QueueRefusals;
  readonly transport: Transport;
  /** Stops what runs on timers: deadlines, backoff, downtime. */
  readonly stopTimers: () => void;
}

const OK = Buffer.from("OK");
/** Between two looks whether everything is done, in milliseconds. */
const LOOK = 5;

export class Lifecycle {
  readonly #parts: LifecycleParts;
  /** The end came, and what is still to be settled belongs to the life before it. */
  #isLeaving = false;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  /** Takes no more commands; resolves when nothing is in flight or waiting, at the latest after `limit` milliseconds. */
  async drain(limit: number): Promise<void> {
    const { connection, inFlight, queue } = this.#parts;
    if (connection.isClosed) return;
    connection.drain();
    const until = clock.now() + limit;
    while ((inFlight.count > 0 || !queue.isEmpty) && clock.now() < until) {
      await sleep(Math.min(LOOK, Math.max(1, until - clock.now())));
    }
  }

  /** The owner is closing the client: what waits will never be sent. */
  closing(): void {
    this.#parts.connection.drain();
    this.#parts.refusals.closed();
  }

  /** The client has ended. It can be revived by `connect()`. */
  ended(): void {
    const { connection, membership, refusals, settlement, stopTimers } = this.#parts;
    connection.close();
    stopTimers();
    refusals.closed();
    this.#isLeaving = true;
    // What its last commands come to is still told.
    settlement.afterSlices(() => {
      if (this.#isLeaving) membership.leave();
      this.#isLeaving = false;
    });
  }

  /** The client connects again after it had ended. */
  revived(): void {
    const { connection, membership } = this.#parts;
    if (this.#isLeaving) this.#isLeaving = false;
    else if (connection.isClosed) membership.join();
    connection.revive();
  }

  /** QUIT that cannot be sent or answered still means: end. */
  endForQuit(call: Call): void {
    this.#parts.settlement.resolve(call, OK);
    this.#parts.transport.end();
  }
}
