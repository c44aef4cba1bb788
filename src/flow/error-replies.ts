/**
 * What becomes of a command that the server answered with an error: most go to their caller as they are; those refused for
 * a passing reason (LOADING, BUSY, READONLY …) wait for another try, as long as their deadline and the budget allow. A
 * MULTI batch is retried as a whole or not at all; the members of a plain pipeline go one by one.
 */
import type { Batch, Refused } from "../command/batch.js";
import type { Call } from "../command/call.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Desk } from "./desk.js";
import type { Endpoint } from "./endpoint.js";
import { judge } from "./judge.js";
import type { RefusedCalls } from "./refused.js";
import type { Retrier } from "./retry.js";
import type { Session } from "./session.js";
import type { Phase } from "./transport.js";

/** The client, as its error replies see it. */
export interface Answered {
  readonly desk: Desk;
  readonly session: Session;
  readonly retrier: Retrier;
  readonly refused: RefusedCalls;
  readonly endpoint: Endpoint;
  /** Something was refused and waits for another try. */
  readonly isRetrying: boolean;
  readonly phase: Phase;
  /** Whether commands may go out. */
  isOpen: boolean;
  /** The call is in flight no longer. */
  leaveFlight(): void;
}

export class ErrorReplies {
  readonly #client: Answered;

  constructor(client: Answered) {
    this.#client = client;
  }

  received(call: Call, error: Error): void {
    const { desk, endpoint } = this.#client;
    const diagnosis = judge(error, { ...desk.contextOf(call), written: true });
    endpoint.failed(diagnosis, call.sentAt);
    if (call.batch?.transaction === true) this.#memberFailed(call.batch, call, error, diagnosis);
    else {
      const isPassing = diagnosis.retryable && diagnosis.applied === "no";
      if (isPassing && this.#mayRetry(call) && this.#takeToken()) {
        // A member of a pipeline goes again alone: the pipeline's stream would wait for the members that do not.
        call.stream = call.batch = undefined;
        this.#holdBack([], [call], error, diagnosis);
        this.#client.leaveFlight();
      } else {
        if (isPassing) this.#tell([call], error, diagnosis);
        this.#client.leaveFlight();
        desk.rejectAsIs(call, error, true);
      }
    }
  }

  /** Refusals in a transaction wait until it is clear that no member was executed. */
  #memberFailed(batch: Batch, call: Call, error: Error, diagnosis: Diagnosis): void {
    const { desk } = this.#client;
    const discarded = call.traits.name === "exec" && diagnosis.code === "EXEC_ABORTED";
    const passing = (diagnosis.retryable && diagnosis.applied === "no") || discarded;
    // The server forgot the WATCH together with the transaction it refused.
    if (!passing || batch.tied || !this.#mayRetry(call) || !batch.hold(call, error)) {
      if (passing) this.#tell([call], error, diagnosis);
      this.#client.leaveFlight();
      desk.rejectAsIs(call, error, true);
      desk.rejectRefused(batch.failed());
      return;
    }
    call.state = "lost";
    if (batch.isAnswered) this.#batchRefused(batch, error, diagnosis);
    this.#client.leaveFlight();
  }

  #batchRefused(batch: Batch, error: Error, diagnosis: Diagnosis): void {
    const refused = batch.takeRefused();
    // EXEC says only that something before it was refused; that tells why.
    const [first] = refused;
    const cause = first?.error ?? error;
    const why =
      first === undefined ? diagnosis : judge(cause, { ...this.#client.desk.contextOf(first.call), written: true });
    if (this.#takeToken()) {
      batch.restart();
      this.#holdBack(refused, batch.calls, cause, why);
    } else {
      this.#tell(batch.calls, cause, why);
      this.#client.desk.rejectRefused(refused);
    }
  }

  #mayRetry(call: Call): boolean {
    const { phase, retrier, session } = this.#client;
    return phase === "open" && !session.isHolding && retrier.mayWait(call, performance.now());
  }

  #takeToken(): boolean {
    const { budget } = this.#client.endpoint;
    return budget === undefined || budget.take();
  }

  /** These will not go again. Others that wait must hear that the server still refuses. */
  #tell(calls: readonly Call[], error: Error, diagnosis: Diagnosis): void {
    const { retrier, refused, isRetrying } = this.#client;
    if (!isRetrying) return;
    for (const call of calls) retrier.probeRefused(call);
    refused.told(calls, error, diagnosis.breaker === "write");
  }

  #holdBack(refused: readonly Refused[], calls: readonly Call[], cause: Error, diagnosis: Diagnosis): void {
    const { desk, endpoint, retrier } = this.#client;
    this.#client.isOpen = false;
    for (const call of calls) {
      retrier.probeRefused(call);
      desk.stats.retried++;
      endpoint.incident.retried();
    }
    this.#client.refused.add(refused, calls, cause, diagnosis.breaker === "write");
  }
}
