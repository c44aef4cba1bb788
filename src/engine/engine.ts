/**
 * The journey of every command of one connection: admitted or refused, made to wait or sent, answered, lost, resent or
 * expired, and settled exactly once. It owns the order of these steps; each decision is in a file of its own. It knows its
 * connection as a `Transport`, and hears of it through `TransportEvents`.
 */
import type { Command } from "ioredis";
import { clock, setUnrefTimeout } from "../clock.js";
import { factsOf } from "../command/facts.js";
import type { ScriptEffect } from "../command/scripts.js";
import type { Endpoint, Member } from "../endpoint/endpoint.js";
import { EndpointMembership, type EndpointIdentity } from "../endpoint/registry.js";
import { classify } from "../failure/classify.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { IoredoubtErrorDetails } from "../failure/errors.js";
import { sanitizeError } from "../failure/redact.js";
import { probeTimeoutOf } from "../policy/probe-timeout.js";
import type { Policy } from "../policy/shape.js";
import { AbortedCalls } from "./aborted-calls.js";
import { Admission } from "./admission.js";
import { Availability } from "./availability.js";
import { BatchCollector } from "./batch-collector.js";
import { batchOf, endBatch, joinSending, startBatch, type Verdict } from "./stream-batch.js";
import { Call, callOf, isUnencodable, isUpTo, lastOrder, type CallOwner, type Handover } from "./call.js";
import * as clientErrors from "./client-errors.js";
import { ConnectionState, type PauseReason } from "./connection-state.js";
import { DeadlineExpiry } from "./deadline-expiry.js";
import { Deadlines, type DeadlineList } from "./deadlines.js";
import { DowntimeTracker, type Absence } from "./downtime.js";
import type { Elsewhere } from "./elsewhere.js";
import { ErrorReplies } from "./error-replies.js";
import { FailureSnapshots, type FailureSnapshot } from "./failure-snapshot.js";
import type { Fallback } from "./fallback.js";
import { Flights } from "./flights.js";
import { InFlight } from "./in-flight.js";
import { IssuedTransactions } from "./issued-transactions.js";
import { LatencyHistogram } from "./latency.js";
import { Lifecycle } from "./lifecycle.js";
import { LostCommands } from "./lost-commands.js";
import { OfflineQueue, type QueueBounds, type QueueSize } from "./offline-queue.js";
import type { Outcomes } from "./outcomes.js";
import type {
  BatchStream,
  BlockingLimit,
  BlockingRouter,
  CallOptions,
  CircuitKind,
  Dispatcher,
  EngineCounters,
  LostItem,
  ServerInfo,
  Takeover,
  Transport,
  TransportEvents,
} from "./ports.js";
import { QueueRefusals } from "./queue-refusals.js";
import { holdsReadOnly, saysReadOnly } from "./read-only.js";
import { RefusedCommands } from "./refused-commands.js";
import { Relogin } from "./relogin.js";
import { Release } from "./release.js";
import { RetryDecision } from "./retry-decision.js";
import { RetryLoop } from "./retry-loop.js";
import { SessionState } from "./session-state.js";
import { SilenceHold } from "./silence-hold.js";
import { Settlement } from "./settlement.js";
import { Standing } from "./standing.js";
import { TimeLimits } from "./time-limits.js";
import { abandonTransactions, multiRefused } from "./transactions.js";
import { Unsendable } from "./unsendable.js";
import { WaitingBounds } from "./waiting-bounds.js";

export interface EngineOptions {
  readonly policy: Policy;
  readonly transport: Transport;
  readonly endpoint: EndpointIdentity;
  readonly fallback: Fallback | undefined;
  readonly blockingLimit: BlockingLimit | undefined;
  /** What the owner of a script declared of it. */
  readonly scriptEffect: (command: Command) => ScriptEffect | undefined;
  /** It serves blocking commands only: a probe would wait behind one. */
  readonly isForBlocking: boolean;
  /** Who carries on what its server does not serve; `undefined`: nobody, it is all there is. */
  readonly elsewhere?: Elsewhere | undefined;
  /** Something of the caller's own threw: it surfaces as an uncaught exception, as it would in ioredis. */
  readonly report: (thrown: unknown) => void;
}

/** A reply that has been due for longer is late, in milliseconds. */
const LATE = 250;
/** A server that was replaced may answer what it was sent before for so long, in milliseconds. */
const ANSWERS_FOR = 50;

export class Engine implements Dispatcher, TransportEvents, CallOwner, Member {
  readonly #options: EngineOptions;
  readonly #transport: Transport;
  readonly #membership: EndpointMembership;
  readonly #connection = new ConnectionState();
  readonly #session = new SessionState();
  readonly #inFlight: InFlight;
  readonly #silence: SilenceHold;
  readonly #bounds: WaitingBounds;
  readonly #aborted: AbortedCalls;
  readonly #issued = new IssuedTransactions();
  readonly #queue: OfflineQueue;
  readonly #snapshots: FailureSnapshots;
  readonly #settlement: Settlement;
  readonly #limits: TimeLimits;
  readonly #deadlines: Deadlines;
  /** The deadline list of ordinary commands. */
  readonly #usual: DeadlineList | undefined;
  readonly #downtime: DowntimeTracker;
  readonly #availability: Availability | undefined;
  readonly #flights: Flights;
  readonly #admission: Admission;
  readonly #release: Release;
  readonly #collector: BatchCollector;
  readonly #unsendable: Unsendable;
  readonly #retryLoop: RetryLoop;
  readonly #refused: RefusedCommands;
  readonly #errorReplies: ErrorReplies;
  readonly #lostCommands: LostCommands;
  readonly #refusals: QueueRefusals;
  readonly #lifecycle: Lifecycle;
  readonly #latency = new LatencyHistogram();
  readonly #standing = new Standing();
  #lastElementAt: number | undefined = undefined;
  /** Milliseconds that the present connection took to replace the one before; `undefined` for the first. */
  #away: number | undefined = undefined;
  #router: BlockingRouter | undefined = undefined;
  #writing: Call | undefined = undefined;
  /** Stands for the present connection, from when it is ready until it is lost. */
  #arrival: object | undefined = undefined;

  constructor(options: EngineOptions) {
    const { policy, transport, blockingLimit, fallback, scriptEffect, isForBlocking } = options;
    this.#options = options;
    this.#transport = transport;
    const connection = this.#connection;
    const session = this.#session;
    const inFlight = (this.#inFlight = new InFlight(policy.inFlight, () => this.#roomAgain()));
    const membership = (this.#membership = new EndpointMembership(options.endpoint));
    const queue = (this.#queue = new OfflineQueue(policy.queue));
    const snapshots = (this.#snapshots = new FailureSnapshots(options.endpoint.label, transport, queue, inFlight));
    const unsent = (code: Code): void => {
      membership.endpoint.rejected(code);
      if (!connection.isConnected) transport.hurry();
    };
    const settlement = (this.#settlement = new Settlement({
      snapshots,
      queue,
      inFlight,
      fallback,
      unsent,
      dropped: (call) => this.#dropped(call),
      failed: (failure) => membership.endpoint.observer.commandFailed(failure),
      fellBack: (command) => membership.endpoint.observer.fellBack(command),
    }));
    const limits = (this.#limits = new TimeLimits(policy, blockingLimit));
    // Where nothing may wait, nothing is held; and a connection for blocking commands has only those.
    const after = policy.queue !== false && !isForBlocking && policy.silenceHold;
    const silence = (this.#silence = new SilenceHold(
      { after, deadline: limits.usual },
      {
        isOwed: () => inFlight.unanswered > 0,
        owedFor: (now) => transport.owedFor(now),
        newest: () => this.#newest,
        whenNextReply: (run) => transport.whenNextReply(run),
        hold: () => {
          connection.pause("silence");
          options.elsewhere?.silent();
        },
        resume: (heldFor) => {
          this.#confirm(heldFor);
          this.resume("silence");
        },
        lasts: (silence) => {
          const error = clientErrors.silentSoFar(this.endpoint.label, silence);
          const diagnosis = classify(error, { ...transport.context(), written: true });
          this.endpoint.observer.connectionFailed(diagnosis, clock.now() - silence);
        },
      },
    ));
    this.#bounds = new WaitingBounds(policy, connection, inFlight, silence);
    this.#aborted = new AbortedCalls({ settlement, queue, transport, gaveUp: () => expiry.watchSilence() });
    const deadlines = (this.#deadlines = new Deadlines((calls, report) => {
      expiry.expired(this.#flights.expanded(calls), report);
    }));
    this.#usual = policy.deadline === false ? undefined : deadlines.pinnedList(policy.deadline);
    const downtime = (this.#downtime = new DowntimeTracker(
      policy.breaker === false ? undefined : policy.breaker.downAfter,
      () => this.#downTooLong(),
    ));
    const availability = (this.#availability = limits.waitsForever
      ? undefined
      : new Availability({ membership, connection, downtime, snapshots, transport }));
    this.#admission = new Admission({
      policy,
      connection,
      session,
      availability,
      snapshots,
      wake: () => transport.wake(),
    });
    this.#release = new Release({
      connection,
      queue,
      deadlines,
      transport,
      limits,
      blockingRouter: () => this.#router,
      send: (call, now) => this.#send(call, now),
      expired: (calls) => expiry.expired(calls, { late: 0 }),
      holdsWritesOnly: () => this.#retryLoop.writesOnly,
    });
    this.#flights = new Flights({
      owner: this,
      connection,
      session,
      issued: this.#issued,
      membership,
      transport,
      deadlines,
      usual: this.#usual,
      inFlight,
      silence,
      settlement,
      latency: this.#latency,
    });
    this.#collector = new BatchCollector({
      connection,
      session,
      availability,
      settlement,
      release: this.#release,
    });
    this.#unsendable = new Unsendable({
      owner: this,
      settlement,
      transport,
      inFlight,
      issued: this.#issued,
      report: options.report,
    });
    const decision = new RetryDecision({
      policy: policy.retry,
      membership,
      scriptEffect,
      backoffUntil: () => this.#retryLoop.backoffUntil,
      reprieve: (call, now) => deadlines.reprieve(call, now),
    });
    const retryLoop = (this.#retryLoop = new RetryLoop(policy.retry, connection, {
      probe: () => this.#release.probe(),
      release: () => this.#release.run(),
    }));
    const refused = (this.#refused = new RefusedCommands({
      settlement,
      queue,
      retryLoop,
      release: this.#release,
      transport,
      connection,
    }));
    const relogin = new Relogin({ transport, connection, retryLoop });
    this.#errorReplies = new ErrorReplies({
      settlement,
      snapshots,
      session,
      connection,
      membership,
      decision,
      retryLoop,
      refused,
      relogin,
      elsewhere: options.elsewhere,
    });
    this.#lostCommands = new LostCommands({ settlement, snapshots, queue, inFlight, decision, membership, connection });
    const refusals = (this.#refusals = new QueueRefusals(queue, settlement));
    const lifecycle = (this.#lifecycle = new Lifecycle({
      connection,
      membership,
      settlement,
      queue,
      inFlight,
      refusals,
      transport,
      stopTimers: () => {
        retryLoop.stop();
        silence.stop();
        downtime.reset();
      },
      restDeadlines: () => deadlines.rest(),
    }));
    const expiry = new DeadlineExpiry({
      settlement,
      queue,
      deadlines,
      transport,
      membership,
      limits,
      isHeld: () => connection.isPausedBy("silence"),
      endForQuit: (call) => lifecycle.endForQuit(call),
    });
    membership.enter(this);
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
      this.#unsendable.refuse(command, stream, options);
      return;
    }
    const now = clock.now();
    const facts = factsOf(command.name);
    if (facts.dispatch === "blocking" && stream === undefined) {
      this.#collector.finish();
      if (this.#divert(command, options)) return;
    }
    const call = new Call(this, command, facts, stream, options, now);
    if (facts.dispatch === "blocking") call.unpack();
    if (facts.touchesSession || this.#issued.isOpen) this.#issued.note(call);
    if (
      this.#connection.isOpen &&
      facts.dispatch === "plain" &&
      options === undefined &&
      this.#membership.endpoint.refusing === 0 &&
      !this.#session.isLost &&
      (stream === undefined || joinSending(call, stream))
    ) {
      if (this.#usual !== undefined) this.#deadlines.arm(call, this.#usual, now);
      this.#send(call, now);
    } else {
      this.#admit(call, now);
    }
  }

  dispatchBatch(commands: readonly Command[], stream: BatchStream): boolean {
    return this.#flights.send(commands, stream);
  }

  /** Blocking commands go to this router from now on, unless it declines. */
  divertTo(router: BlockingRouter): void {
    this.#router = router;
  }

  /** Carries on what another engine has handed over. `isAsking`: its slot is still arriving at this server. */
  adopt(from: Handover, isAsking: boolean): void {
    const now = clock.now();
    const call = new Call(this, from.command, factsOf(from.command.name), from.stream, from.options, from.startedAt);
    call.continue(from);
    call.isAsking = isAsking;
    if (call.facts.touchesSession || this.#issued.isOpen) this.#issued.note(call);
    this.#admit(call, now, from);
  }

  /** Gives a call up to another engine, whatever its state: from then on it is nobody's here. */
  handOver(call: Call): Handover {
    if (call.state === "sent") this.#inFlight.leave();
    else this.#queue.remove(call);
    const handover = call.handover();
    if (call.stream !== undefined) endBatch(call.stream);
    call.detach();
    return handover;
  }

  /** What waits here, oldest first. */
  waitingCalls(): readonly Call[] {
    return this.#queue.isEmpty ? [] : this.#queue.calls();
  }

  /** Runs once the fate of all that a lost connection took along is decided, now if nothing is open. */
  afterLosses(run: () => void): void {
    this.#settlement.afterSlices(run);
  }

  #admit(call: Call, now: number, from?: Handover): void {
    this.#collector.next(call.stream);
    if (call.facts.session === "multi" && call.stream === undefined) {
      call.whenSettled(() => {
        if (call.attempts > 0 || this.#issued.isUnended(call)) return;
        multiRefused(this.#session, call, this.#queue, this.#settlement);
      });
    }
    const { signal } = call.options ?? {};
    const settlement = this.#settlement;
    if (signal?.aborted === true) {
      settlement.reject(call, clientErrors.aborted(call, settlement.snapshot(), now));
      return;
    }
    const verdict = call.stream === undefined ? this.#admission.verdict(call) : this.#memberVerdict(call, call.stream);
    if (verdict.kind === "reject") {
      settlement.reject(call, verdict.error(call, now));
      return;
    }
    const { dispatch, session } = call.facts;
    if ((dispatch === "checked" || session === "reset") && this.#unsendable.refusesOutOfStep(call)) return;
    if (signal !== undefined) this.#aborted.watch(call, signal);
    if (dispatch === "quit" && call.batch === undefined) {
      // On a connection that works, QUIT waits for the replies that are due like everything else.
      const isNext = verdict.kind === "wait" && this.#queue.isEmpty && !this.#connection.isServing;
      if (isNext || this.#lifecycle.isHopeless(this.#limits.inAll(call.options))) {
        this.#lifecycle.endForQuit(call);
        return;
      }
      this.#lifecycle.quitWaits(call);
    }
    if (verdict.kind === "send") {
      this.#allow(call, this.#limits.onceSent(call), from, now);
      this.#send(call, now);
      return;
    }
    const bounds = this.#bounds.now;
    // What was admitted before is not refused for want of room.
    if (from !== undefined) this.#queue.giveBack(call);
    if (from !== undefined || this.#wait(call, bounds)) {
      this.#allow(call, this.#limits.whileWaiting(call), from, now);
      if (this.#connection.isPausedBy("block")) this.#router?.awaited();
      if (call.batch === undefined) this.#release.pass([call]);
    } else if (bounds !== false) this.#refusals.full(call, bounds);
  }

  /** What another engine has handed over keeps its deadline; a block gets its own anew. */
  #allow(call: Call, allowance: number, from: Handover | undefined, now: number): void {
    if (from === undefined || call.facts.dispatch === "blocking") this.#deadlines.allow(call, allowance, now);
    else this.#deadlines.carryOn(call, from.expiresAt, now);
  }

  #wait(call: Call, bounds: QueueBounds | false): boolean {
    if (!this.#collector.isFree(call.stream)) return this.#queue.add(call, bounds);
    this.#queue.giveBack(call);
    return true;
  }

  /** The first member of a batch decides for all, except where the whole batch must be seen. */
  #memberVerdict(call: Call, stream: BatchStream): Verdict {
    let batch = batchOf(stream);
    if (batch === undefined) {
      batch = startBatch(stream, this.#unsendable.verdict(call) ?? this.#admission.verdict(call));
      if (batch.verdict.kind !== "reject" && this.#mustCollect) this.#collector.begin(batch, stream);
    }
    batch.add(call);
    return batch.verdict;
  }

  /** Only writes are refused or held, so a batch of reads may go; or what a batch counts on may be lost. */
  get #mustCollect(): boolean {
    if (this.#session.isLost) return true;
    return this.#membership.endpoint.refusing === 1 || this.#retryLoop.isHolding || this.#refused.isPending;
  }

  /** A blocking command outside a batch may go elsewhere, unless others that came before it still wait here. */
  #divert(command: Command, options: CallOptions | undefined): boolean {
    const connection = this.#connection;
    const mayPass = connection.isOpen || (connection.isPausedBy("block") && this.#queue.isEmpty);
    return mayPass && this.#router?.divert(command, options) === true;
  }

  // ---- sending

  #send(call: Call, now: number): void {
    const { isStateless, touchesSession } = call.facts;
    if (touchesSession && this.#issued.isIncomplete(call)) {
      this.#discard(call, now);
      return;
    }
    call.send(now);
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

  /** After the replies that came with the one that made room: they may say that the server refuses what follows. */
  #roomAgain(): void {
    queueMicrotask(() => this.resume("full"));
  }

  get #newest(): Call | undefined {
    const newest = this.#transport.newestUnanswered();
    return newest === undefined ? undefined : callOf(newest);
  }

  /** A call ends without having been sent. */
  #dropped(call: Call): void {
    this.#issued.dropped(call);
    const { session } = call.facts;
    const isEnd = call.stream === undefined && (session === "exec" || session === "discard");
    if (!isEnd) return;
    // Left open, it would swallow the commands of everybody else; and what still waits for it would run bare.
    const settlement = this.#settlement;
    for (const member of this.#issued.unended(call)) {
      settlement.reject(member, clientErrors.transactionUnended(member, settlement.snapshot(), clock.now()));
    }
    if (this.#connection.isConnected) this.#discardOpen();
  }

  #discardOpen(): void {
    if (!this.#session.isInMulti) return;
    this.#transport.discard();
    this.#session.discarded();
  }

  /** In the place of an EXEC that would execute a part of its transaction. */
  #discard(call: Call, now: number): void {
    this.#discardOpen();
    const settlement = this.#settlement;
    settlement.reject(call, clientErrors.transactionIncomplete(call, settlement.snapshot(), now));
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
    reset.whenAnswered(() => this.redialWhenIdle());
  }

  /** ioredis sends a command of ours again on its own account (`reconnectOnError` returned 2, or a deferred HIMPORT). */
  #resume(call: Call): void {
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

  // ---- outcomes

  replied(call: Call, value: unknown): void {
    this.#inFlight.answered(call);
    call.answered();
    if (call.state !== "sent") return;
    call.list?.remove(call);
    this.#countAnswer(call);
    this.#latency.note(call.startedAt);
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
    this.#inFlight.answered(call);
    call.answered();
    if (call.state === "settling") {
      call.rejectCommand(error);
      return;
    }
    if (call.facts.touchesSession) this.#session.refused(call.command);
    if (call.state !== "sent") {
      this.#issued.refused(call);
      return;
    }
    sanitizeError(error);
    if (this.#writing === call) {
      // Refused by ioredis before anything was written, for instance in RESP2 subscriber mode.
      this.#settlement.rejectAsIs(call, error, false, clock.now());
      this.#unsendable.refused(call, error);
      return;
    }
    this.#countAnswer(call);
    if (saysReadOnly(error)) this.#membership.endpoint.readOnly(call.sentAt);
    this.#errorReplies.received(call, error);
    this.#issued.refused(call);
  }

  #countAnswer({ facts: { family } }: Call): void {
    const { counters, outcomes } = this.#settlement;
    counters.answered++;
    outcomes.answered[family] = (outcomes.answered[family] ?? 0) + 1;
  }

  // ---- as the connection tells it

  connecting(): void {
    this.#standing.connecting();
    this.#downtime.down();
  }

  identified(server: ServerInfo): void {
    this.#membership.endpoint.identified(server);
  }

  ready(): void {
    this.#downtime.reset();
    this.#lifecycle.connected();
    this.#away = this.#standing.connected();
    const arrival = (this.#arrival = {});
    // What comes must not overtake what the last connection took along.
    this.#settlement.afterSlices(() => {
      if (arrival === this.#arrival) this.#connected();
    });
  }

  #connected(): void {
    const { endpoint } = this.#membership;
    this.#bounds.settled();
    const mustProbe = endpoint.refusing === 2 && !this.#limits.waitsForever;
    this.#connection.connected(mustProbe);
    this.#release.connected();
    if (!mustProbe && this.#away !== undefined) this.#confirm(this.#away);
    if (mustProbe) void this.#reopen(endpoint);
    else {
      if (this.#retryLoop.resume()) this.#release.letReadsPass();
      else this.#release.run();
      void endpoint.reachable(this, this.#away);
    }
  }

  /** After it was away or silent for so many milliseconds, its server may have a successor. */
  #confirm(away: number): void {
    const confirmed = this.#options.elsewhere?.back(away);
    if (confirmed === undefined) return;
    const arrival = this.#arrival;
    this.#connection.pause("unsure");
    const goOn = (): void => {
      if (arrival === this.#arrival) this.resume("unsure");
    };
    confirmed.then(goOn, goOn);
  }

  /** Connected while the circuit is open: what waits and what comes waits for one probe. */
  async #reopen(endpoint: Endpoint): Promise<void> {
    const arrival = this.#arrival;
    await endpoint.reachable(this, this.#away);
    // Another connection has a probe of its own.
    if (arrival !== this.#arrival) return;
    this.#connection.probed();
    if (this.#away !== undefined) this.#confirm(this.#away);
    if (this.#membership.endpoint.refusing === 2) this.circuitOpened();
    else this.#release.run();
  }

  connectionFailed(error: Error, since?: number): void {
    const context = { ...this.#snapshots.context(), written: false };
    // A failed handshake closes its connection, and is told of as a loss.
    if (!this.#connection.isConnected && context.phase === "connect") this.#lifecycle.attemptFailed();
    if (!this.#connection.accepts) return;
    this.#bounds.settled();
    this.#standing.failed();
    this.#membership.endpoint.observer.connectionFailed(classify(error, context), since);
  }

  lost(items: readonly LostItem[], cause: Error | undefined, fatal = false): void {
    const wasConnected = this.#connection.isConnected;
    if (wasConnected) this.#membership.endpoint.lost();
    this.#standing.lost();
    this.#retryLoop.cut(this.#refused.isPending);
    this.#connection.lost();
    this.#arrival = undefined;
    this.#silence.connectionLost();
    this.#issued.connectionLost();
    if (wasConnected) abandonTransactions(this.#session, this.#queue, this.#settlement);
    this.#lostCommands.handle(items, cause, fatal, () => this.#refused.connectionLost());
    if (this.#options.policy.queue === false) this.#refusals.unavailable();
    if (!wasConnected) this.#lifecycle.attemptFailed();
  }

  replaced(takeover: Takeover): void {
    const { endpoint } = this.#membership;
    endpoint.replaced(takeover);
    if (!this.#connection.isConnected) return;
    const arrival = this.#arrival;
    this.#connection.pause("moving");
    const leave = (): void => {
      const now = clock.now();
      const silence = this.#transport.overdueFor(now);
      this.#transport.destroy(clientErrors.replaced(endpoint.label, takeover, silence), now - silence);
    };
    // What is under way is answered within a moment, or by nobody who counts.
    const timer = setUnrefTimeout(() => {
      if (arrival === this.#arrival) leave();
    }, ANSWERS_FOR);
    this.#inFlight.whenIdle(() => {
      clock.clearTimeout(timer);
      if (!this.#transport.redial()) leave();
    });
  }

  refused(error: Error): void {
    this.#refusals.refused(error);
  }

  returned(command: Command): void {
    const call = callOf(command);
    if (call?.state !== "sent") return;
    this.#inFlight.answered(call);
    this.#inFlight.count--;
    call.unsend();
    this.#connection.pause("unwritable");
    this.#queue.giveBack(call);
    if (this.#options.policy.queue === false && call.attempts === 0) {
      this.#settlement.reject(call, clientErrors.unavailable(call, this.#settlement.snapshot(), clock.now()));
    }
  }

  ended(): void {
    this.#standing.ended();
    this.#lifecycle.ended();
  }

  // ---- as the endpoint sees it

  get isTroubled(): boolean {
    if (!this.#connection.accepts) return false;
    if (!this.#connection.isConnected) return this.#standing.wantsConnection;
    return this.#transport.overdueFor(clock.now()) > LATE;
  }

  get isReady(): boolean {
    return this.#connection.isConnected;
  }

  get downSince(): number | undefined {
    return this.#downtime.downSince;
  }

  get downAfter(): number {
    const { breaker } = this.#options.policy;
    // One whose commands wait for ever is never refused.
    return breaker === false || this.#limits.waitsForever ? 0 : breaker.downAfter;
  }

  get downCause(): Diagnosis | undefined {
    return this.absence?.cause;
  }

  get mayProbe(): boolean {
    return !this.#options.isForBlocking && !this.#connection.isPausedBy("block") && this.mayAsk;
  }

  get waitingCount(): number {
    return this.#queue.size;
  }

  retryIn(): number {
    return this.#transport.retryIn();
  }

  probe(kind: CircuitKind): Promise<boolean> {
    if (!this.mayAsk) return Promise.resolve(false);
    return this.#transport.probe(kind, probeTimeoutOf(this.#options.policy));
  }

  circuitOpened(): void {
    this.#lifecycle.endIfHopeless();
    const availability = this.#availability;
    if (availability !== undefined) this.#refusals.circuitOpened((call) => availability.refusal(call));
  }

  circuitClosed(): void {
    if (!this.#connection.isProbing) this.#release.run();
  }

  get isDirected(): boolean {
    return this.#transport.isDirected;
  }

  findsWriter(): Promise<boolean> {
    return this.#transport.findsWriter();
  }

  /** The server answered one of our own questions with READONLY. */
  noteReadOnly(): void {
    this.#membership.endpoint.readOnly(clock.now());
  }

  /** Replies that are under way are never lost to a move of our own choice. */
  redialWhenIdle(): void {
    const connection = this.#connection;
    if (!connection.isConnected || !connection.accepts) return;
    // A blocking command may take long: nothing else waits for its end.
    if (!connection.isPausedBy("block")) connection.pause("moving");
    const redial = (): void => {
      if (this.#transport.redial()) return;
      this.resume("moving");
    };
    this.#inFlight.whenIdle(redial);
  }

  /** There has been no connection for `downAfter`. */
  #downTooLong(): void {
    const { endpoint } = this.#membership;
    const context = this.#snapshots.context();
    const cause = this.#transport.lastError() ?? clientErrors.noConnection(endpoint.label, context.phase);
    const diagnosis = (this.#downtime.cause = classify(cause, { ...context, written: false }));
    endpoint.unreachable(diagnosis, this);
    this.circuitOpened();
  }

  // ---- as its owner, its routers and its pool see it

  get endpoint(): Endpoint {
    return this.#membership.endpoint;
  }

  /** When a blocking command last brought something, on the monotonic clock. */
  get lastElementAt(): number | undefined {
    return this.#lastElementAt;
  }

  /** How its connection stands, and since when. */
  get standing(): Standing {
    return this.#standing;
  }

  /** Outcomes by family and code. */
  get outcomes(): Outcomes {
    return this.#settlement.outcomes;
  }

  get latency(): LatencyHistogram {
    return this.#latency;
  }

  /** What is issued from now on is issued on nobody's behalf, or on callers' again: only theirs is counted. */
  setPrivate(isPrivate: boolean): void {
    this.#settlement.setPrivate(isPrivate);
  }

  /** A caller got this error although no command of it was ever here; `command` in lower case. */
  noteUnserved(command: string, error: Error): void {
    this.#settlement.unserved(command, error);
  }

  get counters(): Readonly<EngineCounters> {
    return this.#settlement.counters;
  }

  get inFlight(): number {
    return this.#inFlight.count;
  }

  get waiting(): QueueSize {
    return this.#queue.stats;
  }

  /** A question of our own has an answer of its own: in an open MULTI it would be queued, and executed with it. */
  get mayAsk(): boolean {
    return !this.#session.isInMulti;
  }

  /** Nothing is in flight and nothing waits. */
  get isIdle(): boolean {
    return this.#inFlight.count === 0 && this.#queue.isEmpty;
  }

  /** Its connection has been away for too long: commands are refused, whatever the circuit says. */
  get absence(): Absence | undefined {
    const { cause, tooLongSince } = this.#downtime;
    if (this.#availability === undefined || cause === undefined || tooLongSince === undefined) return undefined;
    return { cause, since: tooLongSince };
  }

  /** Commands go out at once. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** The same, or what waited is just being sent. */
  get maySend(): boolean {
    return this.#connection.mayRelease;
  }

  /** New commands are taken; some may have to wait. */
  get accepts(): boolean {
    return this.#connection.accepts;
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** What the server keeps for the connection, as far as what was sent tells. */
  get session(): SessionState {
    return this.#session;
  }

  get limits(): TimeLimits {
    return this.#limits;
  }

  /** Sends nothing until `resume` is called for the same reason, or the connection is lost. */
  pause(reason: PauseReason): void {
    this.#connection.pause(reason);
  }

  isPausedBy(reason: PauseReason): boolean {
    return this.#connection.isPausedBy(reason);
  }

  resume(reason: PauseReason): void {
    if (!this.#connection.isPausedBy(reason)) return;
    this.#connection.resume(reason);
    this.#release.run();
  }

  /** Nothing of what waits or is in flight can be expected to end within `limit` milliseconds. */
  isHopeless(limit: number): boolean {
    return this.#lifecycle.isHopeless(limit);
  }

  /** Takes no more commands; resolves when nothing is in flight or waiting, or can be expected to end, at the latest after `limit` milliseconds. */
  drain(limit: number): Promise<void> {
    return this.#lifecycle.drain(limit);
  }

  /** Its owner is closing it: what waits will never be sent. */
  close(): void {
    this.#lifecycle.closing();
  }

  /** It connects again after it had ended. */
  revive(): void {
    this.#lifecycle.revived();
  }

  /**
   * Resolves when everything that was issued so far has been answered, or can no longer be: also what its caller gave up
   * early, and what is sent again meanwhile. Nobody waits for the end of a blocking command.
   */
  async whenSettled(): Promise<void> {
    const last = lastOrder();
    const isMeant = (call: Call | undefined): call is Call =>
      call !== undefined && call.facts.dispatch !== "blocking" && isUpTo(call, last);
    for (let looks = true; ;) {
      // What a lost connection took along is on its way back to the queue.
      await new Promise<void>((done) => this.#settlement.inSlices([done], (run) => run()));
      const waiting = this.#queue.isEmpty ? [] : this.#queue.calls().filter(isMeant);
      const newest = looks ? this.#transport.newestUnanswered((command) => isMeant(callOf(command))) : undefined;
      const call = newest && callOf(newest);
      if (call === undefined && waiting.length === 0) return;
      const answered = call && new Promise<void>((done) => call.whenAnswered(done));
      await Promise.all([answered, ...waiting.map(settled)]);
      // Replies come in order: only what waited can have been written since.
      looks = waiting.length > 0;
    }
  }

  /**
   * Lets a command wait outside this engine's queue, under its deadline and counted as its caller's: for routers that hold
   * commands back themselves.
   */
  park(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined, since: number): Call {
    const call = new Call(this, command, factsOf(command.name), stream, options, since);
    const limit = call.isWish ? Infinity : this.#limits.inAll(options);
    // Others of its allowance that came later may be listed already.
    this.#deadlines.carryOn(call, since + limit, clock.now());
    return call;
  }

  /** The same for a call that another engine has handed over. */
  parkAgain(from: Handover): Call {
    const { command, stream, options, startedAt, expiresAt } = from;
    const call = new Call(this, command, factsOf(command.name), stream, options, startedAt);
    call.continue(from);
    this.#deadlines.carryOn(call, expiresAt, clock.now());
    return call;
  }

  /** Settles a parked call with one of this client's own errors. */
  rejectParked(call: Call, error: (call: Call, snapshot: FailureSnapshot, now: number) => Error): void {
    this.#settlement.reject(call, error(call, this.#settlement.snapshot(), clock.now()));
  }

  /** Settles a parked QUIT, which needs no server. */
  acknowledgeParked(call: Call): void {
    this.#settlement.acknowledge(call);
  }

  /** What every error says of this client when nothing was sent. */
  errorDetails(): IoredoubtErrorDetails {
    return this.#snapshots.details();
  }
}

/** Resolves when the call has settled, however; `undefined` if there is nothing to wait for. */
export function settled(call: Call | undefined): Promise<void> | undefined {
  if (call === undefined || call.state === "settled") return undefined;
  return new Promise((resolve) => call.whenSettled(resolve));
}
