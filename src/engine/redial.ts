/** Leaves the present connection for a new one, by our own choice: no reply that is under way is lost to that. */
import { clock, setUnrefTimeout } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { replaced } from "./connection-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { InFlight } from "./in-flight.js";
import type { Takeover, Transport } from "./ports.js";
import type { Release } from "./release.js";

export interface RedialParts {
  readonly connection: ConnectionState;
  readonly inFlight: InFlight;
  readonly transport: Transport;
  readonly membership: EndpointMembership;
  readonly release: Release;
}

/** A server that was replaced may answer what it was sent before for so long, in milliseconds. */
const ANSWERS_FOR = 50;

export class Redial {
  readonly #parts: RedialParts;

  constructor(parts: RedialParts) {
    this.#parts = parts;
  }

  /** Drops the connection as soon as nothing is in flight on it, and dials again. Nothing more is sent until then. */
  whenIdle(): void {
    const { connection, inFlight, transport, release } = this.#parts;
    if (!connection.isConnected || !connection.accepts) return;
    // A blocking command may take long: nothing else waits for its end.
    if (!connection.isPausedBy("block")) connection.pause("moving");
    inFlight.whenIdle(() => {
      if (!transport.redial()) release.resume("moving");
    });
  }

  /** Another server serves in the place of this one: the connection is left within a moment, and sent nothing more. */
  leaveFor(takeover: Takeover): void {
    const { connection, inFlight, transport, membership } = this.#parts;
    if (!connection.isConnected) return;
    const { arrival } = connection;
    const { label } = membership.endpoint;
    connection.pause("moving");
    const leave = (): void => {
      const now = clock.now();
      const silence = transport.overdueFor(now);
      transport.destroy(replaced(label, takeover, silence), now - silence);
    };
    // What is under way is answered within a moment, or by nobody who counts.
    const timer = setUnrefTimeout(() => {
      if (arrival === connection.arrival) leave();
    }, ANSWERS_FOR);
    inFlight.whenIdle(() => {
      clock.clearTimeout(timer);
      if (!transport.redial()) leave();
    });
  }
}
