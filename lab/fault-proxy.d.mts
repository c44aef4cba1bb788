export type ProxyMode = "pass" | "refuse" | "accept-then-close" | "silent" | "blackhole" | "drop-replies";

export type ProxyTarget = { readonly port: number; readonly host?: string } | { readonly path: string };

export interface ProxyOptions {
  readonly target: ProxyTarget;
  /** Fixed port to listen on. Default: a free loopback port. */
  readonly port?: number;
  /** Seed of the jitter. */
  readonly seed?: number;
}

export interface ProxyCounters {
  /** Connections accepted since the start, and the times (`performance.now()`) at which they came. */
  readonly connections: number;
  readonly acceptedAt: readonly number[];
  /** Connections open now. */
  readonly open: number;
  readonly bytesToServer: number;
  readonly bytesToClient: number;
  /** Complete requests read from clients, complete replies handed to clients, and replies taken away. RESP only, not TLS. */
  readonly requests: number;
  readonly replies: number;
  readonly swallowed: number;
  /** Connections cut on purpose, and one-shot orders carried out. */
  readonly cuts: number;
}

/**
 * A TCP relay that breaks on command. Modes exclude each other and last until the next one; orders (`cutAfterReplies` …)
 * fire once, on the first connection they fit, and their promise resolves then (or when the proxy stops).
 * Connections that lost reply bytes are reset when the mode changes: they are never relayed on out of step.
 */
export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  readonly mode: ProxyMode;
  readonly counters: ProxyCounters;
  /** Back to a healthy relay: mode, shaping and pending orders are cleared; held connections go on. */
  pass(): Promise<void>;
  /** Stops listening: new connections get ECONNREFUSED. Existing ones live on; see `cutAll`. */
  refuse(): Promise<void>;
  /** Accepts and closes at once, as a load balancer without a backend does. Existing connections live on. */
  acceptThenClose(): void;
  /** Accepts and never answers: the handshake hangs. Existing connections live on. */
  silent(): void;
  /** Nothing moves in either direction, on existing and new connections. What was sent meanwhile arrives after `pass`. */
  blackhole(): void;
  /** Requests reach the server and are executed; every reply is swallowed. */
  dropReplies(): void;
  /** Resets every connection (RST). Returns how many. What was already forwarded is still executed. */
  cutAll(): number;
  /**
   * Forwards this many more replies on one connection, then resets it. Counted per connection from now on. A client that
   * reads the last reply and the reset in one go sees a plain end instead of ECONNRESET.
   */
  cutAfterReplies(replies: number): Promise<void>;
  /** Forwards the next request, waits until the server has answered it, swallows the reply and resets the connection. */
  forwardThenCut(): Promise<void>;
  /** Forwards this many more reply bytes, then hands out nothing more on that connection: a reply stops half way. */
  stallAfterBytes(bytes: number): Promise<void>;
  /** Hands out these bytes instead of the next reply. */
  garbage(bytes: Buffer | string): Promise<void>;
  /** Delays replies by this many milliseconds plus a random part of `jitter`; order is kept. */
  latency(ms: number, jitter?: number): void;
  /** Replies trickle at this rate. */
  throttle(bytesPerSecond: number): void;
  /** Ends the server-to-client direction (FIN) of every connection; the other direction stays open. */
  halfClose(): void;
  /** New connections go to another server. Existing ones stay where they are; see `cutAll`. */
  switchTarget(target: number | ProxyTarget): void;
  /** Resets every connection and stops listening. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a proxy in mode `pass`. */
export declare function startProxy(options: ProxyOptions): Promise<FaultProxy>;
