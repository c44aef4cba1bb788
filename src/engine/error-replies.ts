/**
 * What becomes of a command that the server answered with an error: most go to their caller as they are; those refused for
 * a passing reason (LOADING, BUSY, READONLY …) wait for another try, as long as their deadline and the budget allow. A
 * MULTI batch is retried as a whole or not at all; the members of a plain pipeline go one by one.
 */
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { CallBatch, Refused } from "./stream-batch.js";
import type { Call } from "./call.js";
import type { Elsewhere } from "./elsewhere.js";
import type { ConnectionState } from "./connection-state.js";
import type { FailureSnapshots } from "./failure-snapshot.js";
import { judge } from "./judge.js";
import type { RefusedCommands } from "./refused-commands.js";
import type { Relogin } from "./relogin.js";
import type { RetryDecision } from "./retry-decision.js";
import type { RetryLoop } from "./retry-loop.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import { tracing } from "./tracer.js";

export interface ErrorRepliesParts {
  readonly settlement: Settlement;
  readonly snapshots: FailureSnapshots;
  readonly session: SessionState;
  readonly connection: ConnectionState;
  readonly membership: EndpointMembership;
  readonly decision: RetryDecision;
  readonly retryLoop: RetryLoop;
  readonly refused: RefusedCommands;
  readonly relogin: Relogin;
  /** Who may carry on what this server does not serve. */
  readonly elsewhere: Elsewhere | undefined;
}

export class ErrorReplies {
  readonly #parts: ErrorRepliesParts;

  constructor(parts: ErrorRepliesParts) {
    this.#parts = parts;
  }

  /** The server answered this call, which is in flight, with an error. */
  received(call: Call, error: Error): void {
    const { settlement, membership, decision } = this.#parts;
    const diagnosis = this.#judge(call, error);
    if (call.batch?.transaction !== true && this.#goesOn(call, error, diagnosis, [call])) return;
    // One command that waits is one piece of evidence, however often the server refuses it.
    // A cluster that is down is no fault of the node that says so, and is over for all its nodes together.
    const isMended = this.#isMended(call, diagnosis);
    if (this.#isOfCluster(diagnosis)) membership.endpoint.observer.serverRefused(diagnosis);
    else if (!this.#isAnswer(diagnosis) && !isMended)
      membership.endpoint.failed(diagnosis, call.sentAt, { again: call.attempts - call.losses > 1 });
    if (call.batch?.transaction === true) {
      this.#memberFailed(call.batch, call, error, diagnosis, isMended);
      return;
    }
    const isPassing = isForNow(diagnosis);
    // All nodes say so together, to what is in flight: no budget is made for that, and each probes with one command.
    const isFree = this.#isOfCluster(diagnosis);
    if (isMended || (isPassing && this.#mayRetry(call) && (isFree || decision.takeBudget()))) {
      // A member of a pipeline goes again alone: the pipeline's stream would wait for the members that do not.
      call.stream = call.batch = undefined;
      this.#holdBack([], [call], error, diagnosis);
    } else {
      if (isPassing) this.#tell([call], error, diagnosis);
      settlement.rejectAsIs(call, error, true, clock.now(), diagnosis);
    }
  }

  /** The server says that another one serves the key: it is well itself. */
  #isAnswer({ code }: Diagnosis): boolean {
    return this.#parts.elsewhere !== undefined && (code === "MOVED" || code === "ASK");
  }

  #isOfCluster({ code }: Diagnosis): boolean {
    return this.#parts.elsewhere !== undefined && code === "CLUSTER_DOWN";
  }

  /** Whether another server carries these on. What counts on state of this connection cannot leave it. */
  #goesOn(refused: Call | undefined, error: Error, diagnosis: Diagnosis, calls: readonly Call[]): boolean {
    const { elsewhere, membership } = this.#parts;
    if (elsewhere === undefined || refused === undefined || refused.transaction?.guard === "WATCH") return false;
    if (refused.transaction !== undefined && refused.stream === undefined) return false;
    if (!elsewhere.redirect(diagnosis.code, error, calls)) return false;
    membership.endpoint.succeeded(false);
    return true;
  }

  #judge(call: Call, error: Error): Diagnosis {
    return judge(error, { ...this.#parts.snapshots.of(call), written: true });
  }

  /** The refusal is over as soon as the connection is logged in anew. */
  #isMended(call: Call, diagnosis: Diagnosis): boolean {
    const { batch } = call;
    // An open MULTI would take the login for one of its members.
    const isWhole = batch?.transaction !== true || (batch.isRefused && !batch.isGuarded);
    return isWhole && this.#mayRetry(call) && this.#parts.relogin.mends(diagnosis, call);
  }

  /** Refusals in a transaction wait until it is clear that no member was executed. */
  #memberFailed(batch: CallBatch, call: Call, error: Error, diagnosis: Diagnosis, isMended: boolean): void {
    const { settlement } = this.#parts;
    const discarded = call.facts.session === "exec" && diagnosis.code === "EXEC_ABORTED";
    const passing = isForNow(diagnosis) || isMended || discarded || this.#isAnswer(diagnosis);
    // The server forgot the WATCH together with the transaction it refused.
    // What another server carries on is no retry: nothing but its deadline limits it.
    const movesOn = this.#isAnswer(diagnosis) || (discarded && this.#parts.elsewhere !== undefined);
    if (!passing || batch.isGuarded || !(movesOn || this.#mayRetry(call)) || !batch.hold(call, error)) {
      if (passing) this.#tell([call], error, diagnosis);
      const now = clock.now();
      settlement.rejectAsIs(call, error, true, now, diagnosis);
      settlement.rejectRefused(batch.failed(), now);
      return;
    }
    settlement.setAside(call);
    if (batch.isAnswered) this.#batchRefused(batch, error, diagnosis);
  }

  #batchRefused(batch: CallBatch, error: Error, diagnosis: Diagnosis): void {
    const refused = batch.takeRefused();
    // EXEC says only that something before it was refused; that tells why.
    const [first] = refused;
    const cause = first?.error ?? error;
    const why = first === undefined ? diagnosis : this.#judge(first.call, cause);
    if (this.#goesOn(first?.call ?? batch.calls[0], cause, why, batch.calls)) return;
    if (!this.#isAnswer(why) && (this.#isOfCluster(why) || this.#parts.decision.takeBudget())) {
      batch.restart();
      this.#holdBack(refused, batch.calls, cause, why);
    } else {
      this.#tell(batch.calls, cause, why);
      this.#parts.settlement.rejectRefused(refused, clock.now());
    }
  }

  #mayRetry(call: Call): boolean {
    const { connection, session, decision } = this.#parts;
    // By then its MULTI is over: it would run bare, or in somebody else's.
    if (call.transaction !== undefined) return false;
    if (call.facts.dispatch === "transaction" && call.batch?.transaction !== true) return false;
    return connection.accepts && !session.isHolding && decision.mayWait(call, clock.now());
  }

  /** These will not go again. Others that wait must hear that the server still refuses. */
  #tell(calls: readonly Call[], error: Error, diagnosis: Diagnosis): void {
    const { retryLoop, refused } = this.#parts;
    if (!retryLoop.isHolding && !refused.isPending) return;
    for (const call of calls) retryLoop.probeRefused(call);
    refused.told(calls, error, diagnosis.breaker === "write");
  }

  #holdBack(refused: readonly Refused[], calls: readonly Call[], cause: Error, diagnosis: Diagnosis): void {
    for (const call of calls) {
      this.#parts.retryLoop.probeRefused(call);
      call.goesAgain = true;
      tracing.tracer?.resent(call.command, diagnosis.code);
    }
    this.#parts.refused.add(refused, calls, cause, diagnosis.breaker === "write");
  }
}

/** Refused for a passing reason, and certainly not executed. */
function isForNow({ retryable, applied }: Diagnosis): boolean {
  return retryable && applied === "no";
}
