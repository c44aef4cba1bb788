/** One client as its endpoint sees it: how it stands, what it can be asked, and what it does when a circuit changes. */
import { clock } from "../clock.js";
import type { Member } from "../endpoint/endpoint.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { classify } from "../failure/classify.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import { probeTimeoutOf } from "../policy/probe-timeout.js";
import type { Policy } from "../policy/shape.js";
import type { Availability } from "./availability.js";
import { noConnection, silentSoFar } from "./connection-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { DowntimeTracker } from "./downtime.js";
import type { FailureSnapshots } from "./failure-snapshot.js";
import type { Lifecycle } from "./lifecycle.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { CircuitKind, Transport } from "./ports.js";
import type { QueueRefusals } from "./queue-refusals.js";
import type { Redial } from "./redial.js";
import type { Release } from "./release.js";
import type { SessionState } from "./session-state.js";
import type { Standing } from "./standing.js";
import type { TimeLimits } from "./time-limits.js";

export interface EndpointMemberParts {
  readonly policy: Policy;
  readonly connection: ConnectionState;
  readonly session: SessionState;
  readonly transport: Transport;
  readonly membership: EndpointMembership;
  readonly standing: Standing;
  readonly downtime: DowntimeTracker;
  /** `undefined`: whatever the circuits say, commands wait. */
  readonly availability: Availability | undefined;
  readonly limits: TimeLimits;
  readonly queue: OfflineQueue;
  readonly refusals: QueueRefusals;
  readonly release: Release;
  readonly redial: Redial;
  readonly lifecycle: Lifecycle;
  readonly snapshots: FailureSnapshots;
  /** It serves blocking commands only: a probe would wait behind one. */
  readonly isForBlocking: boolean;
}

/** A reply that has been due for longer is late, in milliseconds. */
const LATE = 250;

export class EndpointMember implements Member {
  readonly #parts: EndpointMemberParts;

  constructor(parts: EndpointMemberParts) {
    this.#parts = parts;
  }

  get isReady(): boolean {
    return this.#parts.connection.isConnected;
  }

  get isTroubled(): boolean {
    const { connection, standing, transport } = this.#parts;
    if (!connection.accepts) return false;
    if (!connection.isConnected) return standing.wantsConnection;
    return transport.overdueFor(clock.now()) > LATE;
  }

  get downSince(): number | undefined {
    return this.#parts.downtime.downSince;
  }

  get downAfter(): number {
    const { policy, limits } = this.#parts;
    // One whose commands wait for ever is never refused.
    return policy.breaker === false || limits.waitsForever ? 0 : policy.breaker.downAfter;
  }

  get downCause(): Diagnosis | undefined {
    return this.#parts.availability?.absence?.cause;
  }

  get mayProbe(): boolean {
    const { isForBlocking, connection, session } = this.#parts;
    return !isForBlocking && !connection.isPausedBy("block") && session.mayAsk;
  }

  get waitingCount(): number {
    return this.#parts.queue.size;
  }

  retryIn(): number {
    return this.#parts.transport.retryIn();
  }

  probe(kind: CircuitKind): Promise<boolean> {
    const { session, transport, policy } = this.#parts;
    if (!session.mayAsk) return Promise.resolve(false);
    return transport.probe(kind, probeTimeoutOf(policy));
  }

  circuitOpened(): void {
    const { lifecycle, availability, refusals } = this.#parts;
    lifecycle.endIfHopeless();
    if (availability !== undefined) refusals.circuitOpened((call) => availability.refusal(call));
  }

  circuitClosed(): void {
    const { connection, release } = this.#parts;
    if (!connection.isProbing) release.run();
  }

  get isDirected(): boolean {
    return this.#parts.transport.isDirected;
  }

  findsWriter(): Promise<boolean> {
    return this.#parts.transport.findsWriter();
  }

  redialWhenIdle(): void {
    this.#parts.redial.whenIdle();
  }

  /** There has been no connection for `downAfter`. */
  downTooLong(): void {
    const { membership, snapshots, transport, downtime } = this.#parts;
    const { endpoint } = membership;
    const context = snapshots.context();
    const cause = transport.lastError() ?? noConnection(endpoint.label, context);
    const diagnosis = (downtime.cause = classify(cause, { ...context, written: false }));
    endpoint.unreachable(diagnosis, this);
    this.circuitOpened();
  }

  /** The connection has owed a reply for so many milliseconds, and says nothing still. */
  silenceLasts(silence: number): void {
    const { membership, transport } = this.#parts;
    const { endpoint } = membership;
    const error = silentSoFar(endpoint.label, silence);
    const diagnosis = classify(error, { ...transport.context(), written: true });
    endpoint.observer.connectionFailed(diagnosis, clock.now() - silence);
  }
}
