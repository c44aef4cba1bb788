/** Turns away what waits: the queue is full, the handshake failed for good, or the client ends. */
import { clock } from "../clock.js";
import { sanitizeError } from "../failure/redact.js";
import type { Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { OfflineQueue, QueueBounds } from "./offline-queue.js";
import type { Settlement } from "./settlement.js";

export class QueueRefusals {
  readonly #queue: OfflineQueue;
  readonly #settlement: Settlement;

  constructor(queue: OfflineQueue, settlement: Settlement) {
    this.#queue = queue;
    this.#settlement = settlement;
  }

  /** There was no room for this call. A batch that has begun to wait leaves as a whole. */
  full(call: Call, limits: QueueBounds): void {
    const { stats } = this.#queue;
    const error = (member: Call, now: number): Error =>
      clientErrors.queueFull(member, this.#settlement.snapshot(), stats, limits, now);
    if (call.batch !== undefined) call.batch.verdict = { kind: "reject", error };
    for (const member of call.batch?.calls ?? [call]) this.#settlement.reject(member, error(member, clock.now()));
  }

  /**
   * The circuit opened; `refusalOf` gives the error of each call that it concerns. What has a deadline keeps it: the server
   * may be back before it. What has none would wait without an end.
   */
  circuitOpened(refusalOf: (call: Call) => ((call: Call, now: number) => Error) | undefined): void {
    const doomed: { readonly call: Call; readonly error: (call: Call, now: number) => Error }[] = [];
    for (const call of this.#queue.calls()) {
      if (call.expiresAt !== Infinity || call.isWish) continue;
      const error = refusalOf(call);
      if (error !== undefined) doomed.push({ call, error });
    }
    for (const { call } of doomed) this.#queue.remove(call);
    this.#settlement.inSlices(doomed, ({ call, error }) => this.#settlement.reject(call, error(call, clock.now())));
  }

  /** A fatal handshake error (wrong password, unknown database) goes to everybody in the server's own words. */
  refused(error: Error): void {
    sanitizeError(error);
    const settlement = this.#settlement;
    const snapshot = settlement.snapshot(error);
    settlement.inSlices(this.#queue.take(), (call) => {
      const now = clock.now();
      if (call.isUncertain) settlement.reject(call, clientErrors.outcomeUnknown(call, snapshot, now, "no login"));
      else settlement.rejectAsIs(call, error, false, now);
    });
  }

  /** Nothing may wait for a connection, and this one is gone: what waited for its turn on it was never sent. */
  unavailable(): void {
    const calls = this.#queue.calls().filter(({ attempts }) => attempts === 0);
    if (calls.length === 0) return;
    const settlement = this.#settlement;
    const snapshot = settlement.snapshot();
    for (const call of calls) this.#queue.remove(call);
    settlement.inSlices(calls, (call) =>
      settlement.reject(call, clientErrors.unavailable(call, snapshot, clock.now())),
    );
  }

  /** The client ends: QUIT has what it wanted, and nothing else will ever be sent. */
  closed(): void {
    if (this.#queue.isEmpty) return;
    const settlement = this.#settlement;
    const snapshot = settlement.snapshot();
    settlement.inSlices(this.#queue.take(), (call) => {
      if (call.facts.dispatch === "quit") settlement.acknowledge(call);
      else settlement.reject(call, clientErrors.closed(call, snapshot, clock.now()));
    });
  }
}
