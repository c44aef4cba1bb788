/**
 * The exclusive connections of one client: those lent by `withConnection` and `transaction`, and those that run its
 * blocking commands. Two budgets, so that consumers that wait for hours never starve a transaction.
 */
import type { RedisKey } from "ioredis";
import { ClosedError } from "../failure/errors.js";
import { CLOSED_MESSAGE } from "../connection/internals.js";
import type { Redis } from "../redis.js";
import { BlockingLanes } from "./blocking-lanes.js";
import type { Host, Purpose } from "./host.js";
import { LeasePool } from "./lease-pool.js";
import { Lanes, type LaneStats } from "./lanes.js";
import { withConnection, type ConnectionOptions } from "./leases.js";
import { Pooled } from "./pooled.js";
import { known, poolTimeout, refused, warnOfLeak } from "./refusals.js";
import type { LeaseStats } from "./snapshot.js";
import {
  runTransaction,
  type TransactionOptions,
  type TransactionResult,
  type TransactionScope,
} from "./transaction.js";

/** Connections being made at the same time, so that a burst does not become a storm of handshakes. */
const MAX_DIALS = 8;

/** `stats().pool`. */
export interface PoolStats extends LeaseStats {
  /** The connections that run blocking commands, counted apart. */
  readonly blocking: LeaseStats;
  /** The shared connections that are open; absent with `pool.size` 1. */
  readonly lanes?: readonly LaneStats[] | undefined;
}

export class Pool {
  readonly #host: Host;
  readonly #leases: LeasePool<Pooled>;
  readonly #blocking: LeasePool<Pooled>;
  /** The shared connections, if there is more than one. */
  readonly lanes: Lanes | undefined;

  constructor(host: Host, client: Redis) {
    const { pool } = host.policy;
    this.#host = host;
    this.#leases = this.#make("lease", pool.min, pool.max, pool.leakAfter);
    // A consumer may rightly block for hours.
    this.#blocking = this.#make("blocking", 0, pool.blocking, Infinity);
    this.lanes = pool.size > 1 ? new Lanes(host, client) : undefined;
    if (pool.blocking > 0) host.flow.diversion = new BlockingLanes(host, this.#blocking);
  }

  #make(purpose: Purpose, min: number, max: number, leakAfter: number): LeasePool<Pooled> {
    const host = this.#host;
    const { idleTimeout, maxLifetime } = host.policy.pool;
    const pool = new LeasePool<Pooled>(
      { min, max, leakAfter, idleTimeout, maxLifetime, maxDials: MAX_DIALS },
      {
        create: () => new Pooled(host, purpose, (pooled) => pool.lost(pooled)),
        prove: (pooled) => pooled.prove(),
        isFinal: (failure) => Pooled.isFinal(failure),
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
    fn: (connection: Redis) => T | PromiseLike<T>,
    origin: Error,
    options: ConnectionOptions,
  ): Promise<T> {
    const run = (conn: Redis): T | PromiseLike<T> => fn(conn);
    return withConnection(this.#host, this.#leases, run, fn.name || "withConnection", origin, options);
  }

  transaction<T>(
    keys: readonly RedisKey[],
    fn: (scope: TransactionScope) => T | PromiseLike<T>,
    origin: Error,
    options: TransactionOptions,
  ): Promise<TransactionResult<T>> {
    const run = (conn: Redis, { trail, flow }: Pooled): Promise<TransactionResult<T>> =>
      runTransaction({ conn, trail, flow }, keys, fn, options);
    return withConnection(this.#host, this.#leases, run, fn.name || "transaction", origin, options);
  }

  stats(): PoolStats {
    const lanes = this.lanes === undefined ? {} : { lanes: this.lanes.stats() };
    return { ...this.#leases.stats(), blocking: this.#blocking.stats(), ...lanes };
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
    this.lanes?.end();
  }

  revive(): void {
    this.#blocking.revive();
    this.#leases.revive();
    this.lanes?.revive();
  }

  #closed(): ClosedError {
    return new ClosedError("CLIENT_CLOSED", CLOSED_MESSAGE, known(this.#host.flow));
  }
}
