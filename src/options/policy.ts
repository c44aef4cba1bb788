/**
 * The resilience policy: every number the client works by. Durations are milliseconds, names follow ioredis, and
 * opossum's and p-retry's own names where a value goes straight to them. This file holds the shape; the values are in
 * `profiles.ts`.
 */
import type { Logger } from "../observe/logger.js";
import type { ProfileChoice } from "./profiles.js";
import type { ProviderName } from "./providers.js";

/** What may be sent again after the connection was lost while the reply was outstanding. */
export type AmbiguousPolicy =
  /** Only commands that change nothing. */
  | "reads"
  /** Commands whose second execution leaves the same state and the same reply (reads, plain SET …). */
  | "safe"
  /** Everything, as plain ioredis does: writes may be executed twice. */
  | "replay";

export interface RetryPolicy {
  /** How often a command may be sent again after its first failure. */
  readonly retries: number;
  /** First backoff; full jitter is drawn from 0 up to it. */
  readonly minTimeout: number;
  /** Cap of the backoff, applied before the jitter. */
  readonly maxTimeout: number;
  readonly factor: number;
  readonly ambiguous: AmbiguousPolicy;
  /** Token bucket per endpoint: each retry takes one of `tokens`, each success returns `refill`, up to ten times `tokens`. */
  readonly budget: { readonly tokens: number; readonly refill: number } | false;
}

export interface BreakerPolicy {
  /**
   * The endpoint must be unreachable for this long before new commands fail fast; what waits then keeps its own deadline.
   * Default: the deadline, at least 250 ms; 5 s without a deadline.
   */
  readonly downAfter: number;
  readonly errorThresholdPercentage: number;
  /** Outcomes that must be in the window before the percentage counts. */
  readonly volumeThreshold: number;
  readonly rollingCountTimeout: number;
  /** First wait before a probe; each reopening doubles it, with jitter, up to `maxResetTimeout`. */
  readonly resetTimeout: number;
  readonly maxResetTimeout: number;
  /** Deadline of the client's own probe. */
  readonly probeTimeout: number;
}

export interface QueuePolicy {
  /** Commands that may wait for a connection. `Infinity` is allowed. */
  readonly maxCommands: number;
  readonly maxBytes: number;
  /**
   * `"deadline"` (default, also when absent): waiting counts against the deadline. `"forever"`: a command waits for a
   * connection without limit of time, also while the circuit is open, and its deadline starts when it can be sent.
   * `maxRetriesPerRequest: null` translates to it.
   */
  readonly wait?: "deadline" | "forever" | undefined;
}

export interface ReconnectPolicy {
  readonly minTimeout: number;
  readonly maxTimeout: number;
  /** A connection must stay up this long before the backoff starts again from the bottom. */
  readonly stableAfter: number;
  /** From dialling to ready, including TLS, AUTH and SELECT. */
  readonly handshakeTimeout: number;
}

export interface HeartbeatPolicy {
  /** An idle connection is sent a PING after this long. */
  readonly interval: number;
  /** A connection that owes a reply and stays silent this long is destroyed. */
  readonly timeout: number;
}

export interface PoolPolicy {
  /** Shared connections for ordinary commands. */
  readonly size: number;
  /** Leased connections kept open, at least and at most. */
  readonly min: number;
  readonly max: number;
  /** Connections that run blocking commands, at most; 0 leaves those commands on the shared connection. */
  readonly blocking: number;
  readonly acquireTimeout: number;
  readonly idleTimeout: number;
  readonly maxLifetime: number;
  /** A connection lent for this long is reported in the log, with the stack of the borrower. */
  readonly leakAfter: number;
}

/** The effective policy of one client, frozen. `false` switches a part off. */
export interface Policy {
  /** Names of the profiles it was made of, joined by `+`. */
  readonly profile: string;
  readonly deadline: number | false;
  readonly retry: RetryPolicy | false;
  readonly breaker: BreakerPolicy | false;
  /** `false`: never wait for a connection (`enableOfflineQueue: false`). */
  readonly queue: QueuePolicy | false;
  readonly reconnect: ReconnectPolicy;
  readonly heartbeat: HeartbeatPolicy | false;
  readonly pool: PoolPolicy;
  /** How often a running incident writes its summary line. */
  readonly summaryInterval: number;
  /** ioredis options this policy brings, used only where the caller gave none (serverless, provider presets). */
  readonly connection?: ConnectionDefaults | undefined;
}

/** ioredis options that a profile or a provider preset may bring. */
export interface ConnectionDefaults {
  readonly lazyConnect?: boolean | undefined;
  /** Delay before the first TCP keep-alive probe. */
  readonly keepAlive?: number | undefined;
  /** TLS with the system's certificate authorities; only ever set for hosts that accept nothing else. */
  readonly tls?: true | undefined;
  /** Not an ioredis option: an idle connection (nothing waiting, nothing in flight) does not keep the process alive. */
  readonly unref?: boolean | undefined;
}

/** A command as fallbacks see it: its name and nothing else. */
export interface FailedCommand {
  readonly name: string;
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** The `retry` option: every field optional, also inside `budget`. */
export type RetryOptions = Loose<Omit<RetryPolicy, "budget">> & {
  readonly budget?: Loose<Exclude<RetryPolicy["budget"], false>> | false | undefined;
};

/** The value of the `resilience` option. Everything is optional. */
export interface ResilienceOptions {
  /**
   * One profile or several, the later over the earlier. Default: `IOREDOUBT_PROFILE`, then `NODE_ENV` if it names a
   * profile, then `"production"`. Profiles of your own are passed as `defineProfile` returned them.
   */
  readonly profile?: ProfileChoice | readonly ProfileChoice[] | undefined;
  /** Provider preset: found by the host's name (default), named, or `false` for none. */
  readonly provider?: ProviderName | false | undefined;
  /**
   * What this Redis is called in log lines and errors, before its address: `cache (10.0.0.5:6379)`. Clients of one server
   * share their circuits and incidents only under the same name. Default: the address alone.
   */
  readonly name?: string | undefined;
  readonly deadline?: number | false | undefined;
  readonly retry?: RetryOptions | false | undefined;
  readonly breaker?: Loose<BreakerPolicy> | false | undefined;
  readonly queue?: Loose<QueuePolicy> | false | undefined;
  readonly reconnect?: Loose<ReconnectPolicy> | undefined;
  readonly heartbeat?: Loose<HeartbeatPolicy> | false | undefined;
  readonly pool?: Loose<PoolPolicy> | undefined;
  readonly summaryInterval?: number | undefined;
  /**
   * Called instead of rejecting when the circuit is open, the queue is full or the deadline passed before the command
   * was sent. What it returns (or resolves to) becomes the reply; what it throws becomes the rejection. It gets as long as
   * the command's `deadline`; when it has said nothing by then, the rejection is what it would have been without it.
   */
  readonly fallback?: ((command: FailedCommand, error: Error) => unknown) | undefined;
  /** A pino-shaped logger; `false` is silent. Default: a pino logger named `ioredoubt`. */
  readonly logger?: Logger | false | undefined;
  /**
   * Whether an incident is looked at from outside once it opens: name, path and the server's first words, on a socket of
   * its own that sends no byte; the verdict is a line of the incident. Default: true, except for Sentinel and in the
   * profile `test`.
   */
  readonly doctor?: boolean | undefined;
}
