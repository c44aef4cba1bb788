/**
 * Commands that the server refused for a passing reason, until it is known whether they may go again. Replies come in the
 * order of the commands, so whatever could overtake a refused one is in flight behind it at that moment. When the last of
 * these is answered: where one of them concerns the same key and was executed, the refused one ends with the server's
 * own error; otherwise it goes again, in the order in which all were issued. Entered only after a failure.
 */
import { clock } from "../clock.js";
import type { Refused } from "./stream-batch.js";
import { callOf, type Call } from "./call.js";
import type { ConnectionState } from "./connection-state.js";
import { Footprint } from "./footprint.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Transport } from "./ports.js";
import type { Release } from "./release.js";
import type { RetryLoop } from "./retry-loop.js";
import type { Settlement } from "./settlement.js";

export interface RefusedCommandsParts {
  readonly settlement: Settlement;
  readonly queue: OfflineQueue;
  readonly retryLoop: RetryLoop;
  readonly release: Release;
  readonly transport: Transport;
  readonly connection: ConnectionState;
}

export class RefusedCommands {
  readonly #parts: RefusedCommandsParts;
  /** The refused ones and all that was in flight behind them, in the order in which they were sent. */
  readonly #row = new Set<Call>();
  readonly #errors = new Map<Call, Error>();
  /** The last of the row: once it is answered, all are. */
  #last: Call | undefined = undefined;
  readonly #watched = new WeakSet<Call>();
  #cause: Error | undefined = undefined;
  #writesOnly = true;

  constructor(parts: RefusedCommandsParts) {
    this.#parts = parts;
  }

  /** Some are not decided: nothing may go out. */
  get isPending(): boolean {
    return this.#last !== undefined;
  }

  /** The call goes again if order allows, or with it all members of its transaction. It is no longer in flight. */
  add(refused: readonly Refused[], calls: readonly Call[], cause: Error, writesOnly: boolean): void {
    const { connection, settlement } = this.#parts;
    connection.pause("refused");
    // A block that had the connection to itself is over, and waits as the others do.
    if (calls.some(({ facts }) => facts.dispatch === "blocking")) connection.resume("block");
    for (const { call, error } of refused) this.#errors.set(call, error);
    for (const call of calls) {
      if (!this.#errors.has(call)) this.#errors.set(call, cause);
      settlement.waitAgain(call);
    }
    this.#note(calls, cause, writesOnly);
  }

  /** These were refused and will not go again, so nothing must keep its order towards them. */
  told(calls: readonly Call[], cause: Error, writesOnly: boolean): void {
    for (const call of calls) this.#errors.set(call, cause);
    this.#note(calls, cause, writesOnly);
  }

  /** The connection is gone, and the fate of what was in flight on it is decided before this is. */
  connectionLost(): void {
    if (this.#last !== undefined) this.#parts.settlement.inSlices([this], () => this.#decide());
  }

  #note(calls: readonly Call[], cause: Error, writesOnly: boolean): void {
    this.#cause = cause;
    // One kind of refusal that concerns reads too holds them all.
    this.#writesOnly = writesOnly && (this.#last === undefined || this.#writesOnly);
    const [first] = calls;
    if (first === undefined) return;
    if (!this.#row.has(first)) {
      for (const call of calls) this.#row.add(call);
      for (const command of this.#parts.transport.unanswered()) {
        const call = callOf(command);
        if (call?.state === "sent") this.#row.add(call);
      }
      for (const call of this.#row) this.#last = call;
    }
    const last = this.#last;
    if (last === undefined) return;
    if (last.state !== "sent") this.#decideSoon();
    else if (!this.#watched.has(last)) {
      this.#watched.add(last);
      last.whenSettled(() => {
        if (last === this.#last) this.#decideSoon();
      });
    }
  }

  /** After the replies that came with this one: they may be refusals too. */
  #decideSoon(): void {
    queueMicrotask(() => {
      if (this.#last !== undefined && this.#last.state !== "sent" && this.#parts.connection.isConnected) this.#decide();
    });
  }

  #decide(): void {
    const cause = this.#cause;
    if (cause === undefined) return;
    const { queue, settlement, retryLoop, release, connection } = this.#parts;
    const doomed = new Set<Call>();
    const later = new Footprint();
    for (const call of [...this.#row].reverse()) {
      // On a lost connection, what goes again keeps its place by itself.
      if (!this.#errors.has(call) && call.state !== "waiting") later.add(call);
      else if (this.#errors.has(call) && call.state === "waiting" && later.concerns(call))
        for (const member of call.batch?.calls ?? [call]) doomed.add(member);
    }
    this.#goHome(doomed);
    const errors = [...doomed].map((call) => ({ call, error: this.#errors.get(call) ?? cause }));
    this.#row.clear();
    this.#errors.clear();
    this.#last = this.#cause = undefined;
    // First, so that what goes next finds none of them waiting.
    for (const { call } of errors) queue.remove(call);
    if (connection.isConnected) {
      if (!queue.isEmpty) retryLoop.hold(cause, this.#writesOnly);
      connection.resume("refused");
      if (queue.isEmpty) retryLoop.finish();
      release.letReadsPass();
    }
    settlement.rejectRefused(errors, clock.now());
  }

  /** What was sent behind a SELECT that does not go again belongs where the connection was before it. */
  #goHome(doomed: ReadonlySet<Call>): void {
    let home: number | undefined = undefined;
    for (const call of this.#row) {
      if (call.facts.session === "select") {
        const isOver = doomed.has(call) || (this.#errors.has(call) && call.state !== "waiting");
        home = isOver ? (home ?? call.database) : undefined;
      } else if (home !== undefined && call.state === "waiting") call.database = home;
    }
  }
}
