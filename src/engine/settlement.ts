/**
 * Where every command is settled, exactly once: with a value, a server's own error, one of ours, or what the caller's
 * fallback says. Settling takes the call out of wherever it is. It keeps the counters; it decides nothing.
 */
import { effectOf } from "../command/effect.js";
import { factsOf } from "../command/facts.js";
import { attachDiagnosis, diagnosisOf } from "../failure/attach.js";
import { classify } from "../failure/classify.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import { IoredoubtError } from "../failure/errors.js";
import { stateOf } from "../failure/state.js";
import type { Refused } from "./stream-batch.js";
import { isUpTo, lastOrder, type Call } from "./call.js";
import { isUnsent } from "./client-errors.js";
import { fallBack, type Fallback } from "./fallback.js";
import type { FailureSnapshot, FailureSnapshots } from "./failure-snapshot.js";
import type { InFlight } from "./in-flight.js";
import type { OfflineQueue } from "./offline-queue.js";
import { judge } from "./judge.js";
import { Outcomes } from "./outcomes.js";
import type { CommandFailure } from "./ports.js";
import { zeroCounters } from "./counters.js";
import { Slices } from "./slices.js";

export interface SettlementParts {
  readonly snapshots: FailureSnapshots;
  readonly queue: OfflineQueue;
  readonly inFlight: InFlight;
  readonly fallback: Fallback | undefined;
  /** Hears of each command that this client refused to send. */
  readonly unsent: (code: Code) => void;
  /** Hears of each call that ends without having been sent. */
  readonly dropped: (call: Call) => void;
  /** Hears of each command whose caller gets an error. */
  readonly failed: (failure: CommandFailure) => void;
  /** Hears of each command that the fallback answered. */
  readonly fellBack: (command: string) => void;
}

const OK = Buffer.from("OK");

export class Settlement {
  readonly counters = zeroCounters();
  readonly outcomes = new Outcomes();
  readonly #parts: SettlementParts;
  readonly #slices = new Slices();
  /** What was issued last before, and in the end of, the time in which commands go out on nobody's behalf. */
  #private: { readonly from: number; readonly upTo: number | undefined } | undefined = undefined;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /** How commands end that are issued from now on is told to nobody and counted nowhere, or told and counted again. */
  setPrivate(isPrivate: boolean): void {
    const last = lastOrder();
    this.#private = isPrivate ? { from: last, upTo: undefined } : this.#private && { ...this.#private, upTo: last };
  }

  #isPrivate(call: Call): boolean {
    if (this.#private === undefined) return false;
    const { from, upTo } = this.#private;
    return !isUpTo(call, from) && (upTo === undefined || isUpTo(call, upTo));
  }

  /** What is known right now; captured once for all commands that fail together. */
  snapshot(cause?: Error): FailureSnapshot {
    return this.#parts.snapshots.take(cause);
  }

  /** QUIT without a server to tell: it is done when nothing is left. */
  acknowledge(call: Call): void {
    this.resolve(call, OK);
  }

  /** Settles with a value that did not come from the server: QUIT's OK, the null of a block that ended. */
  resolve(call: Call, value: unknown): void {
    if (this.#close(call)) call.settleWith(value);
  }

  reject(call: Call, error: Error, code: Code = codeOf(error)): void {
    if (!this.#close(call)) return;
    if (call.attempts === 0) this.#parts.dropped(call);
    const unsent = isUnsent(error);
    if (unsent) this.#parts.unsent(error.code);
    const { fallback } = this.#parts;
    // Refused by the server is sent, although nothing was executed.
    const wasSent = call.attempts > 0;
    if (fallback === undefined || call.stream !== undefined || !unsent)
      this.#fail(call, error, code, unsent && !wasSent);
    else {
      void fallBack(fallback, call, error, {
        answered: () => {
          this.counters.fallbacks++;
          this.#parts.fellBack(call.facts.name);
        },
        failed: (thrown) => this.#fail(call, thrown, code, !wasSent),
      });
    }
  }

  /** A caller was refused without a call: nothing was sent for it. */
  unserved(command: string, error: Error): void {
    const code = codeOf(error);
    this.counters.failed++;
    this.counters.rejected++;
    this.outcomes.failed(factsOf(command).family, code);
    this.#parts.failed({ command, code, isUnsent: true, isOutcomeUnknown: false });
  }

  /** Rejects with an error that keeps its identity and gains a diagnosis. */
  rejectAsIs(call: Call, error: Error, written: boolean, now: number, known?: Diagnosis): void {
    const { snapshots } = this.#parts;
    const context = { ...snapshots.of(call), written, elapsedMs: now - call.startedAt };
    this.reject(
      call,
      attachDiagnosis(
        error,
        () => {
          const diagnosis = classify(error, context);
          // The server refused the last send; an earlier one was lost and may have been executed.
          return call.isUncertain ? { ...diagnosis, applied: "maybe" } : diagnosis;
        },
        () => stateOf(snapshots.label, context),
      ),
      (known ?? judge(error, context)).code,
    );
  }

  /** The call is in flight no longer, but its fate is not decided yet. */
  setAside(call: Call): void {
    if (call.state === "sent") this.#parts.inFlight.leave();
    call.lose();
  }

  /** The call goes back to its place among those that wait; it may be sent again. */
  waitAgain(call: Call): void {
    const wasSent = call.state === "sent";
    this.#parts.queue.giveBack(call);
    if (wasSent) this.#parts.inFlight.leave();
  }

  /** Members of a batch that waited for the fate of the rest. */
  rejectRefused(refused: readonly Refused[], now: number): void {
    for (const { call, error } of refused) this.rejectAsIs(call, error, true, now);
  }

  /** Settles many without holding the event loop: a few milliseconds a turn, in order. */
  inSlices<T>(items: readonly T[], settle: (item: T) => void): void {
    this.#slices.run(items, settle);
  }

  /** Calls `run` once everything is settled that `inSlices` was given before, now if nothing is left: it must not overtake. */
  afterSlices(run: () => void): void {
    this.#slices.whenDone(run);
  }

  /** The one place where a caller gets an error, and where that is counted. */
  #fail(call: Call, error: Error, code: Code, isUnsent: boolean): void {
    if (!this.#isPrivate(call)) {
      const { name, family } = call.facts;
      const isOutcomeUnknown = mayHaveChanged(call, error);
      this.counters.failed++;
      if (isUnsent) this.counters.rejected++;
      if (isOutcomeUnknown) this.counters.unknownOutcomes++;
      this.outcomes.failed(family, code);
      this.#parts.failed({ command: name, code, isUnsent, isOutcomeUnknown });
    }
    call.rejectCommand(error);
  }

  #close(call: Call): boolean {
    const { state } = call;
    if (!call.close()) return false;
    if (state === "waiting") this.#parts.queue.remove(call);
    else if (state === "sent") this.#parts.inFlight.leave();
    return true;
  }
}

function codeOf(error: Error): Code {
  if (IoredoubtError.is(error)) return error.code;
  return diagnosisOf(error)?.code ?? classify(error).code;
}

/** It was sent and nobody knows what became of it, and it is more than a question. */
function mayHaveChanged(call: Call, error: Error): boolean {
  const applied = IoredoubtError.is(error) ? error.applied : call.isUncertain ? "maybe" : "no";
  if (applied === "no") return false;
  const { kind } = effectOf(call.facts.name, call.command.args);
  return kind !== "read" && kind !== "connection";
}
