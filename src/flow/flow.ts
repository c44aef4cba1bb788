/**
 * The journey of every command of one client: admitted or refused, made to wait or sent, answered, lost, resent or
 * expired, and settled exactly once. It owns the order of these steps and the state of the connection as commands see
 * it; each decision is in a file of its own. Standalone clients and Cluster share it.
 */
import type { Command } from "ioredis";
import { batchOf, startBatch, type Verdict, withBatches } from "../command/batch.js";
import { Call, callOf, letGo, takeOver, type CallOptions, type CallOwner } from "../command/call.js";
import { traitsOf } from "../command/traits.js";
import type { BatchStream, CommandItem } from "../connection/internals.js";
import { classify } from "../failure/classify.js";
import { sanitizeError } from "../failure/redact.js";
import type { Logger } from "../observe/logger.js";
import type { Policy } from "../options/policy.js";
import { abandonTransactions } from "./abandon.js";
import { listenForAbort } from "./abort.js";
import { Admission } from "./admission.js";
import type { CircuitKind } from "./circuit.js";
import { Deadlines, type DeadlineList } from "./deadlines.js";
import { Desk, type Fallback } from "./desk.js";
import type { Diversion } from "./diversion.js";
import { Endpoint, type Examine, type Member } from "./endpoint.js";
import { ErrorReplies } from "./error-replies.js";
import { Eviction } from "./eviction.js";
import { Gate } from "./gate.js";
import { Lateness } from "./lateness.js";
import { Loss, type ScriptEffect } from "./loss.js";
import { Reach } from "./reach.js";
import * as refusal from "./refusal.js";
import { Retrier } from "./retry.js";
import { Session } from "./session.js";
import { Slices } from "./slices.js";
import type { BlockingLimit, Phase, Transport } from "./transport.js";

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
  endpoint: Endpoint;
  phase: Phase = "open";
  inFlight = 0;
  /** The connection takes commands and nothing must go first. Read for every command. */
  isOpen = false;
  isReady = false;
  isReopening = false;
  /** A blocking command has the connection to itself; what comes meanwhile waits. */
  isHeld = false;
  /** The connection is there for blocking commands: a probe would wait behind one. */
  isAside = false;
  /** Takes blocking commands elsewhere. */
  diversion: Diversion | undefined = undefined;
  #writing: Call | undefined = undefined;
  #onIdle: (() => void) | undefined = undefined;
  readonly #admission: Admission;
  readonly #lateness: Lateness;
  readonly #loss: Loss;
  readonly #errorReplies: ErrorReplies;
  readonly #eviction: Eviction;
  /** The deadline list of ordinary commands. */
  readonly #patience: DeadlineList | undefined;
  readonly #join: () => Endpoint;

  constructor(options: FlowOptions) {
    const { policy, transport, label, logger } = options;
    this.policy = policy;
    this.transport = transport;
    this.blockingLimit = options.blockingLimit;
    this.scriptEffect = options.scriptEffect;
    this.desk = new Desk(label, transport, options.fallback, (code) => this.endpoint.incident.rejected(code));
    this.gate = new Gate(policy.queue);
    this.deadlines = new Deadlines((calls, report) => this.#lateness.expired(calls, report));
    this.#patience = policy.deadline === false ? undefined : this.deadlines.pinnedList(policy.deadline);
    this.reach = new Reach(policy.breaker === false ? undefined : policy.breaker.downAfter, () => this.#downTooLong());
    this.retrier = new Retrier(policy.retry, { release: () => this.#release() });
    this.#join = () => Endpoint.join(this, label, policy, logger, options.examine);
    this.endpoint = this.#join();
    this.#admission = new Admission(this);
    this.#lateness = new Lateness(this);
    this.#loss = new Loss(this);
    this.#errorReplies = new ErrorReplies(this);
    this.#eviction = new Eviction(this);
  }

  get isHolding(): boolean {
    return this.retrier.isHolding || this.isHeld;
  }

  retryIn(): number {
    return this.transport.retryIn();
  }

  get waitingCount(): number {
    return this.gate.size;
  }

  // ---- entering

  /** A command enters. Its own promise tells the outcome, so nothing is returned. */
  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const known = callOf(command);
    if (known !== undefined) {
      this.#resume(known);
      return;
    }
    const now = performance.now();
    const traits = traitsOf(command.name);
    if (traits.carriage === "blocking" && stream === undefined && this.#moveAside(command, options)) return;
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
      this.#send(call, now);
    } else {
      this.#admit(call, now);
    }
  }

  /** A blocking command outside a batch may go elsewhere, unless others that came before it still wait here. */
  #moveAside(command: Command, options: CallOptions | undefined): boolean {
    const mayPass = this.isOpen || (this.isHeld && this.gate.isEmpty);
    return mayPass && this.diversion !== undefined && this.diversion.divert(command, options);
  }

  #admit(call: Call, now: number): void {
    const { signal } = call.options ?? {};
    if (signal?.aborted === true) {
      this.desk.reject(call, refusal.aborted(call, this.desk.scene(), now));
      return;
    }
    const verdict = call.stream === undefined ? this.#admission.verdict(call) : this.#memberVerdict(call, call.stream);
    if (verdict.kind === "reject") {
      this.desk.reject(call, verdict.error(call));
      return;
    }
    if (signal !== undefined) listenForAbort(this, call, signal);
    if (verdict.kind === "send") {
      this.#arm(call, this.#admission.onceSent(call), now);
      this.#send(call, now);
    } else if (call.traits.carriage === "quit" && this.gate.isEmpty) this.endForQuit(call);
    else if (this.gate.add(call)) {
      this.#arm(call, this.#admission.whileWaiting(call), now);
      if (this.isHeld) this.diversion?.awaited();
    } else this.#eviction.full(call);
  }

  /** The first member of a batch decides for all. */
  #memberVerdict(call: Call, stream: BatchStream): Verdict {
    const batch = batchOf(stream) ?? startBatch(stream, this.#admission.verdict(call));
    batch.add(call);
    return batch.verdict;
  }

  #arm(call: Call, allowance: number, now: number): void {
    if (allowance === Infinity) {
      call.list?.remove(call);
      call.expiresAt = Infinity;
    } else this.deadlines.arm(call, this.deadlines.list(allowance), now);
  }

  // ---- sending

  #send(call: Call, now: number): void {
    call.state = "sent";
    call.attempts++;
    call.sentAt = now;
    this.inFlight++;
    if (call.traits.carriage !== "plain" || this.session.isHolding) {
      this.session.sent(call);
      if (call.traits.carriage === "quit") this.#leave("quitting");
    }
    this.#writing = call;
    this.transport.write(call.command, call.stream, call.traits.bare);
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

  /** The connection is ready: everything that waits goes out, in order, before anything new. */
  opened(): void {
    this.slices.finish();
    this.isReady = true;
    this.reach.reset();
    if (this.endpoint.refusing === 2 && !this.#admission.waitsForEver) void this.#reopen();
    else {
      if (!this.isHolding) this.#release();
      void this.endpoint.reachable();
    }
  }

  async #reopen(): Promise<void> {
    this.isReopening = true;
    await this.endpoint.reachable();
    this.isReopening = false;
    if (this.endpoint.refusing === 2) this.circuitOpened();
    else this.#release();
  }

  #release(): Call | undefined {
    if (!this.isReady || this.isHeld) return undefined;
    const now = performance.now();
    const { transport } = this;
    let first: Call | undefined;
    // Calls that come back from a lost connection belong to the database that was selected when they were sent.
    let home = transport.database();
    this.isOpen = this.phase === "open";
    const calls = this.gate.take();
    const late = withBatches(calls.filter((call) => call.expiresAt <= now));
    for (const call of calls) {
      if (late.has(call)) continue;
      if (call.traits.carriage === "blocking" && call.stream === undefined) {
        if (this.#moveAside(call.command, call.options)) {
          letGo(call.command);
          continue;
        }
      }
      // A blocking command's own time starts when it is sent.
      if (call.traits.carriage === "blocking" || this.#admission.waitsForEver)
        this.#arm(call, this.#admission.onceSent(call), now);
      if (call.attempts > 0) takeOver(call);
      const database = call.db ?? home;
      if (database !== transport.database() && call.traits.name !== "select") transport.select(database);
      first ??= call;
      this.#send(call, now);
      if (call.traits.name === "select") home = transport.database();
    }
    if (home !== transport.database()) transport.select(home);
    if (late.size > 0) this.#lateness.expired([...late], { late: 0 });
    return first;
  }

  /** Keeps the connection for the blocking command that was just sent. Ends with `unhold` or with the connection. */
  hold(): void {
    this.isHeld = true;
    this.isOpen = false;
  }

  unhold(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (!this.retrier.isHolding) this.#release();
  }

  // ---- outcomes

  replied(call: Call, value: unknown): void {
    if (call.state !== "sent") return;
    call.list?.remove(call);
    this.desk.stats.answered++;
    this.endpoint.succeeded(call.traits.writes);
    if (call.batch !== undefined) this.desk.rejectRefused(call.batch.replied(call, value));
    call.state = "settling";
    call.resolveCommand(value);
    call.state = "settled";
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
      return;
    }
    this.desk.stats.answered++;
    this.#errorReplies.received(call, error);
  }

  leaveFlight(): void {
    if (--this.inFlight === 0 && this.#onIdle !== undefined) this.#onIdle();
  }

  redialWhenIdle(): void {
    this.#onIdle = () => {
      this.#onIdle = undefined;
      this.transport.redial();
    };
  }

  // ---- the connection comes and goes

  /** The connection closed with these commands written and unanswered, oldest first. `fatal`: its replies made no sense. */
  connectionLost(items: readonly CommandItem[], cause: Error | undefined, fatal = false): void {
    if (this.isReady) this.endpoint.lost();
    this.isOpen = this.isReady = this.isHeld = false;
    this.#onIdle = undefined;
    this.retrier.stop();
    this.session.connectionLost(abandonTransactions(this.session, this.gate, this.desk));
    const calls: Call[] = [];
    for (const { command, select } of items) {
      const call = callOf(command);
      if (call?.state !== "sent") continue;
      call.state = "lost";
      call.db = select;
      this.inFlight--;
      calls.push(call);
    }
    this.#loss.decide(calls, cause, fatal);
  }

  /** A connection attempt begins. */
  connecting(): void {
    this.reach.down();
  }

  connectionFailed(error: Error): void {
    if (this.phase !== "open") return;
    this.endpoint.incident.failed(classify(error, { ...this.transport.context(), written: false }), 0);
  }

  #downTooLong(): void {
    const context = this.transport.context();
    const cause = this.transport.lastError() ?? refusal.noConnection(this.endpoint.label, context.phase);
    this.endpoint.unreachable(classify(cause, { ...context, written: false }));
    this.circuitOpened();
  }

  circuitOpened(): void {
    this.#eviction.circuitOpened((call) => this.#admission.circuitVerdict(call)?.error);
  }

  probe(kind: CircuitKind): Promise<boolean> {
    return this.transport.probe(kind, this.policy.breaker === false ? PROBE_TIMEOUT : this.policy.breaker.probeTimeout);
  }

  failWaitingWith(error: Error): void {
    this.#eviction.failed(error);
  }

  // ---- the end

  #leave(phase: "quitting" | "draining"): void {
    if (this.phase === "open") this.phase = phase;
    this.isOpen = false;
  }

  /** Takes no more commands; resolves when nothing is in flight or waiting, at the latest after `drain` milliseconds. */
  async drain(drain: number): Promise<void> {
    if (this.phase === "closed") return;
    this.#leave("draining");
    const until = performance.now() + drain;
    while ((this.inFlight > 0 || !this.gate.isEmpty) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(5, Math.max(1, until - performance.now()))));
    }
  }

  /** The owner is closing the client: what waits will never be sent. */
  closing(): void {
    this.#leave("draining");
    this.#eviction.closed();
  }

  /** The client has ended. It can be revived by `connect()`. */
  ended(): void {
    this.phase = "closed";
    this.isOpen = this.isReady = this.isHeld = false;
    this.retrier.stop();
    this.slices.finish();
    this.#eviction.closed();
    this.deadlines.stop();
    this.reach.reset();
    this.endpoint.leave(this);
  }

  /** The client connects again after it had ended. */
  revived(): void {
    if (this.phase === "closed") this.endpoint = this.#join();
    this.phase = "open";
  }

  /** QUIT that cannot be sent or answered still means: end. */
  endForQuit(call: Call): void {
    this.withdraw(call);
    this.desk.resolve(call, OK);
    this.transport.end();
  }

  /** Takes a call out of wherever it is. */
  withdraw(call: Call): void {
    if (call.state === "waiting") this.gate.remove(call);
    else if (call.state === "sent") this.leaveFlight();
  }
}

/** Adds a call to a batch that is already on its way; the first member takes the long way round. */
function joinSending(call: Call, stream: BatchStream): boolean {
  const batch = batchOf(stream);
  if (batch?.verdict.kind !== "send") return false;
  batch.add(call);
  return true;
}

const OK = Buffer.from("OK");
