/**
 * The fate of commands that were written and unanswered when their connection closed: sent again where a second
 * execution does no harm, otherwise reported as unknown. Nothing else may resend a written command.
 */
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { classify } from "../failure/classify.js";
import { callOf, type Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { FailureSnapshot, FailureSnapshots } from "./failure-snapshot.js";
import type { InFlight } from "./in-flight.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { LostItem } from "./ports.js";
import type { Hindrance, RetryDecision } from "./retry-decision.js";
import type { Settlement } from "./settlement.js";
import { tracing } from "./tracer.js";

export interface LostCommandsParts {
  readonly settlement: Settlement;
  readonly snapshots: FailureSnapshots;
  readonly queue: OfflineQueue;
  readonly inFlight: InFlight;
  readonly decision: RetryDecision;
  readonly membership: EndpointMembership;
  readonly connection: ConnectionState;
}

export class LostCommands {
  readonly #parts: LostCommandsParts;

  constructor(parts: LostCommandsParts) {
    this.#parts = parts;
  }

  /**
   * These were written and unanswered, oldest first. `fatal`: the replies made no sense, so asking again will not help.
   * `begun` is called when the fate of all is being decided: what it begins comes after that.
   */
  handle(items: readonly LostItem[], cause: Error | undefined, fatal: boolean, begun: () => void): void {
    const { inFlight, settlement } = this.#parts;
    inFlight.connectionLost();
    const calls: Call[] = [];
    // Even to look at each takes too long for one turn when they are a great many.
    settlement.inSlices(items, ({ command, select }) => {
      const call = callOf(command);
      if (call === undefined) return;
      call.bytes = 0;
      call.answered();
      if (call.state !== "sent") return;
      call.lose();
      call.database = select;
      inFlight.count--;
      calls.push(call);
    });
    settlement.inSlices([calls], () => {
      if (calls.length > 0) this.#decideAll(calls, cause, fatal);
      begun();
    });
  }

  #decideAll(calls: readonly Call[], cause: Error | undefined, fatal: boolean): void {
    const { settlement, snapshots, membership, connection } = this.#parts;
    const { endpoint } = membership;
    const now = clock.now();
    const snapshot = snapshots.ofLost(calls, cause, now);
    settlement.counters.lost += calls.length;
    const diagnosis = classify(cause, { ...snapshot.context, written: true });
    if (connection.accepts) {
      // Nothing has failed yet: most of these commands may go again.
      endpoint.observer.connectionFailed(diagnosis);
      // One lost connection is one piece of evidence, however many commands it took along.
      if (diagnosis.breaker !== "none") endpoint.readWrite?.failed(diagnosis, now);
    }
    settlement.inSlices(calls, (call) => this.#decide(call, snapshot, fatal));
  }

  #decide(call: Call, snapshot: FailureSnapshot, fatal: boolean): void {
    if (call.state !== "lost") return;
    const { settlement, connection, decision } = this.#parts;
    if (call.facts.dispatch === "quit") {
      settlement.acknowledge(call);
      return;
    }
    const now = clock.now();
    if (!connection.accepts) {
      settlement.reject(call, clientErrors.closed(call, snapshot, now));
      return;
    }
    this.#abandonRefused(call);
    const { transaction } = call;
    if (transaction?.executed === false) {
      // Queued behind a MULTI whose EXEC was never sent: the server dropped it with the connection.
      settlement.reject(call, clientErrors.transactionAborted(call, snapshot, transaction.guard, now));
      return;
    }
    const peers = call.batch?.transaction === true ? call.batch.calls : [call];
    const safe = peers.every((peer) => peer.transaction === undefined && decision.isRepeatable(peer));
    const hindrance = !safe ? "harm" : fatal ? "garbled replies" : this.#takeRetry(call, now);
    if (hindrance === undefined) this.#giveBack(call);
    else for (const peer of peers) if (peer.state === "lost") this.#report(peer, snapshot, hindrance);
  }

  /** Some of the batch was refused before the connection went: it can no longer go again as one. */
  #abandonRefused({ batch }: Call): void {
    if (batch === undefined || batch.refused.length === 0) return;
    batch.partial = true;
    this.#parts.settlement.rejectRefused(batch.takeRefused(), clock.now());
  }

  #takeRetry(call: Call, now: number): Hindrance | undefined {
    const { decision, queue } = this.#parts;
    if (call.isWish) return undefined;
    if (call.batch?.transaction === true && call.batch.partial) return "refused in part";
    const hindrance = decision.hindranceOf(call, now);
    if (hindrance !== undefined) return hindrance;
    // A batch that fits with its first member fits: it is not taken apart.
    if (!queue.mayReturn(call)) return "no room";
    return decision.takeBudget() ? undefined : "budget";
  }

  #giveBack(call: Call): void {
    const { batch } = call;
    if (batch?.transaction === true) batch.restart();
    // A member of a pipeline goes again alone: the pipeline's stream would wait for the members that do not.
    else call.stream = call.batch = undefined;
    for (const peer of call.batch?.calls ?? [call]) {
      tracing.tracer?.resent(peer.command, undefined);
      peer.losses++;
      peer.goesAgain = true;
      this.#parts.queue.giveBack(peer);
    }
  }

  #report(call: Call, snapshot: FailureSnapshot, hindrance: Hindrance): void {
    const { settlement } = this.#parts;
    settlement.reject(call, clientErrors.outcomeUnknown(call, snapshot, clock.now(), hindrance));
  }
}
