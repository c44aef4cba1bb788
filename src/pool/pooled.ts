/**
 * One client of the pool: connected when it is first proven, checked before it is lent after a rest, cleaned when it
 * comes back. It is an ordinary client of this package, so deadlines, resends and diagnoses hold on it too.
 */
import { internalsOf } from "../connection/internals.js";
import { diagnosisOf } from "../failure/attach.js";
import type { Flow } from "../flow/flow.js";
import type { Redis } from "../redis.js";
import type { Host, Purpose } from "./host.js";
import { Trail } from "./trail.js";

/** A connection that has rested for longer is asked before it is lent: balancers drop idle connections silently. Milliseconds. */
const TRUSTED_FOR = 5_000;
/** How long a connection may take to answer the question, or to be cleaned; it answers at once or is not worth waiting for. */
const ANSWER_WITHIN = 1_000;

export class Pooled {
  readonly client: Redis;
  readonly flow: Flow;
  readonly trail: Trail = new Trail();
  readonly #host: Host;
  /** Which connection of the client was proven. */
  #epoch = -1;
  readonly #onLost: () => void;

  constructor(host: Host, purpose: Purpose, onLost: (pooled: Pooled) => void) {
    this.#host = host;
    this.client = host.create(purpose);
    this.flow = host.flowOf(this.client);
    this.flow.isAside = purpose === "blocking";
    this.#onLost = () => onLost(this);
    this.client.on("close", this.#onLost);
  }

  isAlive(): boolean {
    const { status, stream } = internalsOf(this.client);
    return status === "ready" && stream?.writable === true && this.flow.isOpen;
  }

  needsProof(rested: number): boolean {
    const trusted = Math.min(TRUSTED_FOR, this.#host.policy.pool.idleTimeout / 2);
    return rested > trusted || this.#database !== this.#host.flow.transport.database();
  }

  /** Whether the failure to make a connection would befall the next one as well: wrong password, open circuit, closed. */
  static isFinal(failure: unknown): boolean {
    // So many attempts to connect have failed, as they may for the next: the caller's own patience decides.
    if (failure instanceof Error && failure.name === "MaxRetriesPerRequestError") return false;
    const code = diagnosisOf(failure)?.code;
    return code !== "DEADLINE" && code !== "OUTCOME_UNKNOWN";
  }

  /** Connects, or makes sure that the connection still answers; on the database that the client is on. */
  async prove(): Promise<void> {
    const isNew = this.#epoch < 0;
    const { policy } = this.#host;
    const limit = isNew ? policy.reconnect.handshakeTimeout : Math.min(ANSWER_WITHIN, policy.pool.acquireTimeout);
    // Without a queue a PING would not wait for the connection.
    if (isNew && policy.queue === false) await this.client.connect();
    await this.#ping(performance.now() + limit);
    const wanted = this.#host.flow.transport.database();
    if (this.#database !== wanted) await this.client.with({ deadline: limit }).select(wanted);
    this.#epoch = internalsOf(this.client).connectionEpoch;
  }

  /** Asks until there is an answer; between two connections the client backs off. */
  async #ping(until: number): Promise<void> {
    for (;;) {
      const deadline = Math.max(1, until - performance.now());
      try {
        await this.client.with({ deadline }).ping();
        return;
      } catch (error) {
        const code = diagnosisOf(error)?.code;
        // A refusal is an answer too.
        if (code === "PERMISSION_DENIED") return;
        if (code !== "OUTCOME_UNKNOWN" || performance.now() >= until) throw error;
      }
    }
  }

  /** Ends what the holder left open. Resolves to why the connection must not be used again, if so. */
  async clean(): Promise<string | undefined> {
    // The reply that ended the loan may still be being dealt with, or the reason to destroy the connection.
    await Promise.resolve();
    const internals = internalsOf(this.client);
    if (!this.isAlive()) return "lost";
    if (internals.connectionEpoch !== this.#epoch || this.flow.session.isLost) return "reconnected";
    if (this.trail.isTainted) return "tainted";
    this.client.removeAllListeners();
    this.client.on("close", this.#onLost);
    // Somebody may be waiting for this connection instead of dialling.
    const bounded = this.client.with({ deadline: Math.min(ANSWER_WITHIN, this.#host.policy.pool.acquireTimeout / 2) });
    const { undo, selected } = this.trail;
    if (undo !== undefined) await bounded[undo]();
    if (selected) await bounded.select(this.#host.flow.transport.database());
    // Replies come in order: once this one is here, so are those of the commands that were not awaited.
    else if (undo === undefined && this.#isBusy) await bounded.ping();
    if (this.#isBusy) return "in flight";
    this.trail.clear();
    return this.isAlive() && internals.connectionEpoch === this.#epoch ? undefined : "lost";
  }

  destroy(): void {
    this.client.off("close", this.#onLost);
    this.client.disconnect();
    internalsOf(this.client).stream?.destroy();
  }

  get #database(): number {
    return this.flow.transport.database();
  }

  get #isBusy(): boolean {
    return internalsOf(this.client).commandQueue.length > 0 || this.flow.inFlight > 0 || !this.flow.gate.isEmpty;
  }
}
