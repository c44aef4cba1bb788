/**
 * What becomes of a command that the server answered with an error: most go to their caller as they are; those refused for
 * a passing reason (LOADING, BUSY, READONLY …) go back to the gate for another try. A batch is retried as a whole or not at
 * all: its members keep their order, and none runs twice.
 */
import type { Batch } from "../command/batch.js";
import type { Call } from "../command/call.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Desk } from "./desk.js";
import type { Endpoint } from "./endpoint.js";
import type { Gate } from "./gate.js";
import { judge } from "./judge.js";
import type { Retrier } from "./retry.js";
import type { Session } from "./session.js";
import type { Phase } from "./transport.js";

/** The client, as its error replies see it. */
export interface Answered {
  readonly desk: Desk;
  readonly gate: Gate;
  readonly session: Session;
  readonly retrier: Retrier;
  readonly endpoint: Endpoint;
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
    if (call.batch !== undefined) this.#memberFailed(call.batch, call, error, diagnosis);
    else if (this.#mayRetry(call, diagnosis)) {
      this.#holdBack(call, error);
      this.#client.leaveFlight();
    } else {
      this.#client.leaveFlight();
      desk.rejectAsIs(call, error, true);
    }
  }

  /** Refusals of members wait until it is clear that no member was executed. */
  #memberFailed(batch: Batch, call: Call, error: Error, diagnosis: Diagnosis): void {
    const { desk, endpoint, phase, retrier, session } = this.#client;
    const discarded = batch.transaction && call.traits.name === "exec" && diagnosis.code === "EXEC_ABORTED";
    const passing = (diagnosis.retryable && diagnosis.applied === "no") || discarded;
    this.#client.leaveFlight();
    if (
      !passing ||
      phase !== "open" ||
      // The server forgot the WATCH together with the transaction it refused.
      batch.tied ||
      session.isHolding ||
      !retrier.allows(call, performance.now()) ||
      !batch.hold(call, error)
    ) {
      desk.rejectAsIs(call, error, true);
      desk.rejectRefused(batch.failed());
      return;
    }
    call.state = "lost";
    if (!batch.isAnswered) return;
    if (endpoint.budget?.take() === false) desk.rejectRefused(batch.takeRefused());
    else {
      batch.restart();
      for (const member of batch.calls) this.#holdBack(member, error);
    }
  }

  #mayRetry(call: Call, diagnosis: Diagnosis): boolean {
    const { endpoint, phase, retrier, session } = this.#client;
    const { refusing, budget } = endpoint;
    if (!diagnosis.retryable || diagnosis.applied !== "no") return false;
    if (phase !== "open" || session.isHolding) return false;
    if (refusing === 2 || (refusing === 1 && diagnosis.breaker === "write")) return false;
    return retrier.allows(call, performance.now()) && (budget === undefined || budget.take());
  }

  #holdBack(call: Call, error: Error): void {
    const { desk, endpoint, gate, retrier } = this.#client;
    this.#client.isOpen = false;
    gate.giveBack(call);
    desk.stats.retried++;
    endpoint.incident.retried();
    retrier.hold(error);
  }
}
