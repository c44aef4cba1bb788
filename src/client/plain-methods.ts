/** What ioredis has not, in its simplest form: the methods of a plain client, of one server or of a cluster. */
import type { Redis as IORedis, RedisKey } from "ioredis";
import { clock, within } from "../clock.js";
import { TransactionConflictError } from "../lease/conflict.js";
import type { TransactionOptions, TransactionResult, TransactionScope } from "../lease/transaction.js";
import type { Health, HealthStatus } from "./health.js";
import { watchStartup } from "./startup.js";

/** A client of ioredis, of either kind. */
export interface PlainClient {
  readonly status: string;
  connect(): Promise<unknown>;
  quit(): Promise<unknown>;
  disconnect(): void;
}

/** What the two kinds do differently. */
export interface PlainKind<C> {
  healthOf(client: C): Health;
  /** A connection of its own; `key` says of what, where that matters. */
  connectionOf(client: C, key: () => RedisKey): IORedis | Promise<IORedis>;
}

/** In milliseconds. */
const DRAIN = 5_000;
const RETRIES = 10;

/** The methods of one kind of client. */
export function plainMethods<C extends PlainClient>({ healthOf, connectionOf }: PlainKind<C>) {
  const lend = async <T>(client: C, key: () => RedisKey, fn: (connection: IORedis) => T): Promise<Awaited<T>> => {
    const connection = await connectionOf(client, key);
    try {
      return await fn(connection);
    } finally {
      connection.disconnect();
    }
  };
  return {
    with: itself,
    withDeadline: itself,
    withConnection<T>(this: C, fn: (connection: IORedis) => T, options?: { readonly key: RedisKey }) {
      return lend(this, () => (options as { readonly key: RedisKey }).key, fn);
    },
    transaction(this: C, keys: readonly RedisKey[], fn: Transaction<unknown>, options?: TransactionOptions) {
      return lend(
        this,
        () => keys[0] ?? "",
        (connection) => transact(connection, keys, fn, options),
      );
    },
    health(this: C) {
      return healthOf(this);
    },
    liveness(this: C) {
      const health = healthOf(this);
      return { alive: health.status !== "closed", health };
    },
    readiness(this: C, { required = true }: { readonly required?: boolean } = {}) {
      const health = healthOf(this);
      const ready = required ? health.status === "ready" || health.status === "idle" : health.status !== "closed";
      return Promise.resolve({ ready, health });
    },
    async startup(this: C, options: { readonly within?: number } = {}) {
      if (this.status === "wait") this.connect().catch(ignore);
      const status = await watchStartup(
        () => this.status,
        (seen) => seen === "ready" || seen === "end",
        options,
      );
      return { ready: status === "ready", health: healthOf(this) };
    },
    onEvent: () => ignore,
    async close(this: C, { drain = DRAIN }: { readonly drain?: number } = {}) {
      if (this.status === "end") return;
      await within(this.quit().then(ignore, ignore), drain, ignore);
      this.disconnect();
    },
  };
}

const STATUSES: Readonly<Record<string, HealthStatus>> = {
  wait: "idle",
  connecting: "connecting",
  connect: "connecting",
  ready: "ready",
  monitoring: "ready",
  end: "closed",
};

/** What ioredis's status says. */
export function plainHealth({ status }: PlainClient): Health {
  const since = Math.round(clock.wallTime());
  const health = STATUSES[status] ?? "down";
  if (health === "closed") return { status: health, since, code: "CLIENT_CLOSED", reason: "The client has ended." };
  if (health === "down") return { status: health, since, code: "CONNECTION_LOST", reason: `ioredis says: ${status}.` };
  return { status: health, since };
}

type Transaction<T> = (scope: TransactionScope) => T | PromiseLike<T>;

/** Optimistic locking on a connection of one's own. */
async function transact<T>(
  conn: IORedis,
  keys: readonly RedisKey[],
  fn: Transaction<T>,
  { retries = RETRIES }: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  for (let conflicts = 0; ; conflicts++) {
    if (keys.length > 0) await conn.watch(...(keys as string[]));
    const multi = conn.multi();
    const value = await fn({ conn: conn as unknown as TransactionScope["conn"], multi });
    if (multi.length === 0) {
      await conn.unwatch();
      return { value, results: [], conflicts };
    }
    const outcome = await multi.exec();
    if (outcome !== null) {
      const failed = outcome.find(([error]) => error !== null)?.[0];
      if (failed) throw failed;
      return { value, results: outcome.map(([, result]) => result), conflicts };
    }
    if (conflicts >= retries) {
      const text = `the watched keys were changed by others in each of ${String(conflicts + 1)} attempts; nothing was executed`;
      throw new TransactionConflictError(text, conflicts + 1, { applied: "no" });
    }
  }
}

function itself<C>(this: C): C {
  return this;
}

function ignore(): void {
  // Plain ioredis has nobody who would be told.
}
