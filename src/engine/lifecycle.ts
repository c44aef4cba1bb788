/** How a client's commands end: in good order, at once, or by QUIT; and how they begin again with `connect()`. */
import { clock, sleep } from "../clock.js";
import { blockingTimeoutOf } from "../command/blocking.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { callOf, type Call } from "./call.js";
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
  /** Stops what runs on timers for a connection: backoff, silence, downtime. */
  readonly stopTimers: () => void;
  /** No deadline needs to be watched any more. */
  readonly restDeadlines: () => void;
}

/** Between two looks whether everything is done, in milliseconds. */
const LOOK = 5;

export class Lifecycle {
  readonly #parts: LifecycleParts;
  /** The end came, and what is still to be settled belongs to the life before it. */
  #isLeaving = false;
  /** An attempt to connect has failed since there was a connection. */
  #isFailing = false;
  /** A QUIT that waits behind others. */
  #quit: Call | undefined = undefined;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  connected(): void {
    this.#isFailing = false;
  }

  /** An attempt to connect has failed. Who only waits to end need not wait for the next one. */
  attemptFailed(): void {
    this.#isFailing = true;
    this.endIfHopeless();
  }

  /**
   * Whether nothing of what waits or is in flight can be expected to end within `limit` milliseconds: the last attempt to
   * connect has failed, the circuit is open, or a block that lasts longer keeps the connection.
   */
  isHopeless(limit: number): boolean {
    const { connection, membership, transport } = this.#parts;
    if (!connection.isConnected) return this.#isFailing || membership.endpoint.refusing === 2;
    const oldest = transport.oldestUnanswered();
    const call = oldest === undefined ? undefined : callOf(oldest);
    if (call === undefined || call.facts.dispatch !== "blocking") return false;
    const left = (blockingTimeoutOf(call.facts.name, call.command.args) ?? 0) - (clock.now() - call.sentAt);
    // Where others wait behind it, a router is about to make room for them.
    return left > limit && !connection.isPausedBy("block");
  }

  /** Somebody ends the client, and nothing waits or is in flight: a QUIT that enters now finds done what it asks for. */
  get isDone(): boolean {
    const { connection, inFlight, queue } = this.#parts;
    return !connection.accepts && !connection.isClosed && inFlight.count === 0 && queue.isEmpty;
  }

  /**
   * A QUIT enters that has `limit` milliseconds. Returns whether the client ends for it at once: there is nothing to wait for, or
   * nothing that can be expected. Otherwise it waits for the replies that are due like everything else, and no longer than they can
   * be expected to come.
   */
  endsAtOnce(quit: Call, mustWait: boolean, limit: number): boolean {
    const { connection, queue } = this.#parts;
    const isNext = mustWait && queue.isEmpty && !connection.isServing;
    if (isNext || this.isHopeless(limit)) {
      this.endForQuit(quit);
      return true;
    }
    this.#quit = quit;
    return false;
  }

  /** Ends the client for the QUIT that waits, if nothing can be expected before it. */
  endIfHopeless(): void {
    const quit = this.#quit;
    if (quit?.state === "waiting" && this.isHopeless(0)) this.endForQuit(quit);
  }

  /**
   * Takes no more commands; resolves when nothing is in flight or waiting, or can be expected to end, at the latest after `limit`
   * milliseconds.
   */
  async drain(limit: number): Promise<void> {
    const { connection, inFlight, queue } = this.#parts;
    if (connection.isClosed) return;
    connection.drain();
    const until = clock.now() + limit;
    while ((inFlight.count > 0 || !queue.isEmpty) && clock.now() < until) {
      if (this.isHopeless(until - clock.now())) return;
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
    const { connection, membership, refusals, settlement, stopTimers, restDeadlines } = this.#parts;
    connection.close();
    stopTimers();
    refusals.closed();
    this.#isLeaving = true;
    // What its last commands come to is still told.
    settlement.afterSlices(() => {
      if (this.#isLeaving) {
        membership.leave();
        restDeadlines();
      }
      this.#isLeaving = false;
    });
  }

  /** The client connects again after it had ended. */
  revived(): void {
    const { connection, membership } = this.#parts;
    if (this.#isLeaving) this.#isLeaving = false;
    else if (connection.isClosed) membership.join();
    this.#isFailing = false;
    this.#quit = undefined;
    connection.revive();
  }

  /** QUIT that cannot be sent or answered still means: end. */
  endForQuit(call: Call): void {
    this.#parts.settlement.acknowledge(call);
    this.#parts.transport.end();
  }
}
