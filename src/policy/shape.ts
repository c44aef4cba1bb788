/**
 * The resilience policy: every number the client works by. Durations are milliseconds, names follow ioredis, and
 * opossum's and p-retry's own names where a value goes straight to them. This file holds the shape; the values are in
 * `profiles.ts`.
 */

/** The built-in profiles. */
export const PROFILE_NAMES = ["development", "test", "staging", "production", "cache", "worker", "serverless"] as const;
/** The name of a built-in profile. */
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** The policy values a profile, a file or the environment can set: the `resilience` option without its code. */
export type PolicyValues = Omit<ResilienceOptions, "profile" | "provider" | "name" | "fallback" | "logger" | "doctor">;

/** A named set of values; made by `defineProfile`. */
export interface Profile {
  readonly name: string;
  /** The profiles it lies over, in order; by default only the base. */
  readonly extends: readonly ProfileChoice[];
  readonly values: PolicyValues;
  /** ioredis options it brings where the caller gave none. */
  readonly connection?: ConnectionDefaults | undefined;
}

/** What the `profile` option takes: a built-in name, or what `defineProfile` returned. */
export type ProfileChoice = ProfileName | Profile;

/** The hosting providers that have a preset. */
export const PROVIDER_NAMES = [
  "aws",
  "aws-serverless",
  "azure",
  "gcp",
  "redis-cloud",
  "upstash",
  "heroku",
  "digitalocean",
  "aiven",
] as const;
/** The name of a preset. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** What may be sent again after the connection was lost while the reply was outstanding. */
export type AmbiguousPolicy =
  /** Only commands that change nothing. */
  | "reads"
  /** Commands whose second execution leaves the same state and the same reply (reads, plain SET …). */
  | "safe"
  /** Everything, as plain ioredis does: writes may be executed twice. */
  | "replay";

/** Token bucket per endpoint that keeps retries from becoming a storm. */
export interface RetryBudget {
  /** Tokens at the start, and a minute after all were spent; each retry takes one. Successes may save up ten times as many. Default: 100. */
  readonly tokens: number;
  /** Tokens that each success returns. Default: 0.1. */
  readonly refill: number;
}

/** Sending a command again. Times are milliseconds; defaults are those of the profile `production`. */
export interface RetryPolicy {
  /** How often a command may be sent again after its first failure. Default: 3. */
  readonly retries: number;
  /** First backoff; the real wait is drawn between 0 and it. Milliseconds. Default: 50. */
  readonly minTimeout: number;
  /** Cap of the backoff, applied before the draw. Milliseconds. Default: 1000. */
  readonly maxTimeout: number;
  /** Growth of the backoff from one retry to the next. Default: 2. */
  readonly factor: number;
  /**
   * What may be sent again when the connection was lost before the reply: only reads, everything whose second execution
   * changes neither state nor reply, or everything. Default: `"safe"`.
   */
  readonly ambiguous: AmbiguousPolicy;
  /**
   * Token bucket per endpoint that keeps retries from becoming a storm. Each retry takes one of `tokens`, each success
   * returns `refill`. `false` switches it off. Default: on, with the values of its fields.
   */
  readonly budget: RetryBudget | false;
}

/** Failing at once while the endpoint is known to be down. Times are milliseconds. */
export interface BreakerPolicy {
  /**
   * How long the endpoint must be unreachable before new commands fail fast; what waits then keeps its own deadline.
   * Milliseconds. Default: the deadline, at least 250; 5000 without a deadline.
   */
  readonly downAfter: number;
  /** Share of failures in the window that opens the circuit while connected. Percent. Default: 50. */
  readonly errorThresholdPercentage: number;
  /** Outcomes that must be in the window before the percentage counts. Default: 20. */
  readonly volumeThreshold: number;
  /** Length of the window. Milliseconds. Default: 10000. */
  readonly rollingCountTimeout: number;
  /** First wait before a probe; each reopening doubles it, with jitter. Milliseconds. Default: 5000. */
  readonly resetTimeout: number;
  /** Cap of the wait before a probe. Milliseconds. Default: 15000. */
  readonly maxResetTimeout: number;
  /** Deadline of the client's own probe. Milliseconds. Default: 1000. */
  readonly probeTimeout: number;
}

/** Waiting for a connection. */
export interface QueuePolicy {
  /** Commands that may wait at the same time. `Infinity` is no limit. Default: 10000. */
  readonly maxCommands: number;
  /** Bytes of commands that may wait at the same time. Bytes; `Infinity` is no limit. Default: 16777216. */
  readonly maxBytes: number;
  /**
   * Whether waiting counts against the deadline, or a command waits for a connection without limit and its deadline
   * starts when it can be sent. `maxRetriesPerRequest: null` translates to `"forever"`. Default: `"deadline"`.
   */
  readonly wait?: "deadline" | "forever" | undefined;
}

/** How much may be written and unanswered at the same time; what comes beyond waits for its turn. */
export interface InFlightPolicy {
  /** Commands that may be in flight at the same time. `Infinity` is no limit. Default: 250000. */
  readonly maxCommands: number;
  /** Bytes of commands in flight; one always fits. Bytes; `Infinity` is no limit. Default: 268435456. */
  readonly maxBytes: number;
}

/** Opening a lost connection again. Times are milliseconds. */
export interface ReconnectPolicy {
  /** First backoff; the real wait is drawn between 0 and it. Milliseconds. Default: 50. */
  readonly minTimeout: number;
  /** Cap of the backoff, applied before the draw. Milliseconds. Default: 1000. */
  readonly maxTimeout: number;
  /**
   * How long a connection must stay up before the backoff starts from the bottom again. Milliseconds. Default: 5000.
   */
  readonly stableAfter: number;
  /**
   * From dialling to ready, with TLS, AUTH and SELECT. Where that usually takes milliseconds, silence is given up on
   * sooner. Milliseconds. Default: 3000.
   */
  readonly handshakeTimeout: number;
}

/** Asking Sentinels where the server is. Times are milliseconds. */
export interface SentinelPolicy {
  /** How long a Sentinel may take to accept a connection, TLS included; doubles while none does. Milliseconds. Default: 500. */
  readonly connectTimeout: number;
  /**
   * How long a Sentinel may take to answer; doubles while none does. `sentinelCommandTimeout` sets it. Milliseconds. Default:
   * 500.
   */
  readonly answerTimeout: number;
  /** Without an answer for so long, the next Sentinel is asked as well. Milliseconds. Default: 150. */
  readonly hedgeAfter: number;
}

/** Finding connections that are dead but look open. Times are milliseconds. */
export interface HeartbeatPolicy {
  /**
   * An idle connection is sent a PING after this long; a longer block is split into pieces of this length.
   * Milliseconds. Default: 15000.
   */
  readonly interval: number;
  /** A connection that owes a reply and stays silent this long is destroyed. Milliseconds. Default: 5000. */
  readonly timeout: number;
}

/** How many connections there are, and how long each is used. Times are milliseconds. */
export interface PoolPolicy {
  /** Shared connections for ordinary commands. Default: 1. */
  readonly size: number;
  /** Leased connections (transactions and the like) kept open once they were needed. Default: 0. */
  readonly min: number;
  /** Leased connections at most. Default: 10. */
  readonly max: number;
  /** Connections for blocking commands at most; 0 leaves those on the shared connection. Default: 50. */
  readonly blocking: number;
  /** How long a caller waits for a leased connection. Milliseconds. Default: 1000. */
  readonly acquireTimeout: number;
  /** A leased connection unused for this long is closed. Milliseconds. Default: 30000. */
  readonly idleTimeout: number;
  /** A leased connection is replaced after this long. Milliseconds. Default: 1800000. */
  readonly maxLifetime: number;
  /** A connection lent for this long is reported, with the stack of the borrower. Milliseconds. Default: 30000. */
  readonly leakAfter: number;
}

/** The effective policy of one client, frozen. `false` switches a part off. */
export interface Policy {
  /** Names of the profiles it was made of, joined by `+`. */
  readonly profile: string;
  /**
   * Total time of one command: waiting, attempts and backoff together. Milliseconds; `false` switches it off. Default:
   * 5000.
   */
  readonly deadline: number | false;
  /**
   * Sending a command again after it failed for a passing reason. `false` switches it off. Default: on, with the values
   * of its fields.
   */
  readonly retry: RetryPolicy | false;
  /**
   * Failing at once while the endpoint is known to be down. `false` switches it off. Default: on, with the values of
   * its fields.
   */
  readonly breaker: BreakerPolicy | false;
  /**
   * Waiting for a connection; off means a command fails at once when there is none. `enableOfflineQueue: false`
   * translates to `false`. `false` switches it off. Default: on, with the values of its fields.
   */
  readonly queue: QueuePolicy | false;
  /** How much may be written and unanswered at the same time. Default: the values of its fields. */
  readonly inFlight: InFlightPolicy;
  /**
   * A connection that owes a reply and has been silent for this long is sent nothing more until it answers; new commands
   * wait. Capped at half of the deadline, but never below three round trips. Has no effect with `queue: false`.
   * Milliseconds; `false` switches it off. Default: 500.
   */
  readonly silenceHold: number | false;
  /**
   * The longest value or list that the server may announce in a reply; a longer one is a `REPLY_TOO_LONG`, before it is
   * read. Bytes; `Infinity` is no limit. Default: 536870912.
   */
  readonly maxReplyBytes: number;
  /**
   * Opening a lost connection again; there is no limit on the number of attempts. Default: the values of its fields.
   */
  readonly reconnect: ReconnectPolicy;
  /** Asking Sentinels where the server is. Default: the values of its fields. */
  readonly sentinel: SentinelPolicy;
  /**
   * Finding connections that are dead but look open. `false` switches it off. Default: on, with the values of its
   * fields.
   */
  readonly heartbeat: HeartbeatPolicy | false;
  /** How many connections there are, and how long each is used. Default: the values of its fields. */
  readonly pool: PoolPolicy;
  /** How often a running outage writes its summary line. Milliseconds. Default: 30000. */
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

/**
 * A command as fallbacks see it. Only `name` is enumerable: an object that is logged by mistake tells no keys and no values.
 */
export interface FailedCommand {
  /** In lower case. */
  readonly name: string;
  /** Its keys, as the server would get them: with `keyPrefix`. */
  readonly keys: readonly (string | Buffer)[];
  /** All its arguments, keys included, as the server would get them. Empty for AUTH and HELLO. */
  readonly args: readonly (string | Buffer | number)[];
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** The `retry` option: every field optional, also inside `budget`. */
export type RetryOptions = Loose<Omit<RetryPolicy, "budget">> & {
  /**
   * Token bucket per endpoint that keeps retries from becoming a storm. Each retry takes one of `tokens`, each success
   * returns `refill`. `false` switches it off. Default: on, with the values of its fields.
   */
  readonly budget?: Loose<RetryBudget> | false | undefined;
};

/** The part of a pino logger that this package calls. Any logger with these methods and pino's argument order works. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal?(fields: object, message: string): void;
  child?(bindings: object): Logger;
}

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
  /**
   * Total time of one command: waiting, attempts and backoff together. Milliseconds; `false` switches it off. Default:
   * 5000.
   */
  readonly deadline?: number | false | undefined;
  /**
   * Sending a command again after it failed for a passing reason. `false` switches it off. Default: on, with the values
   * of its fields.
   */
  readonly retry?: RetryOptions | false | undefined;
  /**
   * Failing at once while the endpoint is known to be down. `false` switches it off. Default: on, with the values of
   * its fields.
   */
  readonly breaker?: Loose<BreakerPolicy> | false | undefined;
  /**
   * Waiting for a connection; off means a command fails at once when there is none. `enableOfflineQueue: false`
   * translates to `false`. `false` switches it off. Default: on, with the values of its fields.
   */
  readonly queue?: Loose<QueuePolicy> | false | undefined;
  /** How much may be written and unanswered at the same time. Default: the values of its fields. */
  readonly inFlight?: Loose<InFlightPolicy> | undefined;
  /**
   * A connection that owes a reply and has been silent for this long is sent nothing more until it answers; new commands
   * wait. Capped at half of the deadline, but never below three round trips. Has no effect with `queue: false`.
   * Milliseconds; `false` switches it off. Default: 500.
   */
  readonly silenceHold?: number | false | undefined;
  /**
   * The longest value or list that the server may announce in a reply; a longer one is a `REPLY_TOO_LONG`, before it is
   * read. Bytes; `Infinity` is no limit. Default: 536870912.
   */
  readonly maxReplyBytes?: number | undefined;
  /**
   * Opening a lost connection again; there is no limit on the number of attempts. Default: the values of its fields.
   */
  readonly reconnect?: Loose<ReconnectPolicy> | undefined;
  /** Asking Sentinels where the server is. Default: the values of its fields. */
  readonly sentinel?: Loose<SentinelPolicy> | undefined;
  /**
   * Finding connections that are dead but look open. `false` switches it off. Default: on, with the values of its
   * fields.
   */
  readonly heartbeat?: Loose<HeartbeatPolicy> | false | undefined;
  /** How many connections there are, and how long each is used. Default: the values of its fields. */
  readonly pool?: Loose<PoolPolicy> | undefined;
  /** How often a running outage writes its summary line. Milliseconds. Default: 30000. */
  readonly summaryInterval?: number | undefined;
  /**
   * Called instead of rejecting when the circuit is open, the queue is full or the deadline passed before the command
   * was sent. What it returns (or resolves to) becomes the reply; what it throws becomes the rejection. It gets as long as
   * the command's `deadline`; when it has said nothing by then, the rejection is what it would have been without it.
   * Default: none.
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
