/** How a client's commands end: in good order, at once, or by QUIT; and how they begin again with `connect()`. */
import type { Call } from "../command/call.js";
import type { Deadlines } from "./deadlines.js";
import type { Desk } from "./desk.js";
import type { Eviction } from "./eviction.js";
import type { Gate } from "./gate.js";
import type { Reach } from "./reach.js";
import type { Retrier } from "./retry.js";
import type { Slices } from "./slices.js";
import type { Phase, Transport } from "./transport.js";

/** The client, as its lifetime sees it. */
export interface Mortal {
  readonly desk: Desk;
  readonly gate: Gate;
  readonly slices: Slices;
  readonly deadlines: Deadlines;
  readonly reach: Reach;
  readonly retrier: Retrier;
  readonly eviction: Eviction;
  readonly transport: Transport;
  readonly inFlight: number;
  phase: Phase;
  isOpen: boolean;
  isReady: boolean;
  isHeld: boolean;
  /** Joins the endpoint again. */
  rejoin(): void;
  /** Leaves the endpoint to the others. */
  part(): void;
  /** Takes a call out of wherever it is. */
  withdraw(call: Call): void;
}

const OK = Buffer.from("OK");
/** Between two looks whether everything is done, in milliseconds. */
const LOOK = 5;

export class Lifetime {
  readonly #client: Mortal;

  constructor(client: Mortal) {
    this.#client = client;
  }

  /** No new commands from here on. */
  leave(phase: "quitting" | "draining"): void {
    if (this.#client.phase === "open") this.#client.phase = phase;
    this.#client.isOpen = false;
  }

  /** Takes no more commands; resolves when nothing is in flight or waiting, at the latest after `drain` milliseconds. */
  async drain(drain: number): Promise<void> {
    if (this.#client.phase === "closed") return;
    this.leave("draining");
    const until = performance.now() + drain;
    while ((this.#client.inFlight > 0 || !this.#client.gate.isEmpty) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK, Math.max(1, until - performance.now()))));
    }
  }

  /** The owner is closing the client: what waits will never be sent. */
  closing(): void {
    this.leave("draining");
    this.#client.eviction.closed();
  }

  /** The client has ended. It can be revived by `connect()`. */
  ended(): void {
    const { retrier, slices, eviction, deadlines, reach } = this.#client;
    this.#client.phase = "closed";
    this.#client.isOpen = this.#client.isReady = this.#client.isHeld = false;
    retrier.stop();
    slices.finish();
    eviction.closed();
    deadlines.stop();
    reach.reset();
    this.#client.part();
  }

  /** The client connects again after it had ended. */
  revived(): void {
    if (this.#client.phase === "closed") this.#client.rejoin();
    this.#client.phase = "open";
  }

  /** QUIT that cannot be sent or answered still means: end. */
  endForQuit(call: Call): void {
    this.#client.withdraw(call);
    this.#client.desk.resolve(call, OK);
    this.#client.transport.end();
  }
}
