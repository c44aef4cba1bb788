/**
 * Interactive transactions of which this client refuses a command: MULTI, a member, or the EXEC or DISCARD that ends it. The
 * server executes none of them in part, none is left open, and nothing that was issued for one runs outside of it.
 */
import { clock } from "../clock.js";
import type { Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { Transport } from "./ports.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import { multiRefused } from "./transactions.js";

export interface IncompleteTransactionsParts {
  readonly issued: IssuedTransactions;
  readonly session: SessionState;
  readonly connection: ConnectionState;
  readonly queue: OfflineQueue;
  readonly transport: Transport;
  readonly settlement: Settlement;
}

export class IncompleteTransactions {
  readonly #parts: IncompleteTransactionsParts;

  constructor(parts: IncompleteTransactionsParts) {
    this.#parts = parts;
  }

  /** An interactive MULTI enters. If it is never sent, what was issued for it is refused as well. */
  begin(multi: Call): void {
    const { issued, session, queue, settlement } = this.#parts;
    multi.whenSettled(() => {
      if (multi.attempts > 0 || issued.isUnended(multi)) return;
      multiRefused(session, multi, queue, settlement);
    });
  }

  /** A call ends without having been sent. */
  dropped(call: Call): void {
    const { issued, connection, settlement } = this.#parts;
    issued.dropped(call);
    const { session } = call.facts;
    const isEnd = call.stream === undefined && (session === "exec" || session === "discard");
    if (!isEnd) return;
    // Left open, it would swallow the commands of everybody else; and what still waits for it would run bare.
    for (const member of issued.unended(call)) {
      settlement.reject(member, clientErrors.transactionUnended(member, settlement.snapshot(), clock.now()));
    }
    if (connection.isConnected) this.#discardOpen();
  }

  /** In the place of an EXEC that would execute a part of its transaction. */
  discard(exec: Call, now: number): void {
    this.#discardOpen();
    const { settlement } = this.#parts;
    settlement.reject(exec, clientErrors.transactionIncomplete(exec, settlement.snapshot(), now));
  }

  #discardOpen(): void {
    const { session, transport } = this.#parts;
    if (!session.isInMulti) return;
    transport.discard();
    session.discarded();
  }
}
