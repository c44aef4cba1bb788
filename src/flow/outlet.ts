/**
 * Lets what waits at the gate go: in its order, to the database it was meant for, before anything new. It is shut while
 * there is no connection, while a circuit is being tested, and while a blocking command has the connection to itself.
 */
import { withBatches } from "../command/batch.js";
import { letGo, takeOver, type Call } from "../command/call.js";
import type { Admission } from "./admission.js";
import type { Deadlines } from "./deadlines.js";
import type { Endpoint, Member } from "./endpoint.js";
import type { Gate } from "./gate.js";
import type { Lateness } from "./lateness.js";
import type { Reach } from "./reach.js";
import type { Retrier } from "./retry.js";
import type { Slices } from "./slices.js";
import type { Phase, Transport } from "./transport.js";

/** The client, as its outlet sees it. */
export interface Opened extends Member {
  readonly gate: Gate;
  readonly slices: Slices;
  readonly deadlines: Deadlines;
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly reach: Reach;
  readonly retrier: Retrier;
  readonly admission: Admission;
  readonly lateness: Lateness;
  readonly phase: Phase;
  readonly isHolding: boolean;
  isOpen: boolean;
  isReady: boolean;
  isReopening: boolean;
  isHeld: boolean;
  /** The connection is dropped as soon as nothing is in flight on it; what comes meanwhile waits. */
  readonly isMoving: boolean;
  /** A circuit has opened. */
  circuitOpened(): void;
  /** A blocking command goes elsewhere, if somebody takes it. */
  moveAside(command: Call["command"], options: Call["options"]): boolean;
  send(call: Call, now: number): void;
}

export class Outlet {
  readonly #client: Opened;

  constructor(client: Opened) {
    this.#client = client;
  }

  /** The connection is ready. */
  opened(): void {
    const { slices, reach, endpoint, admission } = this.#client;
    slices.finish();
    this.#client.isReady = true;
    reach.reset();
    if (endpoint.refusing === 2 && !admission.waitsForEver) void this.#reopen(endpoint);
    else {
      if (!this.#client.isHolding) this.release();
      void endpoint.reachable(this.#client);
    }
  }

  /** A circuit closed while the connection stood: what waited for its probe goes. */
  circuitClosed(): void {
    const { isReady, isOpen, isHolding, isReopening } = this.#client;
    if (isReady && !isOpen && !isHolding && !isReopening) this.release();
  }

  async #reopen(endpoint: Endpoint): Promise<void> {
    this.#client.isReopening = true;
    await endpoint.reachable(this.#client);
    this.#client.isReopening = false;
    if (this.#client.endpoint.refusing === 2) this.#client.circuitOpened();
    else this.release();
  }

  /** Lets everything go that waits; returns the first call that was sent. */
  release(): Call | undefined {
    if (!this.#client.isReady || this.#client.isHeld || this.#client.isMoving) return undefined;
    const now = performance.now();
    const { transport, deadlines, admission } = this.#client;
    let first: Call | undefined;
    // Calls that come back from a lost connection belong to the database that was selected when they were sent.
    let home = transport.database();
    this.#client.isOpen = this.#client.phase === "open";
    const calls = this.#client.gate.take();
    const late = withBatches(calls.filter((call) => call.expiresAt <= now));
    for (const call of calls) {
      if (late.has(call)) continue;
      if (call.traits.carriage === "blocking" && call.stream === undefined) {
        if (this.#client.moveAside(call.command, call.options)) {
          letGo(call.command);
          continue;
        }
      }
      // A blocking command's own time starts when it is sent.
      if (call.traits.carriage === "blocking" || admission.waitsForEver)
        deadlines.allow(call, admission.onceSent(call), now);
      if (call.attempts > 0) takeOver(call);
      const database = call.db ?? home;
      if (database !== transport.database() && call.traits.name !== "select") transport.select(database);
      first ??= call;
      this.#client.send(call, now);
      if (call.traits.name === "select") home = transport.database();
    }
    if (home !== transport.database()) transport.select(home);
    if (late.size > 0) this.#client.lateness.expired([...late], { late: 0 });
    return first;
  }

  /** Keeps the connection for the blocking command that was just sent. Ends with `unhold` or with the connection. */
  hold(): void {
    this.#client.isHeld = true;
    this.#client.isOpen = false;
  }

  unhold(): void {
    if (!this.#client.isHeld) return;
    this.#client.isHeld = false;
    if (!this.#client.retrier.isHolding) this.release();
  }
}
