/** `withConnection`: an exclusive connection for as long as a function runs. */
import type { ClientHost, OwnedClient } from "../engine/connections.js";
import { borrowed } from "./borrowed.js";
import type { LeasePool } from "./lease-pool.js";
import type { PooledConnection } from "./pooled-connection.js";

export interface ConnectionOptions {
  /** Ends the wait for a connection, and the wait of every command sent on it. */
  readonly signal?: AbortSignal | undefined;
}

/** Lends a connection to `fn`, and takes it back whatever happens. */
export async function withConnection<T>(
  host: ClientHost,
  pool: LeasePool<PooledConnection>,
  fn: (connection: OwnedClient, pooled: PooledConnection) => T | PromiseLike<T>,
  by: string,
  origin: Error,
  { signal }: ConnectionOptions,
): Promise<T> {
  const lease = await pool
    .acquire({ by, origin, signal, timeout: host.policy.pool.acquireTimeout })
    .catch((error: unknown) => {
      // What a caller ended is no failure.
      if (error instanceof Error && signal?.aborted !== true) host.own.engine.noteUnserved(by, error);
      throw error;
    });
  try {
    return await fn(borrowed(lease, signal === undefined ? undefined : { signal }), lease.connection);
  } finally {
    lease.giveBack();
  }
}
