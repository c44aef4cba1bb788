/**
 * Retries of commands that the server refused for a passing reason (LOADING, BUSY, MASTERDOWN …). Such a refusal concerns
 * the whole connection, so one p-retry loop a client holds the queue. After each jittered backoff one command goes, the
 * oldest; once it is answered well, everything follows in its order. So a server that refuses everything is sent one command
 * a backoff, however many wait; a loop a command would let a later SET overtake an earlier one. Entered only after a failure.
 */
import pRetry from "p-retry";
import { clock } from "../clock.js";
import { fullJitter } from "../endpoint/backoff.js";
import type { RetryPolicy } from "../policy/shape.js";
import type { Call } from "./call.js";
import type { ConnectionState } from "./connection-state.js";
import type { Refusal } from "./failure-snapshot.js";

export interface RetryHooks {
  /** Lets the oldest that waits go, or its batch; returns what was sent, `undefined` if nothing may go at the moment. */
  probe(): readonly Call[] | undefined;
  /** Lets everything that waits go. */
  release(): void;
}

export class RetryLoop {
  readonly #policy: RetryPolicy | false;
  readonly #hooks: RetryHooks;
  readonly #connection: ConnectionState;
  #running = false;
  /** What holds concerns writes only. */
  writesOnly = false;
  #attempt: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined = undefined;
  /** What was let go, until it is answered; the last of it decides. */
  #probe: readonly Call[] = [];
  readonly #watched = new WeakSet<Call>();
  #wake: ((goOn: boolean) => void) | undefined = undefined;
  /** The first refusal of those that hold. */
  #refused: { readonly error: Error; readonly since: number } | undefined = undefined;
  /** The last connection went while commands were held. */
  #wasCut = false;
  /** The end of the running backoff, so that a joining call can tell whether it will be in time. */
  #until = 0;

  constructor(policy: RetryPolicy | false, connection: ConnectionState, hooks: RetryHooks) {
    this.#policy = policy;
    this.#connection = connection;
    this.#hooks = hooks;
  }

  /** Commands wait for the end of a backoff, or for the answer to the one that was let go. */
  get isHolding(): boolean {
    return this.#connection.isPausedBy("backoff");
  }

  /** What the server answers instead of serving, while commands wait for the end of that. */
  get refusal(): Refusal | undefined {
    if (this.#refused === undefined) return undefined;
    return { ...this.#refused, writesOnly: this.writesOnly, againAt: this.#until };
  }

  /** When the running backoff ends, on the monotonic clock; 0 without one. */
  get backoffUntil(): number {
    return this.#until;
  }

  /** Starts a backoff, or joins the one that runs. What was refused is already back in the queue. */
  hold(error: Error, writesOnly: boolean): void {
    this.writesOnly = writesOnly;
    this.#refused ??= { error, since: clock.now() };
    this.#connection.pause("backoff");
    // A probe that is still under way decides; otherwise this refusal was its answer.
    if (this.#probe.length === 0) {
      this.#attempt?.reject(error);
      this.#attempt = undefined;
    }
    if (!this.#running) void this.#run(error);
  }

  /** The server refused this call, which may be the one that was let go. */
  probeRefused(call: Call): void {
    if (this.#probe.includes(call)) this.#probe = [];
  }

  /** Nothing is held any more, or the server takes commands again: everything goes. */
  finish(): void {
    this.stop();
    this.#hooks.release();
  }

  /** The connection is about to be gone, and with it the backoff. The next one may refuse as well, so it gets one command first. */
  cut(isPending: boolean): void {
    const wasCut = this.#wasCut || isPending || this.isHolding;
    const { writesOnly } = this;
    const refused = this.#refused;
    this.stop();
    this.#wasCut = wasCut;
    this.writesOnly = writesOnly;
    this.#refused = refused;
  }

  /** There is another connection. Returns whether commands are held until the first of them has been answered. */
  resume(): boolean {
    if (!this.#wasCut || this.#running) return false;
    this.#wasCut = false;
    this.#connection.pause("backoff");
    void this.#run(undefined);
    return this.isHolding;
  }

  stop(): void {
    this.#wasCut = false;
    this.writesOnly = false;
    this.#refused = undefined;
    this.#connection.resume("backoff");
    this.#until = 0;
    this.#probe = [];
    this.#wake?.(false);
    this.#attempt?.resolve();
    this.#attempt = undefined;
  }

  async #run(first: Error | undefined): Promise<void> {
    const policy = this.#policy;
    if (policy === false) return;
    this.#running = true;
    try {
      await pRetry(
        (attempt) => {
          if (attempt === 1 && first !== undefined) throw first;
          return this.#try();
        },
        {
          // Each call has its own deadline; the loop goes on as long as the server refuses and something waits.
          retries: Infinity,
          minTimeout: 0,
          shouldRetry: ({ attemptNumber }) => this.#sleep(fullJitter(policy, attemptNumber)),
        },
      );
    } catch {
      // Stopped: whoever stopped it has taken over what was held.
    } finally {
      this.#running = false;
    }
    // Refused once more in the very moment the loop ended.
    if (this.isHolding) void this.#run(first);
  }

  /** Resolves when one command has been answered well, rejects when the server refuses it. */
  #try(): Promise<void> {
    return new Promise((resolve, reject) => {
      const probe = this.#hooks.probe();
      if (probe === undefined) {
        reject(new Error("the connection is paused"));
        return;
      }
      this.#attempt = { resolve, reject };
      this.#probe = probe;
      const last = probe.at(-1);
      if (last === undefined) this.finish();
      else this.#watch(last);
    });
  }

  #watch(last: Call): void {
    // A command may be let go many times before it is answered.
    if (this.#watched.has(last)) return;
    this.#watched.add(last);
    last.whenSettled(() => {
      if (last === this.#probe.at(-1)) this.finish();
    });
  }

  #sleep(ms: number): Promise<boolean> {
    this.#until = clock.now() + ms;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => this.#wake?.(true), ms);
      this.#wake = (goOn) => {
        clock.clearTimeout(timer);
        this.#wake = undefined;
        this.#until = 0;
        resolve(goOn);
      };
    });
  }
}
