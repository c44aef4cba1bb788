/**
 * One circuit breaker of an endpoint. opossum decides when enough has failed to open; when to test and when to close again
 * is decided here, by asking the server itself. opossum is fed samples, never the calls themselves: the hot path only
 * counts outcomes and reads `isOpen`.
 */
import { EventEmitter } from "node:events";
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import type { CircuitChange, CircuitKind, CircuitState } from "../engine/ports.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { BreakerPolicy } from "../policy/shape.js";
import { newCircuit, type Circuit } from "./circuit.js";

export interface BreakerHooks {
  /** Asks the server itself, never with a caller's command. Resolves to whether it answered well. */
  probe(kind: CircuitKind): Promise<boolean>;
  changed(breaker: Breaker): void;
}

type State =
  | { readonly kind: "closed"; readonly since: number }
  | { readonly kind: "open" | "half-open"; readonly since: number; readonly nextProbeAt: number };

/** Parts of the window: what is older than all of them is forgotten. */
const BUCKETS = 10;
/** Outcomes handed to opossum for each 100 ms since the last time: enough to judge by, too few to cost anything. */
const SAMPLES = 20;
const SAMPLE_SPAN = 100;

export class Breaker {
  readonly kind: CircuitKind;
  /** Read for every command. */
  isOpen = false;
  /** How often it opened since it was last closed for a whole window. */
  trips = 0;
  /** Why it opened last. */
  cause: Diagnosis | undefined = undefined;
  /** Commands answered since the last sample. Counted for every command. */
  succeeded = 0;
  #state: State = { kind: "closed", since: 0 };
  #failed = 0;
  #sampledAt = clock.now();
  /** The last span with a success in it began at this moment, on the monotonic clock. */
  succeededFrom = -Infinity;
  #flush: Timer | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #probe: Promise<void> | undefined = undefined;
  readonly #policy: BreakerPolicy;
  readonly #hooks: BreakerHooks;
  readonly #rotation = new EventEmitter();
  /** Made with the first outcome that it is to judge. */
  #opossum: Circuit | undefined = undefined;
  #isShutdown = false;

  constructor(kind: CircuitKind, policy: BreakerPolicy, hooks: BreakerHooks) {
    this.kind = kind;
    this.#policy = policy;
    this.#hooks = hooks;
  }

  get state(): CircuitState {
    return this.#state.kind;
  }

  /** When the state last changed, on the monotonic clock: outcomes of calls sent before say nothing about now. */
  get changedAt(): number {
    return this.#state.since;
  }

  /** When the server is asked next, on the monotonic clock; 0 while closed. */
  get nextProbeAt(): number {
    return this.#state.kind === "closed" ? 0 : this.#state.nextProbeAt;
  }

  /** Milliseconds between two calls of `tick`. */
  get bucketInterval(): number {
    return Math.floor(this.#policy.rollingCountTimeout / BUCKETS);
  }

  /** Moves the window on by one bucket. The owner calls it once every `bucketInterval`. */
  tick(): void {
    this.#rotation.emit("rotate");
    this.#sample();
    if (this.#state.kind === "closed" && clock.now() - this.#state.since > this.#policy.rollingCountTimeout) {
      this.trips = 0;
    }
  }

  /** A command failed for a reason that speaks against the endpoint. `sentAt` guards against outcomes from before the last change. */
  failed(cause: Diagnosis, sentAt: number): void {
    if (this.#state.kind !== "closed" || sentAt < this.#state.since) return;
    this.#failed++;
    this.cause = cause;
    this.#flush ??= setUnrefTimeout(() => {
      this.#flush = undefined;
      this.#sample();
    }, SAMPLE_SPAN);
  }

  /** Opens at once: the endpoint is known to be out of reach. */
  trip(cause: Diagnosis): void {
    if (this.isOpen || this.#isShutdown) return;
    this.cause = cause;
    const circuit = this.#circuit();
    if (circuit === undefined) this.#opened();
    else circuit.open();
  }

  /** Asks the server whether it is back; closes or stays open accordingly. Joins a probe that is under way. */
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

  /** What observers are told of it. `retryAfter`: milliseconds until somebody asks the server next. */
  change(retryAfter: number): CircuitChange {
    return {
      kind: this.kind,
      state: this.state,
      retryAfter: this.state === "open" ? Math.round(retryAfter) : undefined,
      cause: this.cause,
    };
  }

  shutdown(): void {
    clock.clearTimeout(this.#flush);
    clock.clearTimeout(this.#timer);
    this.#isShutdown = true;
    this.#opossum?.shutdown();
  }

  /** `undefined` where its file cannot be read any more: then no share of failures opens anything, and the next outcome asks again. */
  #circuit(): Circuit | undefined {
    if (this.#opossum !== undefined) return this.#opossum;
    try {
      this.#opossum = newCircuit(this.kind, this.#policy, this.#rotation);
    } catch {
      return undefined;
    }
    this.#opossum.on("open", () => this.#opened());
    this.#opossum.on("close", () => this.#closed());
    return this.#opossum;
  }

  async #ask(): Promise<void> {
    const { nextProbeAt } = this;
    this.#set({ kind: "half-open", since: clock.now(), nextProbeAt });
    const healthy = await this.#hooks.probe(this.kind);
    if (this.#isShutdown) return;
    if (healthy && this.#opossum === undefined) this.#closed();
    else if (healthy) this.#opossum?.close();
    // Asked before its time, on a new connection: the next probe comes when it was due, and this is no further trip.
    else if (this.#timer !== undefined) this.#set({ kind: "open", since: clock.now(), nextProbeAt });
    else this.#opened();
  }

  #opened(): void {
    this.trips++;
    this.isOpen = true;
    const { resetTimeout, maxResetTimeout } = this.#policy;
    const wait = jittered(Math.min(maxResetTimeout, resetTimeout * 2 ** Math.min(this.trips - 1, 20)));
    const now = clock.now();
    clock.clearTimeout(this.#timer);
    this.#timer = setUnrefTimeout(() => {
      this.#timer = undefined;
      void this.probe();
    }, wait);
    this.#set({ kind: "open", since: now, nextProbeAt: now + wait });
  }

  #closed(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    // A closed circuit starts with an empty window, or the failures of the outage would open it again at the next one.
    for (let i = 0; i < BUCKETS; i++) this.#rotation.emit("rotate");
    this.succeeded = this.#failed = 0;
    this.isOpen = false;
    this.#set({ kind: "closed", since: clock.now() });
  }

  #set(state: State): void {
    const before = this.#state.kind;
    this.#state = state;
    if (state.kind !== before) this.#hooks.changed(this);
  }

  /** Hands opossum the outcomes since the last sample, scaled down so that each stands for about the same span of time. */
  #sample(): void {
    const now = clock.now();
    const total = this.succeeded + this.#failed;
    const quota = SAMPLES * Math.max(1, Math.ceil((now - this.#sampledAt) / SAMPLE_SPAN));
    if (this.succeeded > 0) this.succeededFrom = this.#sampledAt;
    this.#sampledAt = now;
    if (total === 0) return;
    const scale = Math.min(1, quota / total);
    const failures = this.#failed === 0 ? 0 : Math.max(1, Math.round(this.#failed * scale));
    const successes = Math.round(this.succeeded * scale);
    this.succeeded = this.#failed = 0;
    if (this.#state.kind !== "closed" || this.#isShutdown) return;
    const circuit = this.#circuit();
    for (let i = 0; i < successes; i++) void circuit?.fire();
    for (let i = 0; i < failures; i++) circuit?.fire(FAILURE).catch(ignore);
  }
}

const FAILURE = new Error("sampled failure");

function ignore(): void {
  // The sample has been counted; its rejection is opossum's way of saying so.
}

/** ±25 %, so that clients which opened together do not probe together. */
function jittered(ms: number): number {
  return Math.round(ms * (0.75 + clock.random() * 0.5));
}

/** What `stats()` says of a circuit. */
export interface CircuitStats {
  readonly state: CircuitState | "off";
  /** How often it opened since it was last closed for a whole window. */
  readonly trips: number;
  /** Code of the failure that opened it; while it is open. */
  readonly cause?: string;
  /** Milliseconds until the next probe; while it is open. */
  readonly nextProbeIn?: number;
}

/** The circuit as plain data; `undefined` where the breaker is off. */
export function circuitStats(breaker: Breaker | undefined): CircuitStats {
  if (breaker === undefined) return { state: "off", trips: 0 };
  const { state, trips, isOpen, cause, nextProbeAt } = breaker;
  if (!isOpen) return { state, trips };
  const nextProbeIn = Math.max(0, Math.round(nextProbeAt - clock.now()));
  return { state, trips, ...(cause === undefined ? {} : { cause: cause.code }), nextProbeIn };
}
