/** Whether this endpoint may be sent anything: what its circuits say, and for how long this client has had no connection. */
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { Absence, DowntimeTracker } from "./downtime.js";
import type { FailureSnapshots } from "./failure-snapshot.js";
import type { Transport } from "./ports.js";

/** Makes the error that a call is refused with. */
export type Refusal = (call: Call, now: number) => Error;

export interface AvailabilityParts {
  readonly membership: EndpointMembership;
  readonly connection: ConnectionState;
  readonly downtime: DowntimeTracker;
  readonly snapshots: FailureSnapshots;
  readonly transport: Transport;
}

export class Availability {
  readonly #parts: AvailabilityParts;

  constructor(parts: AvailabilityParts) {
    this.#parts = parts;
  }

  /** The connection has been away for too long: commands are refused, whatever the circuit says. */
  get absence(): Absence | undefined {
    const { cause, tooLongSince } = this.#parts.downtime;
    return cause === undefined || tooLongSince === undefined ? undefined : { cause, since: tooLongSince };
  }

  /** The refusal of an open circuit, or of a connection that has been away for too long; `undefined` if the call may go or wait. */
  refusal(call: Call): Refusal | undefined {
    const { membership, connection, downtime, snapshots, transport } = this.#parts;
    const { endpoint } = membership;
    const { refusing, readWrite, write } = endpoint;
    // Connected again while the circuit is open: what comes now waits for one probe instead of being refused.
    if (refusing !== 0 && !(refusing === 2 && connection.isProbing)) {
      // A batch is judged as one, by all that it holds.
      const circuit = refusing === 2 ? readWrite : (call.batch ?? call.facts).writes ? write : undefined;
      if (circuit !== undefined) {
        const retryAfter = endpoint.retryAfter(circuit);
        return (member, now) => clientErrors.circuitOpen(member, snapshots.take(), circuit, retryAfter, now);
      }
    }
    const { downSince, isTooLong } = downtime;
    if (!isTooLong || downSince === undefined) return undefined;
    return (member, now) =>
      clientErrors.unreachable(member, snapshots.take(), clock.now() - downSince, transport.retryIn(), now);
  }
}
