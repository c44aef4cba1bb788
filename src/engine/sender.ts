/**
 * Writes calls to the connection: each is counted as in flight, what it does to the session is noted, and the silence that may
 * follow is watched. Whether a call may be sent is decided before. `send` runs for every command.
 */
import { clock } from "../clock.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { Call } from "./call.js";
import * as clientErrors from "./client-errors.js";
import type { ConnectionState } from "./connection-state.js";
import type { IncompleteTransactions } from "./incomplete-transactions.js";
import type { InFlight } from "./in-flight.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { Transport } from "./ports.js";
import type { Redial } from "./redial.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import type { SilenceHold } from "./silence-hold.js";
import type { Unsendable } from "./unsendable.js";

export interface SenderParts {
  readonly membership: EndpointMembership;
  readonly connection: ConnectionState;
  readonly session: SessionState;
  readonly issued: IssuedTransactions;
  readonly inFlight: InFlight;
  readonly silence: SilenceHold;
  readonly settlement: Settlement;
  readonly transport: Transport;
  readonly unsendable: Unsendable;
  readonly incomplete: IncompleteTransactions;
  readonly redial: Redial;
}

export class Sender {
  readonly #membership: EndpointMembership;
  readonly #connection: ConnectionState;
  readonly #session: SessionState;
  readonly #issued: IssuedTransactions;
  readonly #inFlight: InFlight;
  readonly #silence: SilenceHold;
  readonly #settlement: Settlement;
  readonly #transport: Transport;
  readonly #unsendable: Unsendable;
  readonly #incomplete: IncompleteTransactions;
  readonly #redial: Redial;
  #writing: Call | undefined = undefined;

  constructor(parts: SenderParts) {
    this.#membership = parts.membership;
    this.#connection = parts.connection;
    this.#session = parts.session;
    this.#issued = parts.issued;
    this.#inFlight = parts.inFlight;
    this.#silence = parts.silence;
    this.#settlement = parts.settlement;
    this.#transport = parts.transport;
    this.#unsendable = parts.unsendable;
    this.#incomplete = parts.incomplete;
    this.#redial = parts.redial;
  }

  /** The call that is being handed to the transport right now. */
  get writing(): Call | undefined {
    return this.#writing;
  }

  send(call: Call, now: number): void {
    const { isStateless, touchesSession } = call.facts;
    if (touchesSession && this.#issued.isIncomplete(call)) {
      this.#incomplete.discard(call, now);
      return;
    }
    call.send(now);
    if (call.goesAgain) this.#countAgain(call);
    this.#inFlight.count++;
    const session = this.#session;
    // The members of a MULTI that is sent as a batch count on nothing but the batch.
    if (touchesSession || (session.isHolding && (call.stream === undefined || session.openBatch !== call.stream))) {
      this.#noteSession(call);
    }
    if (call.isAsking) this.#transport.asking();
    this.#writing = call;
    let bytes = 1;
    try {
      bytes = this.#transport.write(call.command, call.stream, isStateless);
    } catch (thrown) {
      this.#unsendable.threw(call, thrown);
    }
    this.#writing = undefined;
    if (call.state !== "sent") return;
    if (this.#inFlight.written(call, bytes)) this.#connection.pause("full");
    if (!this.#silence.isWatching) this.#silence.watch(call, now);
  }

  /** ioredis sends a command of ours again on its own account (`reconnectOnError` returned 2, or a deferred HIMPORT). */
  sendAgain(call: Call): void {
    if (call.state !== "sent") return;
    call.takeOver();
    // Outside its MULTI a queued command would run on its own.
    if (call.batch?.transaction === true && (call.command.inTransaction || call.facts.session === "exec")) {
      const settlement = this.#settlement;
      settlement.reject(call, clientErrors.transactionAborted(call, settlement.snapshot(), "MULTI", clock.now()));
      return;
    }
    call.stream = call.batch = undefined;
    this.#transport.write(call.command, undefined);
  }

  /** Counted when it is sent: what waits to go again may never go. */
  #countAgain(call: Call): void {
    call.goesAgain = false;
    this.#settlement.counters.retried++;
    this.#membership.endpoint.observer.retried();
  }

  #noteSession(call: Call): void {
    const context = this.#session.sent(call.command, call.stream);
    // A batch of its own brings its guard along, if any.
    if (context?.guard === "WATCH" && call.batch !== undefined) call.batch.isGuarded = true;
    call.transaction = context;
    if (call.facts.dispatch === "quit") this.#connection.drain();
    if (call.facts.session === "reset") this.#renew(call);
  }

  /** RESET takes the user, the protocol and the database from a connection: what follows goes on one that has them. */
  #renew(reset: Call): void {
    this.#connection.pause("moving");
    reset.whenAnswered(() => this.#redial.whenIdle());
  }
}
