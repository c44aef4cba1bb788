/** What the engine does as its connection comes and goes. The transport tells it. */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { classify } from "../failure/classify.js";
import type { Policy } from "../policy/shape.js";
import { callOf } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { DowntimeTracker } from "./downtime.js";
import type { FailureSnapshots } from "./failure-snapshot.js";
import type { InFlight } from "./in-flight.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { Lifecycle } from "./lifecycle.js";
import type { LostCommands } from "./lost-commands.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { ConnectionOpening } from "./connection-opening.js";
import type { LostItem, ServerInfo, Takeover, TransportEvents } from "./ports.js";
import type { QueueRefusals } from "./queue-refusals.js";
import type { Redial } from "./redial.js";
import type { RefusedCommands } from "./refused-commands.js";
import type { RetryLoop } from "./retry-loop.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import type { SilenceHold } from "./silence-hold.js";
import type { Standing } from "./standing.js";
import { abandonTransactions } from "./transactions.js";
import type { WaitingBounds } from "./waiting-bounds.js";

export interface ConnectionEventsParts {
  readonly policy: Pick<Policy, "queue">;
  readonly connection: ConnectionState;
  readonly standing: Standing;
  readonly downtime: DowntimeTracker;
  readonly membership: EndpointMembership;
  readonly lifecycle: Lifecycle;
  readonly opening: ConnectionOpening;
  readonly redial: Redial;
  readonly session: SessionState;
  readonly issued: IssuedTransactions;
  readonly inFlight: InFlight;
  readonly silence: SilenceHold;
  readonly queue: OfflineQueue;
  readonly bounds: WaitingBounds;
  readonly refusals: QueueRefusals;
  readonly retryLoop: RetryLoop;
  readonly refused: RefusedCommands;
  readonly lostCommands: LostCommands;
  readonly settlement: Settlement;
  readonly snapshots: FailureSnapshots;
}

export class ConnectionEvents implements TransportEvents {
  readonly #parts: ConnectionEventsParts;

  constructor(parts: ConnectionEventsParts) {
    this.#parts = parts;
  }

  connecting(): void {
    this.#parts.standing.connecting();
    this.#parts.downtime.down();
  }

  identified(server: ServerInfo): void {
    this.#parts.membership.endpoint.identified(server);
  }

  ready(): void {
    const { downtime, lifecycle, opening, standing } = this.#parts;
    downtime.reset();
    lifecycle.connected();
    opening.begin(standing.connected());
  }

  connectionFailed(error: Error, since?: number): void {
    const { connection, snapshots, lifecycle, bounds, standing, membership } = this.#parts;
    const context = { ...snapshots.context(), written: false };
    // A failed handshake closes its connection, and is told of as a loss.
    if (!connection.isConnected && context.phase === "connect") lifecycle.attemptFailed();
    if (!connection.accepts) return;
    bounds.settled();
    standing.failed();
    membership.endpoint.observer.connectionFailed(classify(error, context), since);
  }

  lost(items: readonly LostItem[], cause: Error | undefined, fatal = false): void {
    const { policy, connection, membership, standing, retryLoop, refused, silence, issued } = this.#parts;
    const { session, queue, settlement, lostCommands, refusals, lifecycle } = this.#parts;
    const wasConnected = connection.isConnected;
    if (wasConnected) membership.endpoint.lost();
    if (wasConnected && connection.accepts) settlement.counters.connectionsLost++;
    standing.lost();
    retryLoop.cut(refused.isPending);
    connection.lost();
    silence.connectionLost();
    issued.connectionLost();
    if (wasConnected) abandonTransactions(session, queue, settlement);
    lostCommands.handle(items, cause, fatal, () => refused.connectionLost());
    if (policy.queue === false) refusals.unavailable();
    if (!wasConnected) lifecycle.attemptFailed();
  }

  replaced(takeover: Takeover): void {
    this.#parts.membership.endpoint.replaced(takeover);
    this.#parts.redial.leaveFor(takeover);
  }

  refused(error: Error): void {
    this.#parts.refusals.refused(error);
  }

  returned(command: Command): void {
    const { policy, connection, inFlight, queue, settlement } = this.#parts;
    const call = callOf(command);
    if (call?.state !== "sent") return;
    inFlight.answered(call);
    inFlight.count--;
    call.unsend();
    connection.pause("unwritable");
    queue.giveBack(call);
    if (policy.queue === false && call.attempts === 0) {
      settlement.reject(call, clientErrors.unavailable(call, settlement.snapshot(), clock.now()));
    }
  }

  ended(): void {
    this.#parts.standing.ended();
    this.#parts.lifecycle.ended();
  }
}
