/**
 * The journey of every command of one connection: admitted or refused, made to wait or sent, answered, lost, resent or
 * expired, and settled exactly once. Commands enter here, and here its owner steers it and asks how things stand; each step
 * and each decision is in a file of its own, and compose.ts puts them together.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import { factsOf } from "../command/facts.js";
import type { Endpoint } from "../endpoint/endpoint.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import type { IoredoubtErrorDetails } from "../failure/errors.js";
import { Call, callOf, isUnencodable, type CallOwner, type Handover } from "./call.js";
import { composeEngine, type EngineOptions, type EngineParts } from "./compose.js";
import type { ConnectionState, PauseReason } from "./connection-state.js";
import type { Deadlines, DeadlineList } from "./deadlines.js";
import type { Absence } from "./downtime.js";
import type { Refusal } from "./failure-snapshot.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { LatencyHistogram } from "./latency.js";
import type { QueueSize } from "./offline-queue.js";
import type { Outcomes } from "./outcomes.js";
import type { ParkedCalls } from "./parked-calls.js";
import type { BatchStream, BlockingRouter, CallOptions, Dispatcher, EngineCounters, TransportEvents } from "./ports.js";
import type { Replies } from "./replies.js";
import type { Sender } from "./sender.js";
import type { SessionState } from "./session-state.js";
import { allSettled } from "./settled.js";
import type { Standing } from "./standing.js";
import { joinSending } from "./stream-batch.js";
import type { TimeLimits } from "./time-limits.js";

export class Engine implements Dispatcher {
  /** What the server keeps for the connection, as far as what was sent tells. */
  readonly session: SessionState;
  readonly #parts: EngineParts;
  // Asked for every command.
  readonly #connection: ConnectionState;
  readonly #membership: EndpointMembership;
  readonly #issued: IssuedTransactions;
  readonly #deadlines: Deadlines;
  readonly #usual: DeadlineList | undefined;
  readonly #sender: Sender;
  readonly #replies: Replies;

  constructor(options: EngineOptions) {
    const parts = (this.#parts = composeEngine(options));
    this.session = parts.session;
    this.#connection = parts.connection;
    this.#membership = parts.membership;
    this.#issued = parts.issued;
    this.#deadlines = parts.deadlines;
    this.#usual = parts.usual;
    this.#sender = parts.sender;
    this.#replies = parts.replies;
  }

  /** Hears what becomes of the connection. */
  get events(): TransportEvents {
    return this.#parts.events;
  }

  // ---- entering

  /** A command enters. Its own promise tells the outcome, so nothing is returned. */
  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const known = callOf(command);
    if (known !== undefined) {
      this.#sender.sendAgain(known);
      return;
    }
    if (isUnencodable(command)) {
      this.#parts.unsendable.refuse(command, stream, options);
      return;
    }
    const now = clock.now();
    const facts = factsOf(command.name);
    if (facts.dispatch === "blocking" && stream === undefined && this.#parts.intake.divert(command, options)) return;
    const call = new Call(this.#replies, command, facts, stream, options, now);
    if (facts.dispatch === "blocking") call.unpack();
    if (facts.touchesSession || this.#issued.isOpen) this.#issued.note(call);
    if (
      this.#connection.isOpen &&
      facts.dispatch === "plain" &&
      options === undefined &&
      this.#membership.endpoint.refusing === 0 &&
      !this.session.isLost &&
      (stream === undefined || joinSending(call, stream))
    ) {
      if (this.#usual !== undefined) this.#deadlines.arm(call, this.#usual, now);
      this.#sender.send(call, now);
    } else {
      this.#parts.intake.admit(call, now);
    }
  }

  dispatchBatch(commands: readonly Command[], stream: BatchStream): boolean {
    return this.#parts.flights.send(commands, stream);
  }

  /** Blocking commands go to this router from now on, unless it declines. */
  divertTo(router: BlockingRouter): void {
    this.#parts.intake.divertTo(router);
  }

  /** Carries on what another engine has handed over. `isAsking`: its slot is still arriving at this server. */
  adopt(from: Handover, isAsking: boolean): void {
    this.#parts.intake.adopt(from, isAsking);
  }

  // ---- steering

  /** Sends nothing until `resume` is called for the same reason, or the connection is lost. */
  pause(reason: PauseReason): void {
    this.#connection.pause(reason);
  }

  resume(reason: PauseReason): void {
    this.#parts.release.resume(reason);
  }

  isPausedBy(reason: PauseReason): boolean {
    return this.#connection.isPausedBy(reason);
  }

  /** Dials again once nothing is in flight: replies that are under way are never lost to a move of our own choice. */
  redialWhenIdle(): void {
    this.#parts.member.redialWhenIdle();
  }

  /** What is issued from now on is issued on nobody's behalf, or on callers' again: only theirs is counted. */
  setPrivate(isPrivate: boolean): void {
    this.#parts.settlement.setPrivate(isPrivate);
  }

  /** A caller got this error although no command of it was ever here; `command` in lower case. */
  noteUnserved(command: string, error: Error): void {
    this.#parts.settlement.unserved(command, error);
  }

  /** The server answered one of our own questions with READONLY. */
  noteReadOnly(): void {
    this.#membership.endpoint.readOnly(clock.now());
  }

  // ---- its end

  /** Nothing of what waits or is in flight can be expected to end within `limit` milliseconds. */
  isHopeless(limit: number): boolean {
    return this.#parts.lifecycle.isHopeless(limit);
  }

  /** Takes no more commands; resolves when nothing is in flight or waiting, or can be expected to end, at the latest after `limit` milliseconds. */
  drain(limit: number): Promise<void> {
    return this.#parts.lifecycle.drain(limit);
  }

  /** Its owner is closing it: what waits will never be sent. */
  close(): void {
    this.#parts.lifecycle.closing();
  }

  /** It connects again after it had ended. */
  revive(): void {
    this.#parts.lifecycle.revived();
  }

  /** Resolves when everything that was issued so far has been answered, or can no longer be; but nobody waits for the end of a block. */
  whenSettled(): Promise<void> {
    return allSettled(this.#parts);
  }

  /** Runs once the fate of all that a lost connection took along is decided, now if nothing is open. */
  afterLosses(run: () => void): void {
    this.#parts.settlement.afterSlices(run);
  }

  // ---- how things stand

  /** What its calls name as their owner. */
  get owner(): CallOwner {
    return this.#replies;
  }

  /** Calls that its owner holds back, outside its queue. */
  get parked(): ParkedCalls {
    return this.#parts.parked;
  }

  get limits(): TimeLimits {
    return this.#parts.limits;
  }

  /** How its connection stands, and since when. */
  get standing(): Standing {
    return this.#parts.standing;
  }

  get endpoint(): Endpoint {
    return this.#membership.endpoint;
  }

  /** Connected and serving. */
  get isReady(): boolean {
    return this.#connection.isConnected;
  }

  /** It wants a connection and has none, or a reply is late. */
  get isTroubled(): boolean {
    return this.#parts.member.isTroubled;
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

  /** Nothing is in flight and nothing waits. */
  get isIdle(): boolean {
    return this.#parts.inFlight.count === 0 && this.#parts.queue.isEmpty;
  }

  /** Whether a question of our own would get an answer of its own. */
  get mayAsk(): boolean {
    return this.session.mayAsk;
  }

  /** What the server answers instead of serving, while commands wait for the end of that. */
  get refusal(): Refusal | undefined {
    return this.#parts.snapshots.refusal;
  }

  /** Its connection has been away for too long: commands are refused, whatever the circuit says. */
  get absence(): Absence | undefined {
    return this.#parts.availability?.absence;
  }

  /** Commands that are written and unanswered. */
  get inFlight(): number {
    return this.#parts.inFlight.count;
  }

  get waiting(): QueueSize {
    return this.#parts.queue.stats;
  }

  /** What waits here, oldest first. */
  waitingCalls(): readonly Call[] {
    return this.#parts.queue.isEmpty ? [] : this.#parts.queue.calls();
  }

  get counters(): Readonly<EngineCounters> {
    return this.#parts.settlement.counters;
  }

  /** Outcomes by family and code. */
  get outcomes(): Outcomes {
    return this.#parts.settlement.outcomes;
  }

  get latency(): LatencyHistogram {
    return this.#replies.latency;
  }

  /** When a blocking command last brought something, on the monotonic clock. */
  get lastElementAt(): number | undefined {
    return this.#replies.lastElementAt;
  }

  /** What every error says of this client when nothing was sent. */
  errorDetails(): IoredoubtErrorDetails {
    return this.#parts.snapshots.details();
  }
}
