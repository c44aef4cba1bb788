/** `withConnection`: an exclusive connection for as long as a function runs. */
import type { Redis } from "../redis.js";
import { borrowed } from "./borrowed.js";
import type { Host } from "./host.js";
import type { LeasePool } from "./lease-pool.js";
import type { Pooled } from "./pooled.js";

export interface ConnectionOptions {
  /** Ends the wait for a connection, and the wait of every command sent on it. */
  readonly signal?: AbortSignal | undefined;
}

/** Lends a connection to `fn`, and takes it back whatever happens. */
export async function withConnection<T>(
  host: Host,
  pool: LeasePool<Pooled>,
  fn: (connection: Redis, pooled: Pooled) => T | PromiseLike<T>,
  by: string,
  origin: Error,
  { signal }: ConnectionOptions,
): Promise<T> {
  const lease = await pool.acquire({ by, origin, signal, timeout: host.policy.pool.acquireTimeout });
  try {
    return await fn(borrowed(lease, signal === undefined ? undefined : { signal }), lease.connection);
  } finally {
    lease.giveBack();
  }
}
