/**
 * The exclusive connections of one client: those lent by `withConnection` and `transaction`, and those that run its
 * blocking commands. Two budgets, so that consumers that wait for hours never starve a transaction.
 */
import type { RedisKey } from "ioredis";
import { CLOSED_MESSAGE } from "../engine/client-errors.js";
import type { ClientHost, OwnedClient, Role } from "../engine/connections.js";
import { ClosedError } from "../failure/errors.js";
import { LeasePool } from "./lease-pool.js";
import { withConnection, type ConnectionOptions } from "./with-connection.js";
import { PooledConnection } from "./pooled-connection.js";
import { poolTimeout, refused, warnOfLeak } from "./pool-errors.js";
import type { LeaseStats } from "../failure/pool-snapshot.js";
import {
  runTransaction,
  type TransactionOptions,
  type TransactionResult,
  type TransactionScope,
} from "./transaction.js";

/** Connections being made at the same time, so that a burst does not become a storm of handshakes. */
const MAX_DIALS = 8;

/** `stats().pool`, but for the lanes. */
export interface ConnectionPoolStats extends LeaseStats {
  /** The connections that run blocking commands, counted apart. */
  readonly blocking: LeaseStats;
}

export class ConnectionPool {
  readonly #host: ClientHost;
  readonly #leases: LeasePool<PooledConnection>;
  readonly #blocking: LeasePool<PooledConnection>;

  constructor(host: ClientHost) {
    const { pool } = host.policy;
    this.#host = host;
    this.#leases = this.#make("lease", pool.min, pool.max, pool.leakAfter);
    // A consumer may rightly block for hours.
    this.#blocking = this.#make("blocking", 0, pool.blocking, Infinity);
  }

  /** The connections that run blocking commands; `undefined` where those stay on the shared one. */
  get blocking(): LeasePool<PooledConnection> | undefined {
    return this.#host.policy.pool.blocking > 0 ? this.#blocking : undefined;
  }

  #make(role: Role, min: number, max: number, leakAfter: number): LeasePool<PooledConnection> {
    const host = this.#host;
    const { idleTimeout, maxLifetime } = host.policy.pool;
    const pool = new LeasePool<PooledConnection>(
      { min, max, leakAfter, idleTimeout, maxLifetime, maxDials: MAX_DIALS },
      {
        create: () => new PooledConnection(host, role, (pooled) => pool.lost(pooled)),
        prove: (pooled) => pooled.prove(),
        isFinal: (failure) => PooledConnection.isFinal(failure),
        isAlive: (pooled) => pooled.isAlive(),
        needsProof: (pooled, rested) => pooled.needsProof(rested),
        clean: (pooled) => pooled.clean(),
        destroy: (pooled) => pooled.destroy(),
        late: (waited, { by }, snapshot, dialing) => poolTimeout(host, by, waited, snapshot, dialing),
        refused: (failure, { by }) => refused(host, by, failure),
        leaked: (lease, heldFor) => warnOfLeak(host, lease, heldFor),
      },
    );
    return pool;
  }

  withConnection<T>(
    fn: (connection: OwnedClient) => T | PromiseLike<T>,
    origin: Error,
    options: ConnectionOptions,
  ): Promise<T> {
    const run = (conn: OwnedClient): T | PromiseLike<T> => fn(conn);
    return withConnection(this.#host, this.#leases, run, fn.name || "withConnection", origin, options);
  }

  transaction<T>(
    keys: readonly RedisKey[],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    origin: Error,
    options: TransactionOptions,
  ): Promise<TransactionResult<T>> {
    const run = (conn: OwnedClient, { engine }: PooledConnection): Promise<TransactionResult<T>> =>
      runTransaction({ conn, engine }, keys, fn, options);
    return withConnection(this.#host, this.#leases, run, fn.name || "transaction", origin, options);
  }

  stats(): ConnectionPoolStats {
    return { ...this.#leases.stats(), blocking: this.#blocking.stats() };
  }

  /** Ends the blocking commands that run now; their callers are told that the connection was closed. */
  interrupt(): void {
    this.#blocking.interrupt();
  }

  /** Takes no more callers, ends what blocks, and waits for the loans to end. */
  drain(): Promise<void> {
    const reason = this.#closed();
    this.#blocking.end(reason);
    return this.#leases.drain(reason);
  }

  end(): void {
    const reason = this.#closed();
    this.#blocking.end(reason);
    this.#leases.end(reason);
  }

  revive(): void {
    this.#blocking.revive();
    this.#leases.revive();
  }

  #closed(): ClosedError {
    return new ClosedError("CLIENT_CLOSED", CLOSED_MESSAGE, this.#host.own.engine.errorDetails());
  }
}
