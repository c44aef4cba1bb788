/** What a command is told when it enters: go, wait, or no and why. A batch is told once, and its members follow. */
import { clock } from "../clock.js";
import type { Policy } from "../policy/shape.js";
import type { Availability } from "./availability.js";
import type { Verdict } from "./stream-batch.js";
import type { Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { FailureSnapshots } from "./failure-snapshot.js";
import type { SessionState } from "./session-state.js";
import { checkLoss } from "./transactions.js";

export interface AdmissionParts {
  readonly policy: Policy;
  readonly connection: ConnectionState;
  readonly session: SessionState;
  /** `undefined`: whatever the circuits say, commands wait. */
  readonly availability: Availability | undefined;
  readonly snapshots: FailureSnapshots;
  /** Connects a client that has not tried yet. */
  readonly wake: () => void;
}

export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  verdict(call: Call): Verdict {
    const { policy, connection, session, availability, snapshots, wake } = this.#parts;
    if (!connection.accepts) return no((member, now) => clientErrors.closed(member, snapshots.take(), now));
    // A batch is judged by all that it holds, once it is complete.
    const lost = call.stream === undefined ? checkLoss(session, [call], clock.now()) : undefined;
    if (lost !== undefined) {
      return no((member, now) => clientErrors.transactionAborted(member, snapshots.take(), lost, now));
    }
    if (call.facts.dispatch !== "quit" && !call.isWish) {
      const refusal = availability?.refusal(call);
      if (refusal !== undefined) return no(refusal);
    }
    if (connection.isOpen) return { kind: "send" };
    wake();
    // There is a connection, and it will take the command.
    const hasTurn = connection.isServing || connection.isPausedBy("backoff") || connection.isPausedBy("block");
    if (policy.queue !== false || hasTurn) return { kind: "wait" };
    return no((member, now) => clientErrors.unavailable(member, snapshots.take(), now));
  }
}

function no(error: (call: Call, now: number) => Error): Verdict {
  return { kind: "reject", error };
}
