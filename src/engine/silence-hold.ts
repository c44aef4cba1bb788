/**
 * Notices that a connection which owes a reply has said nothing for a while, so that nothing more is sent to it: what is
 * written to a server that stands still has an unknown outcome when the connection ends, what waits has not. It measures
 * in looks, one at a time and only while something is owed, so that time in which this process stood still itself counts
 * as one look and no more.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import type { Call } from "./call.js";

export interface SilenceHoldHooks {
  /** Something that was sent is not answered. */
  isOwed(): boolean;
  /**
   * Milliseconds for which a reply has been due without a byte coming; 0 when none is due, or what is due explains the
   * silence: a command that blocks, a payload that is still leaving.
   */
  owedFor(now: number): number;
  /** The call that was sent last and has no answer yet. */
  newest(): Call | undefined;
  /** Calls `run` once when the reply that is due next has come, or can no longer come. */
  whenNextReply(run: () => void): void;
  hold(): void;
  /** It has answered, after so many milliseconds in which nothing was sent. */
  resume(heldFor: number): void;
  /** The silence has lasted for so many milliseconds, and goes on: no pause of a busy server, but trouble. */
  lasts(silence: number): void;
}

export interface SilenceHoldLimits {
  /** Milliseconds; `false`: nothing is ever held. */
  readonly after: number | false;
  /** The deadline of ordinary commands in milliseconds, 0 without one: at most half of it passes before the hold begins. */
  readonly deadline: number;
}

/** Looks in the time after which the hold begins. */
const LOOKS = 5;
/** A look that comes later than this many times its due time is this process's own fault. */
const OWN_STALL = 1.5;
/** Silence for so long is worth a line of the log, even though everything may still be answered in time. Milliseconds. */
export const SILENCE_LASTS = 2_000;
/** Not shorter than so many round trips. */
const ROUND_TRIPS = 3;
/** The quickest of so many counts: the others waited for something. */
const SAMPLES = 8;

export class SilenceHold {
  readonly #hooks: SilenceHoldHooks;
  readonly #limits: SilenceHoldLimits;
  /** Nothing need be done when a command is sent. Read for every command. */
  isWatching: boolean;
  #timer: Timer | undefined = undefined;
  /** Runs while something is held. */
  #lasting: Timer | undefined = undefined;
  #lookedAt = 0;
  #silence = 0;
  #heldSince: number | undefined = undefined;
  /** The connection that is watched; what is heard of an earlier one is ignored. */
  #epoch = 0;
  readonly #roundTrips: number[] = [];
  #isSampling = false;

  constructor(limits: SilenceHoldLimits, hooks: SilenceHoldHooks) {
    this.#hooks = hooks;
    this.#limits = limits;
    this.isWatching = limits.after === false;
  }

  /** Milliseconds of silence after which nothing more is sent, as far as is known of the connection. */
  get after(): number {
    const { after, deadline } = this.#limits;
    const limit = Math.min(after === false ? Infinity : after, deadline === 0 ? Infinity : deadline / 2);
    return this.#roundTrips.length === 0 ? limit : Math.max(limit, ROUND_TRIPS * Math.min(...this.#roundTrips));
  }

  /** For how long nothing has been sent, in milliseconds; `undefined` while commands go out. */
  heldFor(now: number): number | undefined {
    return this.#heldSince === undefined ? undefined : now - this.#heldSince;
  }

  /** This call was sent while nothing was watched. */
  watch(call: Call, now: number): void {
    this.isWatching = true;
    this.#silence = 0;
    this.#lookedAt = now;
    this.#sample(call);
    this.#lookIn(this.#pace);
  }

  /** The connection is gone. */
  connectionLost(): void {
    this.#epoch++;
    this.#isSampling = false;
    this.#roundTrips.length = 0;
    this.stop();
  }

  stop(): void {
    clock.clearTimeout(this.#timer);
    clock.clearTimeout(this.#lasting);
    this.#timer = this.#lasting = this.#heldSince = undefined;
    this.isWatching = this.#limits.after === false;
  }

  get #pace(): number {
    return Math.max(1, this.after / LOOKS);
  }

  #lookIn(ms: number): void {
    this.#timer = setUnrefTimeout(() => this.#look(), Math.ceil(ms));
  }

  #look(): void {
    const now = clock.now();
    if (!this.#hooks.isOwed()) {
      this.stop();
      return;
    }
    const owed = this.#hooks.owedFor(now);
    const passed = Math.min(now - this.#lookedAt, this.#pace * OWN_STALL);
    this.#lookedAt = now;
    this.#silence = Math.min(owed, this.#silence + passed);
    const newest = this.#hooks.newest();
    if (newest !== undefined) this.#sample(newest);
    const left = this.after - this.#silence;
    if (left > 0) this.#lookIn(Math.min(this.#pace, left));
    else this.#confirm();
  }

  /** Timers run before the poll phase: the reply may be in the socket already. */
  #confirm(): void {
    const epoch = this.#epoch;
    clock.setImmediate(() => {
      if (epoch !== this.#epoch || !this.isWatching) return;
      const now = clock.now();
      this.#lookedAt = now;
      this.#silence = Math.min(this.#hooks.owedFor(now), this.#silence);
      if (this.#silence < this.after) this.#lookIn(this.#pace);
      else this.#hold(now);
    });
  }

  #hold(now: number): void {
    const epoch = this.#epoch;
    this.#heldSince = now;
    this.#hooks.hold();
    this.#watchOn(SILENCE_LASTS - this.#silence);
    this.#hooks.whenNextReply(() => {
      // After the replies that came with this one: they may say that the server refuses what follows.
      queueMicrotask(() => {
        if (epoch !== this.#epoch || this.#heldSince === undefined) return;
        const heldFor = clock.now() - this.#heldSince;
        this.stop();
        this.#hooks.resume(heldFor);
      });
    });
  }

  /** Tells once that the silence lasts. */
  #watchOn(wait: number): void {
    this.#lasting = setUnrefTimeout(
      () => {
        // Time in which this process stood still is no silence.
        const silence = this.#hooks.owedFor(clock.now());
        if (silence < SILENCE_LASTS && silence > 0) this.#watchOn(SILENCE_LASTS - silence);
        else if (silence > 0) this.#hooks.lasts(silence);
      },
      Math.ceil(Math.max(1, wait)),
    );
  }

  #sample(call: Call): void {
    if (this.#isSampling) return;
    this.#isSampling = true;
    const epoch = this.#epoch;
    call.whenAnswered(() => {
      if (epoch !== this.#epoch) return;
      this.#isSampling = false;
      // One that was held up by the very silence says nothing of the way there and back.
      if (this.#heldSince !== undefined) return;
      this.#roundTrips.push(clock.now() - call.sentAt);
      if (this.#roundTrips.length > SAMPLES) this.#roundTrips.shift();
    });
  }
}
