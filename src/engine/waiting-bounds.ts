/**
 * How much may wait, and why: for a connection as much as the queue's bounds say; for a turn on one that works, whatever is
 * issued; for a reply that is overdue as much as might be in flight as well; and before anything has failed as much, because
 * a client that is just being set up is no outage.
 */
import { clock } from "../clock.js";
import type { Policy } from "../policy/shape.js";
import type { ConnectionState } from "./connection-state.js";
import type { InFlight } from "./in-flight.js";
import type { QueueBounds } from "./offline-queue.js";
import type { SilenceHold } from "./silence-hold.js";

/** A server that is silent for longer than this share of the deadline is no longer taken to be busy only. */
const BUSY = 0.25;
/** The same where there is no deadline, in milliseconds. */
const BUSY_WITHOUT = 1_250;
/** What may then be in flight and wait together, as a share of the bound. */
const SHARE = 1 / 8;

export class WaitingBounds {
  readonly #policy: Pick<Policy, "deadline" | "queue" | "inFlight">;
  readonly #connection: ConnectionState;
  readonly #inFlight: InFlight;
  readonly #silence: SilenceHold;
  /** A connection was made, or could not be made. */
  #isSettled = false;

  constructor(
    policy: Pick<Policy, "deadline" | "queue" | "inFlight">,
    connection: ConnectionState,
    inFlight: InFlight,
    silence: SilenceHold,
  ) {
    this.#policy = policy;
    this.#connection = connection;
    this.#inFlight = inFlight;
    this.#silence = silence;
  }

  /** The first attempt to connect has come to its end, well or not. */
  settled(): void {
    this.#isSettled = true;
  }

  /** What may wait now; `false`: whatever comes. */
  get now(): QueueBounds | false {
    if (!this.#connection.isServing) return this.#isSettled ? this.#policy.queue : this.#wide(1);
    const held = this.#silence.heldFor(clock.now());
    return held === undefined ? false : this.#wide(held < this.#busy ? 1 : SHARE);
  }

  get #busy(): number {
    const { deadline } = this.#policy;
    return deadline === false ? BUSY_WITHOUT : deadline * BUSY;
  }

  /** Never less than what an outage allows. */
  #wide(share: number): QueueBounds | false {
    const { queue, inFlight } = this.#policy;
    if (queue === false) return false;
    return {
      maxCommands: Math.max(queue.maxCommands, inFlight.maxCommands * share - this.#inFlight.unanswered),
      maxBytes: Math.max(queue.maxBytes, inFlight.maxBytes * share - this.#inFlight.bytes),
    };
  }
}
