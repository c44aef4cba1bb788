/**
 * The journey of every command of one client: admitted or refused, made to wait or sent, answered, lost, resent or
 * expired, and settled exactly once. It owns the order of these steps and the state of the connection as commands see
 * it; each decision is in a file of its own. Standalone clients and Cluster share it.
 */
import type { Command } from "ioredis";
import { Call, callOf, takeOver, type CallOptions, type CallOwner } from "../command/call.js";
import { isUnencodable } from "../command/encoding.js";
import { traitsOf } from "../command/traits.js";
import type { BatchStream } from "../connection/internals.js";
import type { Code } from "../failure/codes.js";
import { sanitizeError } from "../failure/redact.js";
import type { Logger } from "../observe/logger.js";
import type { Policy } from "../policy/shape.js";
import { Admission } from "./admission.js";
import type { CircuitKind } from "./circuit.js";
import { Deadlines, type DeadlineList } from "./deadlines.js";
import { Desk } from "./desk.js";
import type { Diversion } from "./diversion.js";
import { Endpoint, type Examine, type Member } from "./endpoint.js";
import { Entrance, joinSending } from "./entrance.js";
import { ErrorReplies } from "./error-replies.js";
import { Eviction } from "./eviction.js";
import type { Fallback } from "./fallback.js";
import { Gate } from "./gate.js";
import { Lateness } from "./lateness.js";
import { Lifetime } from "./lifetime.js";
import { Loss, type ScriptEffect } from "./loss.js";
import { Outage } from "./outage.js";
import { Outlet } from "./outlet.js";
import { Reach } from "./reach.js";
import { holdsReadOnly, saysReadOnly } from "./read-only.js";
import * as refusal from "./refusal.js";
import { RefusedCalls } from "./refused.js";
import { Retrier } from "./retry.js";
import { Session } from "./session.js";
import { Slices } from "./slices.js";
import type { BlockingLimit, Phase, Transport } from "./transport.js";
import { Unsendable } from "./unsendable.js";

export interface FlowOptions {
  readonly policy: Policy;
  readonly transport: Transport;
  /** The endpoint's name, for people. */
  readonly label: string;
  readonly logger: Logger;
  readonly fallback?: Fallback | undefined;
  readonly examine?: Examine | undefined;
  readonly blockingLimit?: BlockingLimit | undefined;
  /** What the owner of a script declared of it. */
  readonly scriptEffect?: ((command: Command) => ScriptEffect | undefined) | undefined;
}

/** Deadline of a probe when the breaker, which has its own, is off. Milliseconds. */
const PROBE_TIMEOUT = 1_000;

export class Flow implements CallOwner, Member {
  readonly policy: Policy;
  readonly transport: Transport;
  readonly blockingLimit: BlockingLimit | undefined;
  readonly scriptEffect: FlowOptions["scriptEffect"];
  readonly desk: Desk;
  readonly gate: Gate;
  readonly session: Session = new Session();
  readonly slices: Slices = new Slices();
  readonly deadlines: Deadlines;
  readonly reach: Reach;
  readonly retrier: Retrier;
  readonly refused: RefusedCalls;
  readonly admission: Admission;
  readonly eviction: Eviction;
  readonly lateness: Lateness;
  readonly lifetime: Lifetime;
  readonly outlet: Outlet;
  readonly outage: Outage;
  readonly loss: Loss;
  readonly unsendable: Unsendable;
  endpoint: Endpoint;
  phase: Phase = "open";
  inFlight = 0;
  /** The connection takes commands and nothing must go first. Read for every command. */
  isOpen = false;
  isReady = false;
  isReopening = false;
  /** A blocking command has the connection to itself; what comes meanwhile waits. */
  isHeld = false;
  /** The connection is dropped as soon as nothing is in flight on it; what comes meanwhile waits. */
  isMoving = false;
  /** The connection is there for blocking commands: a probe would wait behind one. */
  isAside = false;
  /** Takes blocking commands elsewhere. */
  diversion: Diversion | undefined = undefined;
  #writing: Call | undefined = undefined;
  #onIdle: (() => void) | undefined = undefined;
  readonly #entrance: Entrance;
  readonly #errorReplies: ErrorReplies;
  /** The deadline list of ordinary commands. */
  readonly #patience: DeadlineList | undefined;
  readonly #join: () => Endpoint;

  constructor(options: FlowOptions) {
    const { policy, transport, label, logger } = options;
    this.policy = policy;
    this.transport = transport;
    this.blockingLimit = options.blockingLimit;
    this.scriptEffect = options.scriptEffect;
    const unsent = (code: Code): void => {
      this.endpoint.rejected(code);
      if (!this.isReady) this.transport.hurry();
    };
    this.desk = new Desk(label, transport, unsent, options.fallback, policy.deadline);
    this.gate = new Gate(policy.queue);
    this.deadlines = new Deadlines((calls, report) => this.lateness.expired(calls, report));
    this.#patience = policy.deadline === false ? undefined : this.deadlines.pinnedList(policy.deadline);
    this.reach = new Reach(policy.breaker === false ? undefined : policy.breaker.downAfter, () =>
      this.outage.tooLong(),
    );
    this.retrier = new Retrier(policy.retry, {
      probe: () => this.outlet.probe(),
      release: () => this.outlet.release(),
    });
    this.refused = new RefusedCalls(this);
    this.#join = () => Endpoint.join(this, label, policy, logger, options.examine);
    this.endpoint = this.#join();
    this.admission = new Admission(this);
    this.eviction = new Eviction(this);
    this.lateness = new Lateness(this);
    this.lifetime = new Lifetime(this);
    this.outlet = new Outlet(this);
    this.loss = new Loss(this);
    this.unsendable = new Unsendable(this);
    this.outage = new Outage(this);
    this.#entrance = new Entrance(this);
    this.#errorReplies = new ErrorReplies(this);
  }

  get isHolding(): boolean {
    return this.isRetrying || this.isHeld || this.isMoving;
  }

  /** Something was refused and waits for another try: what comes now goes behind it. */
  get isRetrying(): boolean {
    return this.retrier.isHolding || this.refused.isPending;
  }

  // ---- entering

  /** A command enters. Its own promise tells the outcome, so nothing is returned. */
  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const known = callOf(command);
    if (known !== undefined) {
      this.#resume(known);
      return;
    }
    if (isUnencodable(command)) {
      this.unsendable.refuse(command, stream, options);
      return;
    }
    const now = performance.now();
    const traits = traitsOf(command.name);
    if (traits.carriage === "blocking" && stream === undefined) {
      this.#entrance.finishBatch();
      if (this.moveAside(command, options)) return;
    }
    const call = new Call(this, command, traits, stream, options, now);
    if (
      this.isOpen &&
      traits.carriage === "plain" &&
      options === undefined &&
      this.endpoint.refusing === 0 &&
      !this.session.isLost &&
      (stream === undefined || joinSending(call, stream))
    ) {
      if (this.#patience !== undefined) this.deadlines.arm(call, this.#patience, now);
      this.send(call, now);
    } else {
      this.#entrance.admit(call, now);
    }
  }

  /** A blocking command outside a batch may go elsewhere, unless others that came before it still wait here. */
  moveAside(command: Command, options: CallOptions | undefined): boolean {
    const mayPass = this.isOpen || (this.isHeld && this.gate.isEmpty);
    return mayPass && this.diversion !== undefined && this.diversion.divert(command, options);
  }

  // ---- sending

  send(call: Call, now: number): void {
    call.state = "sent";
    call.attempts++;
    call.sentAt = now;
    this.inFlight++;
    if (call.traits.carriage !== "plain" || this.session.isHolding) {
      this.session.sent(call);
      if (call.traits.carriage === "quit") this.lifetime.leave("quitting");
    }
    this.#writing = call;
    try {
      this.transport.write(call.command, call.stream, call.traits.bare);
    } catch (thrown) {
      this.unsendable.threw(call, thrown);
    }
    this.#writing = undefined;
  }

  /** ioredis found the socket not writable and would have queued the command: it was not written, so it waits here. */
  returned(command: Command): void {
    const call = callOf(command);
    if (call?.state !== "sent") return;
    this.inFlight--;
    call.attempts--;
    this.isOpen = false;
    this.gate.giveBack(call);
    if (this.policy.queue === false && call.attempts === 0) {
      this.gate.remove(call);
      this.desk.reject(call, refusal.unavailable(call, this.desk.scene(), performance.now()));
    }
  }

  /** ioredis sends a command of ours again on its own account (`reconnectOnError` returned 2, or a deferred HIMPORT). */
  #resume(call: Call): void {
    if (call.state !== "sent") return;
    takeOver(call);
    // Outside its MULTI a queued command would run on its own.
    if (call.batch?.transaction === true && (call.command.inTransaction || call.traits.name === "exec")) {
      this.leaveFlight();
      this.desk.reject(call, refusal.transactionAborted(call, this.desk.scene(), "MULTI", performance.now()));
      return;
    }
    call.stream = call.batch = undefined;
    this.transport.write(call.command, undefined);
  }

  // ---- outcomes

  replied(call: Call, value: unknown): void {
    if (call.state !== "sent") return;
    call.list?.remove(call);
    this.desk.stats.answered++;
    this.endpoint.succeeded(call.traits.writes);
    if (call.traits.carriage === "transaction" && holdsReadOnly(value)) this.endpoint.readOnly(call.sentAt);
    if (call.batch !== undefined) this.desk.rejectRefused(call.batch.replied(call, value));
    call.settleWith(value);
    if (call.observer !== undefined) call.observer();
    this.leaveFlight();
  }

  failed(call: Call, error: Error): void {
    if (call.state === "settling") {
      call.rejectCommand(error);
      return;
    }
    if (call.state !== "sent") return;
    sanitizeError(error);
    if (this.#writing === call) {
      // Refused by ioredis before anything was written, for instance in RESP2 subscriber mode.
      this.leaveFlight();
      this.desk.rejectAsIs(call, error, false);
      this.unsendable.refused(call, error);
      return;
    }
    this.desk.stats.answered++;
    if (saysReadOnly(error)) this.endpoint.readOnly(call.sentAt);
    this.#errorReplies.received(call, error);
  }

  // ---- as the endpoint sees it

  get waitingCount(): number {
    return this.gate.size;
  }

  retryIn(): number {
    return this.transport.retryIn();
  }

  circuitOpened(): void {
    this.outage.circuitOpened();
  }

  circuitClosed(): void {
    this.outlet.circuitClosed();
  }

  findsWriter(): Promise<boolean> {
    return this.transport.findsWriter();
  }

  probe(kind: CircuitKind): Promise<boolean> {
    return this.transport.probe(kind, this.policy.breaker === false ? PROBE_TIMEOUT : this.policy.breaker.probeTimeout);
  }

  // ---- what the parts ask of each other

  /** Takes a call out of wherever it is. */
  withdraw(call: Call): void {
    if (call.state === "waiting") this.gate.remove(call);
    else if (call.state === "sent") this.leaveFlight();
  }

  leaveFlight(): void {
    if (--this.inFlight === 0 && this.#onIdle !== undefined) this.#onIdle();
  }

  /** Replies that are under way are never lost to a move of our own choice. */
  redialWhenIdle(): void {
    if (!this.isReady || this.phase !== "open") return;
    // A blocking command may take long: nothing else waits for its end.
    if (!this.isHeld) {
      this.isMoving = true;
      this.isOpen = false;
    }
    this.#onIdle = () => {
      this.#onIdle = undefined;
      if (this.transport.redial()) return;
      this.isMoving = false;
      this.outlet.circuitClosed();
    };
    if (this.inFlight === 0) this.#onIdle();
  }

  forgetIdle(): void {
    this.#onIdle = undefined;
    this.isMoving = false;
  }

  rejoin(): void {
    this.endpoint = this.#join();
  }

  part(): void {
    this.endpoint.leave(this);
  }
}
