/**
 * What becomes of calls that were sent: a reply settles them, an error reply is judged, or another engine carries them on. It
 * counts the answers and how long they took. `replied` runs for every command.
 */
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { sanitizeError } from "../failure/redact.js";
import type { Call, CallOwner, Handover } from "./call.js";
import type { ErrorReplies } from "./error-replies.js";
import type { InFlight } from "./in-flight.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import { LatencyHistogram } from "./latency.js";
import type { OfflineQueue } from "./offline-queue.js";
import { holdsReadOnly, saysReadOnly } from "./read-only.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import { endBatch } from "./stream-batch.js";

export interface RepliesParts {
  readonly settlement: Settlement;
  readonly inFlight: InFlight;
  readonly queue: OfflineQueue;
  readonly session: SessionState;
  readonly issued: IssuedTransactions;
  readonly membership: EndpointMembership;
  readonly errorReplies: ErrorReplies;
  /** The call that is being handed to the transport right now. */
  readonly writing: () => Call | undefined;
  /** It was refused before anything of it was written. */
  readonly refusedUnwritten: (call: Call, error: Error) => void;
}

export class Replies implements CallOwner {
  readonly latency = new LatencyHistogram();
  readonly #parts: RepliesParts;
  readonly #settlement: Settlement;
  readonly #inFlight: InFlight;
  readonly #membership: EndpointMembership;
  #lastElementAt: number | undefined = undefined;

  constructor(parts: RepliesParts) {
    this.#parts = parts;
    this.#settlement = parts.settlement;
    this.#inFlight = parts.inFlight;
    this.#membership = parts.membership;
  }

  /** When a blocking command last brought something, on the monotonic clock. */
  get lastElementAt(): number | undefined {
    return this.#lastElementAt;
  }

  replied(call: Call, value: unknown): void {
    this.#inFlight.answered(call);
    call.answered();
    if (call.state !== "sent") return;
    call.list?.remove(call);
    this.#countAnswer(call);
    this.latency.note(call.startedAt);
    if (call.facts.consumes && value !== null) this.#lastElementAt = clock.now();
    this.#membership.endpoint.succeeded(call.facts.writes);
    if (call.batch !== undefined) this.#settlement.rejectRefused(call.batch.replied(call, value), clock.now());
    if (call.facts.session === "exec" && holdsReadOnly(value)) this.#membership.endpoint.readOnly(call.sentAt);
    call.settleWith(value);
    // As `leave` does, without a call for every reply.
    this.#inFlight.count--;
    if (this.#inFlight.isAwaited) this.#inFlight.settled();
  }

  failed(call: Call, error: Error): void {
    const { session, issued, errorReplies, writing, refusedUnwritten } = this.#parts;
    this.#inFlight.answered(call);
    call.answered();
    if (call.state === "settling") {
      call.rejectCommand(error);
      return;
    }
    if (call.facts.touchesSession) session.refused(call.command);
    if (call.state !== "sent") {
      issued.refused(call);
      return;
    }
    sanitizeError(error);
    if (writing() === call) {
      // Refused by ioredis before anything was written, for instance in RESP2 subscriber mode.
      this.#settlement.rejectAsIs(call, error, false, clock.now());
      refusedUnwritten(call, error);
      return;
    }
    this.#countAnswer(call);
    if (saysReadOnly(error)) this.#membership.endpoint.readOnly(call.sentAt);
    errorReplies.received(call, error);
    issued.refused(call);
  }

  handOver(call: Call): Handover {
    if (call.state === "sent") this.#inFlight.leave();
    else this.#parts.queue.remove(call);
    const handover = call.handover();
    if (call.stream !== undefined) endBatch(call.stream);
    call.detach();
    return handover;
  }

  #countAnswer({ facts: { family } }: Call): void {
    const { counters, outcomes } = this.#settlement;
    counters.answered++;
    outcomes.answered[family] = (outcomes.answered[family] ?? 0) + 1;
  }
}
