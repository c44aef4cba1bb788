/**
 * The resilience policy: every number the client works by. Durations are milliseconds, names follow ioredis, and
 * opossum's and p-retry's own names where a value goes straight to them. This file holds the shape; the values are in
 * `profiles.ts`.
 */
import type { Logger } from "../observe/logger.js";

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
  /** Token bucket per endpoint: each retry takes one token, each success returns `refill`; no retry at or below half. */
  readonly budget: { readonly tokens: number; readonly refill: number } | false;
}

export interface BreakerPolicy {
  /** The endpoint must be unreachable for this long before commands fail fast; until then they wait. */
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
  readonly acquireTimeout: number;
  readonly idleTimeout: number;
  readonly maxLifetime: number;
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
}

/** A command as fallbacks see it: its name and nothing else. */
export interface FailedCommand {
  readonly name: string;
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** The value of the `resilience` option. Everything is optional. */
export interface ResilienceOptions {
  readonly profile?: string | readonly string[] | undefined;
  readonly deadline?: number | false | undefined;
  readonly retry?: Loose<RetryPolicy> | false | undefined;
  readonly breaker?: Loose<BreakerPolicy> | false | undefined;
  readonly queue?: Loose<QueuePolicy> | false | undefined;
  readonly reconnect?: Loose<ReconnectPolicy> | undefined;
  readonly heartbeat?: Loose<HeartbeatPolicy> | false | undefined;
  readonly pool?: Loose<PoolPolicy> | undefined;
  readonly summaryInterval?: number | undefined;
  /**
   * Called instead of rejecting when the circuit is open, the queue is full or the deadline passed before the command
   * was sent. What it returns (or resolves to) becomes the reply; what it throws becomes the rejection.
   */
  readonly fallback?: ((command: FailedCommand, error: Error) => unknown) | undefined;
  /** A pino-shaped logger; `false` is silent. Default: a pino logger named `ioredoubt`. */
  readonly logger?: Logger | false | undefined;
  /** Name of this client in log lines. */
  readonly name?: string | undefined;
}
