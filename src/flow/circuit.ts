/**
 * One circuit breaker of an endpoint: opossum decides when to open and half-open, this decides what it hears. opossum
 * is fed samples, never the calls themselves: the hot path only counts outcomes and reads `open`.
 */
import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { BreakerPolicy } from "../policy/shape.js";

export type CircuitKind = "read-write" | "write";
export type CircuitState = "closed" | "open" | "half-open";

export interface CircuitHooks {
  /** Asks the server itself, never with a caller's command. Resolves to whether it answered well. */
  probe(kind: CircuitKind): Promise<boolean>;
  changed(circuit: Circuit): void;
}

const BUCKETS = 10;
/** Outcomes handed to opossum for each 100 ms since the last time: enough to judge by, too few to cost anything. */
const SAMPLES = 20;
const SAMPLE_SPAN = 100;

export class Circuit {
  readonly kind: CircuitKind;
  /** Read for every command. */
  isOpen = false;
  state: CircuitState = "closed";
  /** When the state last changed: outcomes of calls sent before say nothing about now. */
  changedAt = 0;
  nextProbeAt = 0;
  /** How often it opened since it was last closed for a whole window. */
  trips = 0;
  cause: Diagnosis | undefined = undefined;
  succeeded = 0;
  #failed = 0;
  #sampledAt = performance.now();
  #flush: NodeJS.Timeout | undefined = undefined;
  #probe: Promise<void> | undefined = undefined;
  readonly #policy: BreakerPolicy;
  readonly #hooks: CircuitHooks;
  /** opossum reads its options whenever it opens, so `resetTimeout` is set here before each opening. */
  readonly #options: CircuitBreaker.Options;
  readonly #clock = new EventEmitter();
  readonly #breaker: CircuitBreaker<[(Error | undefined)?], void>;

  constructor(kind: CircuitKind, policy: BreakerPolicy, hooks: CircuitHooks) {
    this.kind = kind;
    this.#policy = policy;
    this.#hooks = hooks;
    this.#options = {
      name: kind,
      timeout: false,
      errorThresholdPercentage: policy.errorThresholdPercentage,
      volumeThreshold: policy.volumeThreshold,
      rollingCountTimeout: policy.rollingCountTimeout,
      rollingCountBuckets: BUCKETS,
      resetTimeout: jittered(policy.resetTimeout),
      // With percentiles on, every failure sorts the latencies of the whole window.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#clock,
    };
    this.#breaker = new CircuitBreaker(replay, this.#options);
    this.#breaker.on("open", () => this.#opened());
    this.#breaker.on("halfOpen", () => void this.probe());
    this.#breaker.on("close", () => this.#closed());
  }

  get bucketInterval(): number {
    return Math.floor(this.#policy.rollingCountTimeout / BUCKETS);
  }

  /** Moves the window on by one bucket. The owner calls it once every `bucketInterval`. */
  tick(): void {
    this.#clock.emit("rotate");
    this.#sample();
    // Here and not on opening: opossum has read `resetTimeout` by then.
    if (this.trips > 0 && this.state === "closed" && this.#closedFor > this.#policy.rollingCountTimeout) {
      this.trips = 0;
      this.#options.resetTimeout = jittered(this.#policy.resetTimeout);
    }
  }

  get #closedFor(): number {
    return performance.now() - this.changedAt;
  }

  /** A command failed for a reason that speaks against the endpoint. `sentAt` guards against outcomes from before the last change. */
  failed(cause: Diagnosis, sentAt: number): void {
    if (this.state !== "closed" || sentAt < this.changedAt) return;
    this.#failed++;
    this.cause = cause;
    if (this.#flush === undefined) {
      this.#flush = setTimeout(() => {
        this.#flush = undefined;
        this.#sample();
      }, SAMPLE_SPAN);
      this.#flush.unref();
    }
  }

  /** Opens at once: the endpoint is known to be out of reach. */
  trip(cause: Diagnosis): void {
    if (this.isOpen) return;
    this.cause = cause;
    this.#breaker.open();
  }

  /** Asks the server whether it is back; closes or opens accordingly. Joins a probe that is under way. */
  probe(): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    this.#probe ??= this.#ask().finally(() => (this.#probe = undefined));
    return this.#probe;
  }

  /** The same on a new connection: what a probe that is under way on an old one says does not count. */
  async probeAnew(): Promise<void> {
    await this.#probe;
    await this.probe();
  }

  async #ask(): Promise<void> {
    this.#setState("half-open");
    const healthy = await this.#hooks.probe(this.kind);
    if (this.#breaker.isShutdown) return;
    if (healthy) this.#breaker.close();
    // Asked before opossum's own half-open: its timer still runs and will ask again.
    else if (this.#breaker.opened) this.#setState("open");
    else this.#breaker.open();
  }

  shutdown(): void {
    clearTimeout(this.#flush);
    this.#breaker.shutdown();
  }

  #opened(): void {
    const now = performance.now();
    this.trips++;
    this.nextProbeAt = now + (this.#options.resetTimeout ?? 0);
    this.#options.resetTimeout = jittered(
      Math.min(this.#policy.maxResetTimeout, this.#policy.resetTimeout * 2 ** Math.min(this.trips, 20)),
    );
    this.isOpen = true;
    this.#setState("open");
  }

  #closed(): void {
    // A closed circuit starts with an empty window, or the failures of the outage would open it again at the next one.
    for (let i = 0; i < BUCKETS; i++) this.#clock.emit("rotate");
    this.succeeded = this.#failed = 0;
    this.isOpen = false;
    this.#setState("closed");
  }

  #setState(state: CircuitState): void {
    if (this.state === state) return;
    this.state = state;
    this.changedAt = performance.now();
    this.#hooks.changed(this);
  }

  /** Hands opossum the outcomes since the last sample, scaled down so that each stands for about the same span of time. */
  #sample(): void {
    const now = performance.now();
    const total = this.succeeded + this.#failed;
    const quota = SAMPLES * Math.max(1, Math.ceil((now - this.#sampledAt) / SAMPLE_SPAN));
    this.#sampledAt = now;
    if (total === 0) return;
    const scale = Math.min(1, quota / total);
    const failures = this.#failed === 0 ? 0 : Math.max(1, Math.round(this.#failed * scale));
    const successes = Math.round(this.succeeded * scale);
    this.succeeded = this.#failed = 0;
    if (this.state !== "closed") return;
    for (let i = 0; i < successes; i++) void this.#breaker.fire();
    for (let i = 0; i < failures; i++) this.#breaker.fire(FAILURE).catch(ignore);
  }
}

const FAILURE = new Error("sampled failure");

function replay(failure?: Error): Promise<void> {
  return failure === undefined ? Promise.resolve() : Promise.reject(failure);
}

function ignore(): void {
  // The sample has been counted; its rejection is opossum's way of saying so.
}

/** ±25 %, so that clients which opened together do not probe together. */
function jittered(ms: number): number {
  return Math.round(ms * (0.75 + Math.random() * 0.5));
}
