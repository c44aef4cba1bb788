/**
 * What happens when a deadline passes. Waiting commands are dropped and never sent; those in flight get one more look
 * at the socket before they are declared late. A connection that went silent is destroyed first, so that all it carried
 * shares one fate; one that would deliver to nobody is destroyed afterwards.
 */
import { clock, setUnrefTimeout } from "../clock.js";
import { effectOf } from "../command/effect.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { classify } from "../failure/classify.js";
import { withBatches } from "./stream-batch.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import { silentConnection } from "./connection-errors.js";
import type { Deadlines, SweepReport } from "./deadlines.js";
import type { FailureSnapshot } from "./failure-snapshot.js";
import type { Transport } from "./ports.js";
import type { Settlement } from "./settlement.js";
import { stalls } from "../stall-meter.js";
import type { TimeLimits } from "./time-limits.js";

export interface DeadlineExpiryParts {
  readonly settlement: Settlement;
  readonly queue: OfflineQueue;
  readonly deadlines: Deadlines;
  readonly transport: Transport;
  readonly membership: EndpointMembership;
  readonly limits: TimeLimits;
  /** What waits does so because the connection is silent. */
  readonly isHeld: () => boolean;
  /** QUIT that cannot be sent or answered still means: end. */
  readonly endForQuit: (call: Call) => void;
}

/** After an event-loop stall longer than this, in milliseconds, late calls get two turns of the poll phase instead of one. */
const STALL = 10;
/** A connection silent for less than this is never destroyed for being silent, however short the deadline. Milliseconds. */
const MIN_SILENCE = 1_000;
/** What is late waits this much longer for the silence that ends its connection, and for that end. Milliseconds. */
const GRACE = 100;
/**
 * A connection on which a reply has been due for less than this says nothing against the server when a call is late: the
 * call's own deadline was short. It is the policy's deadline within these bounds, in milliseconds.
 */
const EVIDENCE = { least: 100, most: 1_000 };
/** Commands larger than this many bytes may outlive their deadline while their bytes are still leaving. */
const BULKY = 1024 * 1024;
/** How long until a bulky command is looked at again, in milliseconds. */
const BULKY_GRACE = 250;

export class DeadlineExpiry {
  readonly #parts: DeadlineExpiryParts;
  /** A look at the silence is planned. */
  #isWatching = false;

  constructor(parts: DeadlineExpiryParts) {
    this.#parts = parts;
  }

  expired(calls: readonly Call[], report: SweepReport): void {
    const waiting = calls.filter((call) => call.state === "waiting");
    if (waiting.length > 0) {
      this.#dropWaiting([...withBatches(waiting)]);
      if (this.#parts.isHeld()) clock.setImmediate(() => this.#endSilence());
    }
    const inFlight = calls.filter((call) => call.isInFlight);
    if (inFlight.length === 0) return;
    // Timers run before the poll phase: the replies may be in the socket already.
    const late = (): void => {
      this.#declareLate(
        inFlight.filter((call) => call.isInFlight),
        report,
      );
    };
    clock.setImmediate(report.late > STALL ? () => clock.setImmediate(late) : late);
  }

  #dropWaiting(calls: readonly Call[]): void {
    const { settlement, queue, endForQuit } = this.#parts;
    const snapshot = settlement.snapshot();
    const now = clock.now();
    // At once: what is told in a later turn must not be sent meanwhile.
    for (const call of calls) queue.remove(call);
    settlement.inSlices(calls, (call) => {
      if (call.state !== "waiting") return;
      settlement.counters.deadlines++;
      if (call.facts.dispatch === "quit") endForQuit(call);
      else if (this.#endsWithNull(call)) settlement.resolve(call, null);
      else settlement.reject(call, clientErrors.deadlineWaiting(call, snapshot, now));
    });
  }

  /** Nothing that was sent may be there to be late, so what was held back for the silence must not be without an end. */
  #endSilence(): void {
    const { transport, membership, isHeld } = this.#parts;
    const silence = transport.owedFor(clock.now());
    if (!isHeld() || silence < this.#longestSilence) return;
    transport.destroy(silentConnection(membership.endpoint.label, silence), clock.now() - silence);
  }

  /**
   * The caller of what is due on this connection has given up, and perhaps nothing else is sent on it until that is
   * answered: others wait for its end elsewhere. So somebody has to see the silence last too long.
   */
  watchSilence(): void {
    const { transport, membership, limits } = this.#parts;
    // Without a usual deadline there is no usual silence either.
    if (this.#isWatching || limits.usual === 0 || transport.newestUnanswered() === undefined) return;
    this.#isWatching = true;
    const look = (): void => {
      this.#isWatching = false;
      const now = clock.now();
      const silence = transport.owedFor(now);
      if (silence < this.#longestSilence) this.watchSilence();
      else transport.destroy(silentConnection(membership.endpoint.label, silence), now - silence);
    };
    const left = this.#longestSilence - transport.owedFor(clock.now());
    // Timers run before the poll phase: the reply may be in the socket already.
    setUnrefTimeout(() => clock.setImmediate(look), Math.ceil(Math.max(1, left)));
  }

  /** A connection that has owed a reply for so long is replaced. Milliseconds. */
  get #longestSilence(): number {
    return Math.max(MIN_SILENCE, this.#parts.limits.usual);
  }

  #declareLate(calls: readonly Call[], report: SweepReport): void {
    const [oldest] = calls;
    if (oldest === undefined) return;
    const { settlement, membership, transport, deadlines, limits, endForQuit } = this.#parts;
    const { endpoint } = membership;
    const now = clock.now();
    const silence = transport.silentFor(now);
    const blocking = calls.find((call) => call.facts.dispatch === "blocking");
    if (blocking === undefined && report.isFinal !== true && this.#endsConnection(silence)) {
      // Whatever it does not take along is declared late all the same.
      const left = this.#longestSilence - silence;
      if (left <= 0) transport.destroy(silentConnection(endpoint.label, silence), now - silence);
      const isFinal = left <= 0;
      setUnrefTimeout(
        () =>
          this.#declareLate(
            calls.filter((call) => call.isInFlight),
            { ...report, isFinal },
          ),
        isFinal ? GRACE : Math.ceil(left),
      );
      return;
    }
    const blocked = Math.max(report.late, stalls.since(oldest.startedAt));
    const stalled = blocked > STALL;
    const present = settlement.snapshot();
    const snapshot = stalled ? withStall(present, blocked, now - oldest.startedAt) : present;
    const isSilent = silence >= evidentSilence(limits.usual);
    const silent = silentConnection(endpoint.label, silence);
    const diagnosis = classify(silent, { ...snapshot.context, written: true });
    if (stalled) {
      const verdict = classify(new Error("Command timed out"), { ...snapshot.context, written: true });
      if (verdict.code === "EVENT_LOOP_BLOCKED") endpoint.observer.commandRefused(verdict);
    }
    // Known before the slices run: some of them may have to wait for a later turn.
    const abandoned = blocking && clientErrors.deadlineInFlight(blocking, snapshot, now);
    settlement.inSlices(calls, (call) => {
      if (!call.isInFlight) return;
      if (call.state === "sent" && this.#isBulky(call)) {
        deadlines.arm(call, deadlines.list(BULKY_GRACE), now);
        return;
      }
      if (call.facts.dispatch === "quit") {
        endForQuit(call);
        return;
      }
      const error = clientErrors.deadlineInFlight(call, snapshot, now);
      settlement.counters.deadlines++;
      // A deadline that ends while replies still come says nothing of the server.
      if (isSilent) endpoint.failed(diagnosis, call.sentAt, { silentSince: now - silence });
      if (this.#endsWithNull(call)) settlement.resolve(call, null);
      else settlement.reject(call, error);
    });
    // A server that still delivers to a call which gave up would lose the element.
    if (abandoned !== undefined) transport.destroy(abandoned);
    else this.watchSilence();
  }

  /** The connection has been silent long enough to be destroyed, or will have been in a moment. */
  #endsConnection(silence: number): boolean {
    return silence + GRACE >= this.#longestSilence && !this.#parts.transport.isSending();
  }

  /**
   * With `blockingTimeout`, ioredis resolves a late blocking command with null, as the server does at the end of a block.
   * So do we where nothing can be lost by it: the command was never sent, or it only reads.
   */
  #endsWithNull(call: Call): boolean {
    if (this.#parts.limits.blockingLimit === undefined || call.facts.dispatch !== "blocking") return false;
    return call.attempts === 0 || effectOf(call.facts.name, call.command.args).kind === "read";
  }

  /** A large payload that is still leaving this process is not late: slow is not silent. */
  #isBulky(call: Call): boolean {
    if (!this.#parts.transport.isSending()) return false;
    let bytes = 0;
    for (const member of call.batch?.calls ?? [call]) {
      for (const arg of member.command.args) {
        bytes += typeof arg === "string" || Buffer.isBuffer(arg) ? arg.length : 0;
        if (bytes > BULKY) return true;
      }
    }
    return false;
  }
}

/** `deadline`: the policy's, 0 without one. */
function evidentSilence(deadline: number): number {
  return deadline === 0 ? EVIDENCE.most : Math.min(EVIDENCE.most, Math.max(EVIDENCE.least, deadline));
}

function withStall(snapshot: FailureSnapshot, late: number, span: number): FailureSnapshot {
  const loop = { blockedMs: Math.round(late), ofMs: Math.round(span) };
  return { ...snapshot, context: { ...snapshot.context, loop } };
}
