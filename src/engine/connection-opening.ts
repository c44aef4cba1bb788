/**
 * What happens once a connection is ready, before it takes commands: an open circuit is tested with one probe; where its server
 * may have a successor, that is found out; and what waited goes first.
 */
import type { Endpoint } from "../endpoint/endpoint.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { ConnectionState } from "./connection-state.js";
import type { Elsewhere } from "./elsewhere.js";
import type { EndpointMember } from "./endpoint-member.js";
import type { Release } from "./release.js";
import type { RetryLoop } from "./retry-loop.js";
import type { Settlement } from "./settlement.js";
import type { TimeLimits } from "./time-limits.js";
import type { WaitingBounds } from "./waiting-bounds.js";

export interface ConnectionOpeningParts {
  readonly connection: ConnectionState;
  readonly membership: EndpointMembership;
  readonly member: EndpointMember;
  readonly settlement: Settlement;
  readonly release: Release;
  readonly retryLoop: RetryLoop;
  readonly limits: TimeLimits;
  readonly bounds: WaitingBounds;
  /** Who carries on what its server does not serve. */
  readonly elsewhere: Elsewhere | undefined;
}

export class ConnectionOpening {
  readonly #parts: ConnectionOpeningParts;
  /** Milliseconds that the present connection took to replace the one before; `undefined` for the first. */
  #away: number | undefined = undefined;

  constructor(parts: ConnectionOpeningParts) {
    this.#parts = parts;
  }

  /** A connection is ready, after so many milliseconds without one. */
  begin(away: number | undefined): void {
    const { connection, settlement } = this.#parts;
    this.#away = away;
    const arrival = connection.arrived();
    // What comes must not overtake what the last connection took along.
    settlement.afterSlices(() => {
      if (arrival === connection.arrival) this.#connected();
    });
  }

  /** After it was away or silent for so many milliseconds, its server may have a successor. */
  confirm(away: number): void {
    const { connection, release, elsewhere } = this.#parts;
    const confirmed = elsewhere?.back(away);
    if (confirmed === undefined) return;
    const { arrival } = connection;
    connection.pause("unsure");
    const goOn = (): void => {
      if (arrival === connection.arrival) release.resume("unsure");
    };
    confirmed.then(goOn, goOn);
  }

  #connected(): void {
    const { connection, membership, member, release, retryLoop, limits, bounds } = this.#parts;
    const { endpoint } = membership;
    bounds.settled();
    const mustProbe = endpoint.refusing === 2 && !limits.waitsForever;
    connection.connected(mustProbe);
    release.connected();
    if (!mustProbe && this.#away !== undefined) this.confirm(this.#away);
    if (mustProbe) void this.#reopen(endpoint);
    else {
      if (retryLoop.resume()) release.letReadsPass();
      else release.run();
      void endpoint.reachable(member, this.#away);
    }
  }

  /** Connected while the circuit is open: what waits and what comes waits for one probe. */
  async #reopen(endpoint: Endpoint): Promise<void> {
    const { connection, membership, member, release } = this.#parts;
    const { arrival } = connection;
    await endpoint.reachable(member, this.#away);
    // Another connection has a probe of its own.
    if (arrival !== connection.arrival) return;
    connection.probed();
    if (this.#away !== undefined) this.confirm(this.#away);
    if (membership.endpoint.refusing === 2) member.circuitOpened();
    else release.run();
  }
}
