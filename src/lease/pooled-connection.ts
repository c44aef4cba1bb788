/**
 * One connection of the pool: connected when it is first proven, checked before it is lent after a rest, cleaned when it
 * comes back. It is driven as any client of this package, so deadlines, resends and diagnoses hold on it too.
 */
import { clock, within } from "../clock.js";
import type { ClientHost, OwnConnection, OwnedClient, Role } from "../engine/connections.js";
import type { Engine } from "../engine/engine.js";
import { diagnosisOf } from "../failure/attach.js";
import type { Code } from "../failure/codes.js";

/** A connection that has rested for longer is asked before it is lent: balancers drop idle connections silently. Milliseconds. */
const TRUSTED_FOR = 5_000;
/** How long a connection may take to answer the question, or to be cleaned; it answers at once or is not worth waiting for. */
const ANSWER_WITHIN = 1_000;

/** How servers and proxies say that there is no PING for us. */
const WITHOUT_PING: ReadonlySet<Code> = new Set(["PERMISSION_DENIED", "UNKNOWN_COMMAND", "COMMAND_REFUSED"]);

export class PooledConnection {
  readonly connection: OwnConnection;
  readonly client: OwnedClient;
  readonly engine: Engine;
  readonly #host: ClientHost;
  /** Which connection of the client was proven. */
  #epoch = -1;
  readonly #onLost: () => void;

  constructor(host: ClientHost, role: Role, onLost: (pooled: PooledConnection) => void) {
    this.#host = host;
    this.connection = host.open(role);
    this.client = this.connection.client;
    this.engine = this.connection.engine;
    this.#onLost = () => onLost(this);
    this.client.on("close", this.#onLost);
  }

  /** It looks usable, without asking the server. */
  isAlive(): boolean {
    return this.connection.isLive();
  }

  /** It must be proven before it is lent, having rested for so many milliseconds. */
  needsProof(rested: number): boolean {
    const trusted = Math.min(TRUSTED_FOR, this.#host.policy.pool.idleTimeout / 2);
    const { own } = this.#host;
    return rested > trusted || this.#database !== own.transport.database() || this.connection.login() !== own.login();
  }

  /** Whether the failure to make a connection would hit the next one as well: wrong password, open circuit, closed. */
  static isFinal(failure: unknown): boolean {
    // So many attempts to connect have failed, as they may for the next: the caller's own patience decides.
    if (failure instanceof Error && failure.name === "MaxRetriesPerRequestError") return false;
    const code = diagnosisOf(failure)?.code;
    return code !== "DEADLINE" && code !== "OUTCOME_UNKNOWN";
  }

  /** Connects, or makes sure that the connection still answers; on the database that the client is on. */
  async prove(): Promise<void> {
    this.engine.setPrivate(true);
    try {
      await this.#prove();
    } finally {
      this.engine.setPrivate(false);
    }
  }

  async #prove(): Promise<void> {
    const isNew = this.#epoch < 0;
    const { policy } = this.#host;
    const limit = isNew ? policy.reconnect.handshakeTimeout : Math.min(ANSWER_WITHIN, policy.pool.acquireTimeout);
    // Without a queue a PING would not wait for the connection.
    if (isNew && policy.queue === false) await this.client.connect();
    await this.#ping(clock.now() + limit);
    await this.#logIn(limit);
    const wanted = this.#host.own.transport.database();
    if (this.#database !== wanted) await this.client.with({ deadline: limit }).select(wanted);
    this.#epoch = this.connection.epoch();
    // What was sent here was sent on nobody's behalf.
    this.engine.session.clear();
  }

  /** As whoever the client is logged in as, if a caller has logged it in. */
  async #logIn(limit: number): Promise<void> {
    const login = this.#host.own.login();
    if (login === this.connection.login()) return;
    // The options' user is who a new connection logs in as.
    if (login === undefined) throw new Error("logged in as somebody else");
    await within(this.connection.logInAs(login), limit, () => {
      throw new Error("no answer to AUTH");
    });
  }

  /** Asks until there is an answer; between two connections the client backs off. */
  async #ping(until: number): Promise<void> {
    for (;;) {
      const deadline = Math.max(1, until - clock.now());
      try {
        await this.#ask(this.client.with({ deadline }));
        return;
      } catch (error) {
        if (diagnosisOf(error)?.code !== "OUTCOME_UNKNOWN" || clock.now() >= until) throw error;
      }
    }
  }

  /** Any answer will do, also where an ACL or a proxy has no PING. */
  async #ask(client: OwnedClient): Promise<void> {
    try {
      await client.ping();
    } catch (error) {
      const code = diagnosisOf(error)?.code;
      if (code === undefined || !WITHOUT_PING.has(code)) throw error;
    }
  }

  /** Ends what the holder left open. Resolves to why the connection must not be used again, if so. */
  async clean(): Promise<string | undefined> {
    // The reply that ended the loan may still be being dealt with, or the reason to destroy the connection.
    await Promise.resolve();
    if (!this.isAlive()) return "lost";
    this.engine.setPrivate(true);
    try {
      return await this.#clean();
    } finally {
      this.engine.setPrivate(false);
    }
  }

  async #clean(): Promise<string | undefined> {
    const { session } = this.engine;
    if (this.connection.epoch() !== this.#epoch || session.isLost) return "reconnected";
    if (session.isDirty) return "dirty";
    this.client.removeAllListeners();
    this.client.on("close", this.#onLost);
    // Somebody may be waiting for this connection instead of dialling.
    const bounded = this.client.with({ deadline: Math.min(ANSWER_WITHIN, this.#host.policy.pool.acquireTimeout / 2) });
    const { undo, selected } = session;
    if (undo !== undefined) await bounded[undo]();
    if (selected) await bounded.select(this.#host.own.transport.database());
    // Replies come in order: once this one is here, so are those of the commands that were not awaited.
    else if (undo === undefined && this.#isBusy) await this.#ask(bounded);
    if (this.#isBusy) return "in flight";
    session.clear();
    return this.isAlive() && this.connection.epoch() === this.#epoch ? undefined : "lost";
  }

  destroy(): void {
    this.client.off("close", this.#onLost);
    this.connection.destroy();
  }

  get #database(): number {
    return this.connection.transport.database();
  }

  get #isBusy(): boolean {
    return this.connection.unanswered() > 0 || !this.engine.isIdle;
  }
}
