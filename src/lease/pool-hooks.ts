/** What a lease pool needs to know of its connections, and the numbers it works by. */
import type { Borrower, Lease } from "./lease.js";
import type { PoolSnapshot } from "../failure/pool-snapshot.js";

export interface PoolHooks<C> {
  create(): C;
  /** Connects if need be and makes sure that the server answers on this connection. Must settle. */
  prove(connection: C): Promise<void>;
  /** Whether making another connection would fail in the same way, so that the callers should know now. */
  isFinal(failure: unknown): boolean;
  /** Whether it looks usable, without asking the server. */
  isAlive(connection: C): boolean;
  /** Whether it must be proven before it is lent, having rested for so many milliseconds. */
  needsProof(connection: C, rested: number): boolean;
  /** Undoes what the holder left behind; resolves to the reason if that is not possible. Must settle. */
  clean(connection: C): Promise<string | undefined>;
  destroy(connection: C): void;
  /** Makes the error for a caller that has waited for too long. `dialing`: connections that are not there yet. */
  late(waited: number, borrower: Borrower, snapshot: PoolSnapshot, dialing: readonly C[]): Error;
  /** Makes the error for a caller that gets no connection because of a final failure. */
  refused(failure: unknown, borrower: Borrower): unknown;
  /** A loan has lasted suspiciously long. */
  leaked(lease: Lease<C>, heldFor: number): void;
}

/** Milliseconds and counts. */
export interface PoolLimits {
  /** Idle connections are not closed below this number. */
  readonly min: number;
  readonly max: number;
  /** Connections that are made or proven at the same time. */
  readonly maxDials: number;
  readonly idleTimeout: number;
  readonly maxLifetime: number;
  /** A loan that lasts this long is reported; `Infinity` for never. */
  readonly leakAfter: number;
}
