/**
 * Where every command is settled, exactly once: with a value, a server's own error, one of ours, or what the caller's
 * fallback says. It keeps the counters and captures the scene of a failure; it decides nothing.
 */
import type { Refused } from "../command/batch.js";
import type { Call } from "../command/call.js";
import { attachDiagnosis } from "../failure/attach.js";
import { classify } from "../failure/classify.js";
import type { Code } from "../failure/codes.js";
import type { FailureContext } from "../failure/diagnosis.js";
import { stateOf } from "../failure/state.js";
import { fallBack, type Fallback } from "./fallback.js";
import { isUnsent, type Scene } from "./refusal.js";
import type { FlowStats, Transport } from "./transport.js";

export class Desk {
  readonly stats: FlowStats = { answered: 0, retried: 0, lost: 0, unknownOutcomes: 0, deadlines: 0, rejected: 0 };
  readonly #label: string;
  readonly #transport: Transport;
  readonly #fallback: Fallback | undefined;
  readonly #deadline: number | false;
  readonly #unsent: (code: Code) => void;

  /** `unsent` hears of each command that this client refused to send. */
  constructor(
    label: string,
    transport: Transport,
    unsent: (code: Code) => void,
    fallback: Fallback | undefined,
    deadline: number | false,
  ) {
    this.#label = label;
    this.#transport = transport;
    this.#fallback = fallback;
    this.#deadline = deadline;
    this.#unsent = unsent;
  }

  /** What is known right now; captured once for all commands that fail together. */
  scene(cause: Error | undefined = this.#transport.lastError()): Scene {
    return { label: this.#label, context: this.#transport.context(), cause };
  }

  /** Settles with a value that did not come from the server: QUIT's OK, the null of a block that ended. */
  resolve(call: Call, value: unknown): void {
    if (this.#close(call)) call.settleWith(value);
  }

  reject(call: Call, error: Error): void {
    if (!this.#close(call)) return;
    this.stats.rejected++;
    const unsent = isUnsent(error);
    if (unsent) this.#unsent(error.code);
    if (this.#fallback === undefined || call.stream !== undefined || !unsent) call.rejectCommand(error);
    else void fallBack(this.#fallback, call, error, (call.options?.deadline ?? this.#deadline) || Infinity);
  }

  /** Rejects with an error that keeps its identity and gains a diagnosis. */
  rejectAsIs(call: Call, error: Error, written: boolean): void {
    const context = { ...this.contextOf(call), written, elapsedMs: performance.now() - call.startedAt };
    this.reject(
      call,
      attachDiagnosis(
        error,
        () => {
          const diagnosis = classify(error, context);
          // The server refused the last send; an earlier one was lost and may have been executed.
          return call.isUncertain ? { ...diagnosis, applied: "maybe" } : diagnosis;
        },
        () => stateOf(this.#label, context),
      ),
    );
  }

  /** Members of a batch that waited for the fate of the rest. */
  rejectRefused(refused: readonly Refused[]): void {
    for (const { call, error } of refused) this.rejectAsIs(call, error, true);
  }

  contextOf(call: Call): FailureContext {
    return { ...this.#transport.context(), command: call.traits.name, attempts: call.attempts };
  }

  #close(call: Call): boolean {
    if (call.state === "settled") return false;
    call.list?.remove(call);
    call.state = "settled";
    call.observer?.();
    return true;
  }
}
