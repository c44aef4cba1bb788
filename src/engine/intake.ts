/**
 * Takes in calls that cannot go straight out: each is rejected, sent after all, or waits. It owns the order of these steps; what
 * is decided in them is `Admission`'s business.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import { factsOf } from "../command/facts.js";
import type { AbortedCalls } from "./aborted-calls.js";
import type { Admission } from "./admission.js";
import type { BatchCollector } from "./batch-collector.js";
import { Call, type CallOwner, type Handover } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { Deadlines } from "./deadlines.js";
import type { IncompleteTransactions } from "./incomplete-transactions.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { Lifecycle } from "./lifecycle.js";
import type { OfflineQueue, QueueBounds } from "./offline-queue.js";
import type { BlockingRouter, CallOptions } from "./ports.js";
import type { QueueRefusals } from "./queue-refusals.js";
import type { Release } from "./release.js";
import type { Sender } from "./sender.js";
import type { Settlement } from "./settlement.js";
import type { TimeLimits } from "./time-limits.js";
import type { Unsendable } from "./unsendable.js";
import type { WaitingBounds } from "./waiting-bounds.js";

export interface IntakeParts {
  readonly owner: CallOwner;
  readonly connection: ConnectionState;
  readonly admission: Admission;
  readonly collector: BatchCollector;
  readonly unsendable: Unsendable;
  readonly issued: IssuedTransactions;
  readonly incomplete: IncompleteTransactions;
  readonly aborted: AbortedCalls;
  readonly lifecycle: Lifecycle;
  readonly queue: OfflineQueue;
  readonly bounds: WaitingBounds;
  readonly refusals: QueueRefusals;
  readonly limits: TimeLimits;
  readonly deadlines: Deadlines;
  readonly release: Release;
  readonly sender: Sender;
  readonly settlement: Settlement;
}

export class Intake {
  readonly #parts: IntakeParts;
  #router: BlockingRouter | undefined = undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Takes blocking commands off this connection; without one they run on it. */
  get router(): BlockingRouter | undefined {
    return this.#router;
  }

  /** Blocking commands go to this router from now on, unless it declines. */
  divertTo(router: BlockingRouter): void {
    this.#router = router;
  }

  /** A blocking command outside a batch may go elsewhere, unless others that came before it still wait here. */
  divert(command: Command, options: CallOptions | undefined): boolean {
    const { connection, collector, queue } = this.#parts;
    collector.finish();
    const mayPass = connection.isOpen || (connection.isPausedBy("block") && queue.isEmpty);
    return mayPass && this.#router?.divert(command, options) === true;
  }

  /** Carries on what another engine has handed over. `isAsking`: its slot is still arriving at this server. */
  adopt(from: Handover, isAsking: boolean): void {
    const { owner, issued } = this.#parts;
    const { command, stream, options, startedAt } = from;
    const now = clock.now();
    const call = new Call(owner, command, factsOf(command.name), stream, options, startedAt);
    call.continue(from);
    call.isAsking = isAsking;
    if (call.facts.touchesSession || issued.isOpen) issued.note(call);
    this.admit(call, now, from);
  }

  /** `from`: what it was with another engine, that has handed it over. */
  admit(call: Call, now: number, from?: Handover): void {
    const { collector, incomplete, settlement, unsendable, aborted, lifecycle, limits, sender } = this.#parts;
    collector.next(call.stream);
    const { dispatch, session } = call.facts;
    if (session === "multi" && call.stream === undefined) incomplete.begin(call);
    const { signal } = call.options ?? {};
    if (signal?.aborted === true) {
      settlement.reject(call, clientErrors.aborted(call, settlement.snapshot(), now));
      return;
    }
    if (dispatch === "quit" && call.stream === undefined && lifecycle.isDone) {
      settlement.acknowledge(call);
      return;
    }
    const verdict =
      call.stream === undefined ? this.#parts.admission.verdict(call) : collector.verdict(call, call.stream);
    if (verdict.kind === "reject") {
      settlement.reject(call, verdict.error(call, now));
      return;
    }
    if ((dispatch === "checked" || session === "reset") && unsendable.refusesOutOfStep(call)) return;
    if (signal !== undefined) aborted.watch(call, signal);
    const mustWait = verdict.kind === "wait";
    if (
      dispatch === "quit" &&
      call.batch === undefined &&
      lifecycle.endsAtOnce(call, mustWait, limits.inAll(call.options))
    )
      return;
    if (mustWait) this.#wait(call, now, from);
    else {
      this.#allow(call, limits.onceSent(call), from, now);
      sender.send(call, now);
    }
  }

  #wait(call: Call, now: number, from: Handover | undefined): void {
    const { connection, bounds, limits, release, refusals, queue } = this.#parts;
    const room = bounds.now;
    // What was admitted before is not refused for want of room.
    if (from !== undefined) queue.giveBack(call);
    if (from !== undefined || this.#enqueue(call, room)) {
      this.#allow(call, limits.whileWaiting(call), from, now);
      if (connection.isPausedBy("block")) this.#router?.awaited();
      if (call.batch === undefined) release.pass([call]);
    } else if (room !== false) refusals.full(call, room);
  }

  #enqueue(call: Call, room: QueueBounds | false): boolean {
    const { collector, queue } = this.#parts;
    if (!collector.isFree(call.stream)) return queue.add(call, room);
    queue.giveBack(call);
    return true;
  }

  /** What another engine has handed over keeps its deadline; a block gets its own anew. */
  #allow(call: Call, allowance: number, from: Handover | undefined, now: number): void {
    const { deadlines } = this.#parts;
    if (from === undefined || call.facts.dispatch === "blocking") deadlines.allow(call, allowance, now);
    else deadlines.carryOn(call, from.expiresAt, now);
  }
}
