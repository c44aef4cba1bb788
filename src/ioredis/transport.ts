/**
 * One client's connection as its engine needs it: writes through ioredis, measures, destroys, redials and
 * probes. It follows ioredis's status changes and knows the socket; it decides nothing about commands.
 */
import { isIP } from "node:net";
import { clock } from "../clock.js";
import { factsOf } from "../command/facts.js";
import { Command, Redis as IORedis } from "ioredis";
import type { CredentialsReport } from "../credentials/client-credentials.js";
import { bytesOf, callOf } from "../engine/call.js";
import { silentConnection } from "../engine/connection-errors.js";
import type {
  BatchReplies,
  BatchStream,
  CircuitKind,
  Flaw,
  LostItem,
  Transport,
  TransportEvents,
} from "../engine/ports.js";
import { attachDiagnosis } from "../failure/attach.js";
import { classify } from "../failure/classify.js";
import type { Diagnosis, EndpointInfo, FailureContext } from "../failure/diagnosis.js";
import { sanitizeError } from "../failure/redact.js";
import { stateOf } from "../failure/state.js";
import type { Policy } from "../policy/shape.js";
import { stalls } from "../stall-meter.js";
import { adoptConnector } from "./adopt-connector.js";
import { BoundedErrors } from "./bounded-errors.js";
import type { WriteStats, WriteTicks } from "./coalesce.js";
import {
  closedByPeer,
  dialTooLong,
  garbled,
  handshakeTooLong,
  lookupTooLong,
  refusedUnheard,
  stillLoading,
} from "./connection-errors.js";
import { DecoderGuard } from "./decoder-guard.js";
import { Dialling } from "./dialling.js";
import { flawOf, mend } from "./encoding.js";
import { sendHeard } from "./heard-send.js";
import { isInstrumented } from "./instrumentation.js";
import { internalsOf, type RedisInternals } from "./internals.js";
import { LiveLogin, type TransactionWatch } from "./live-login.js";
import { ConnectionLogin, type LoginParts, type TakenLogin } from "./login.js";
import { PendingReply } from "./pending-reply.js";
import { probe, probeKey } from "./probe.js";
import { allowsQuickWrites, quickWrite, quickWriteBatch } from "./quick-write.js";
import { Reconnect, type RetryStrategy } from "./reconnect.js";
import { ConnectionRecord } from "./record.js";
import type { Garble } from "./reply-guard.js";
import { ReplyGate } from "./reply-gate.js";
import type { Excess } from "./reply-limits.js";
import { SelectedDatabase } from "./selected-database.js";
import { SendProgress } from "./send-progress.js";
import { ServerSearch } from "./server-search.js";
import { ShownOptions } from "./shown-options.js";
import { Watchdog } from "./watchdog.js";
import { UnansweredCommands } from "./unanswered-commands.js";

/** What the transport asks of the client that it belongs to. */
export interface TransportOwner {
  /** Commands answered so far. */
  answered(): number;
  /** Commands in flight, and commands that wait for a connection. */
  load(): { readonly inFlight: number; readonly waiting: number };
  /** The delay of a dial as the endpoint allows it: its clients share a rate. */
  spaced(delay: number): number;
  /** A question of our own may be sent: no MULTI is open that would queue it. */
  mayAsk(): boolean;
  /** The server answered the client's own probe with READONLY. */
  readOnly(): void;
  /** Something that a person may want to know. */
  notice(says: string): void;
  /** ioredis has sent what it sends at once on a new connection. */
  greeted(): void;
  /** Knows whether a MULTI is open on the connection. */
  readonly session: TransactionWatch;
  /** The connection is to be replaced once nothing is in flight on it. */
  readonly replace: () => void;
  /** Its subscriptions were ended, and are begun again with these commands. */
  readonly resubscribing: (commands: readonly Command[]) => void;
  /** Something is sent, or happens to the connection. Absent where nobody wants to know. */
  readonly active: (() => void) | undefined;
  /** A key that the server takes writes for, where it does not do so for all. */
  readonly probeKey?: (() => string) | undefined;
}

export interface TransportOptions {
  readonly client: IORedis;
  readonly policy: Policy;
  readonly endpoint: EndpointInfo;
  /** The endpoint's name, for people. */
  readonly label: string;
  /** The caller's own, if there is one. */
  readonly retryStrategy: RetryStrategy | null | undefined;
  /** How the server is searched for through Sentinels: the caller's own strategy, and whether failovers are to be heard of. */
  readonly sentinelRetryStrategy: unknown;
  readonly hearsOfFailovers: boolean;
  /** Hears how connections to the Sentinels fare whose credentials change. */
  readonly sentinelCredentials: CredentialsReport;
  /** Who its connections log in as, apart from what the options say. */
  readonly login?: LoginParts | undefined;
  /** Connections whose writes are counted together with those of this one. */
  readonly ticks?: WriteTicks | undefined;
}

const OPTIONS_ONLY: LoginParts = { source: undefined, inherited: undefined };

/** A SELECT that is refused for a passing reason is sent again after this, in milliseconds. */
const SELECT_AGAIN = 100;
/** ioredis's `connectTimeout` where the caller has switched it off: the limit of a handshake grows to this. Milliseconds. */
const CONNECT_TIMEOUT = 10_000;
/** A name may be looked up for at least this long: resolvers answer, or give up, within it. Milliseconds. */
const LOOKUP_TIMEOUT = 10_000;

export class IORedisTransport implements Transport {
  readonly writes: WriteStats = { asked: 0, made: 0 };
  readonly reconnect: Reconnect;
  readonly endpointInfo: EndpointInfo;
  readonly #label: string;
  /** Engine and transport need each other: they are introduced right after construction. */
  #events: TransportEvents | undefined = undefined;
  #owner: TransportOwner | undefined = undefined;
  #onActivity: (() => void) | undefined = undefined;
  readonly #client: IORedis;
  readonly #redis: RedisInternals;
  readonly #policy: Policy;
  readonly #ticks: WriteTicks | undefined;
  readonly #sentinelRetryStrategy: unknown;
  readonly #hearsOfFailovers: boolean;
  readonly #sentinelCredentials: CredentialsReport;
  readonly #search: ServerSearch;
  readonly #dialling: Dialling;
  readonly #watchdog: Watchdog;
  readonly #record: ConnectionRecord;
  readonly #shown: ShownOptions;
  readonly #sendProgress = new SendProgress();
  readonly #selected: SelectedDatabase;
  /** That of the connection before the present attempt. */
  #streamBefore: RedisInternals["stream"] = undefined;
  /** What ioredis has given back in the `write` that is under way. */
  #unsent: LostItem | undefined = undefined;
  readonly login: ConnectionLogin;
  readonly #pending: PendingReply;
  readonly #unanswered: UnansweredCommands;
  readonly #decoder: DecoderGuard;
  readonly #errors = new BoundedErrors();
  readonly #gate = new ReplyGate();
  #isQuick = false;
  /** Commands that had been answered when the present connection became ready. */
  #answeredBefore = 0;

  constructor(options: TransportOptions) {
    const { client, policy, endpoint, label, retryStrategy, login = OPTIONS_ONLY, ticks, ...search } = options;
    this.#ticks = ticks;
    this.#client = client;
    this.#redis = internalsOf(client);
    this.#policy = policy;
    this.#sentinelRetryStrategy = search.sentinelRetryStrategy;
    this.#hearsOfFailovers = search.hearsOfFailovers;
    this.#sentinelCredentials = search.sentinelCredentials;
    this.#label = label;
    this.#unanswered = new UnansweredCommands(this.#redis);
    this.#decoder = new DecoderGuard(this.#redis, policy.maxReplyBytes, (excess) => this.garbled(excess));
    this.login = new ConnectionLogin(this.#redis, login);
    this.#search = new ServerSearch(this.#redis, this.login, policy);
    this.endpointInfo = endpoint;
    this.reconnect = new Reconnect(policy.reconnect, retryStrategy, {
      hasServed: () => this.#answered > this.#answeredBefore,
      isWanted: () => this.waiting > 0 || this.#dialling.isWanted,
      wasRefused: () => refusedUnheard(this.#record.lossCause) && this.context().connection?.lastWords === undefined,
      spaced: (delay) => this.#owner?.spaced(delay) ?? delay,
      isPaced: () => this.#search.isPaced,
    });
    this.#dialling = new Dialling(client, this.#redis, this.reconnect);
    this.#shown = new ShownOptions(client, {
      retryStrategy: this.reconnect.strategy,
      retriesWith: (strategy) => this.reconnect.use(strategy),
    });
    const { handshakeTimeout } = policy.reconnect;
    const longest = Math.max(handshakeTimeout, client.options.connectTimeout || CONNECT_TIMEOUT);
    const limits = { timeout: handshakeTimeout, longest, lookup: Math.max(longest, LOOKUP_TIMEOUT) };
    this.#watchdog = new Watchdog(policy.heartbeat, limits, {
      handshakeLate: (after) => this.#handshakeLate(after),
      owedFor: (now) => this.owedFor(now),
      isIdle: () => this.#redis.status === "ready" && this.#unanswered.isEmpty && this.#owner?.mayAsk() === true,
      ping: () => void this.#internal(new Command("ping")).catch(ignore),
      silent: (after) => this.destroy(silentConnection(this.#label, after), clock.now() - after),
      head: () => this.oldestUnanswered(),
    });
    this.#pending = new PendingReply(this.#redis);
    this.#selected = new SelectedDatabase(this.#redis);
    this.#record = new ConnectionRecord(this.#redis, endpoint, this.#watchdog, this.login);
  }

  /** Introduces the engine and the client. Called once, before anything connects. */
  introduce(events: TransportEvents, owner: TransportOwner): void {
    this.#events = events;
    this.#owner = owner;
    this.#onActivity = owner.active;
  }

  get #answered(): number {
    return this.#owner?.answered() ?? 0;
  }

  // ---- Transport

  write(command: Command, stream: BatchStream | undefined, stateless = false): number {
    if (this.#onActivity !== undefined) this.#onActivity();
    if (stateless) {
      const size = this.#isQuick ? quickWrite(this.#redis, command, stream) : 0;
      if (size > 0) return size;
    } else {
      this.#selected.sending(command);
      this.login.sending(command);
    }
    // What ioredis gave back outside a `write` is nothing of this one.
    this.#takeUnsent();
    const traced = this.#shown.sending(() =>
      isInstrumented()
        ? sendHeard(this.#client, command, stream)
        : inItsContext(command, () => IORedis.prototype.sendCommand.call(this.#client, command, stream as never)),
    );
    const unsent = this.#takeUnsent();
    if (unsent !== undefined) {
      this.#selected.unsent(unsent.command, unsent.select);
    }
    // A tracing subscriber gets a promise of its own, which nobody else will catch.
    if (traced !== command.promise) traced.catch(ignore);
    return bytesOf(command);
  }

  #takeUnsent(): LostItem | undefined {
    const unsent = this.#unsent;
    this.#unsent = undefined;
    return unsent;
  }

  /** ioredis found the socket not writable in the middle of `write`. `select`: the database that the command was issued in. */
  returned(unsent: LostItem): void {
    this.#unsent = unsent;
    this.#events?.returned(unsent.command);
  }

  writeBatch(commands: readonly Command[], stream: BatchStream, replies: BatchReplies): number {
    if (!this.#isQuick) return 0;
    this.#onActivity?.();
    return quickWriteBatch(this.#redis, commands, stream, replies);
  }

  asking(): void {
    void this.#internal(new Command("asking")).catch(ignore);
  }

  /** Asks the server something on our own behalf, past the engine; within no time limit of its own. */
  ask(name: string, args: readonly string[]): Promise<unknown> {
    return this.#internal(new Command(name, [...args], { replyEncoding: "utf8" }));
  }

  hasTaken(command: Command): boolean {
    return this.#unanswered.endsWith(command);
  }

  takeBack(stream: BatchStream): void {
    this.#unanswered.takeBack(stream);
  }

  mend(command: Command, inBatch: boolean): Flaw {
    return mend(command, inBatch);
  }

  flawOf(command: Command, thrown: unknown): Flaw {
    return flawOf(command, thrown);
  }

  unanswered(): Command[] {
    return this.#unanswered.all();
  }

  oldestUnanswered(): Command | undefined {
    return this.#unanswered.oldest;
  }

  newestUnanswered(matches?: (command: Command) => boolean): Command | undefined {
    return this.#unanswered.newest(matches);
  }

  /** How many commands wait for this connection. */
  get waiting(): number {
    return this.#owner?.load().waiting ?? 0;
  }

  wake(): void {
    this.#onActivity?.();
    this.#dialling.wake();
  }

  hurry(): void {
    this.#dialling.hurry();
  }

  redial(): boolean {
    return this.#dialling.redial();
  }

  findsWriter(): Promise<boolean> {
    return this.#search.findsWriter();
  }

  get isDirected(): boolean {
    return this.#search.isDirected;
  }

  destroy(reason: Error, since?: number): void {
    this.#record.suffer(reason);
    this.#events?.connectionFailed(reason, since);
    this.#redis.stream?.destroy();
  }

  /** Keeps back what the server says from here on. Resolves when it has said something, or the connection is gone. */
  holdReplies(): Promise<void> {
    const { stream } = this.#redis;
    return stream === undefined || stream.destroyed ? Promise.resolve() : this.#gate.close(stream);
  }

  /** Lets through what was kept back, and what comes. */
  letReplies(): void {
    this.#gate.open();
  }

  /** What it says is kept back: its connection is there. */
  get isHeld(): boolean {
    return this.#gate.isClosed;
  }

  /** Something was kept back that confirms a command which has to do with data. */
  get holdsReplies(): boolean {
    return this.#gate.isHolding && !this.#gate.holdsNothingFor(this.unanswered().map(isConfirmed));
  }

  end(): void {
    this.#client.disconnect();
    // Whoever ends this way had no answer: waiting for the peer to close its side would take as long.
    this.#redis.stream?.destroy();
  }

  silentFor(now: number): number {
    const silence = this.#pending.for(now, this.#watchdog.lastProgressAt);
    return silence - stalls.since(now - silence);
  }

  owedFor(now: number): number {
    return this.isSending() ? 0 : this.overdueFor(now);
  }

  whenNextReply(run: () => void): void {
    this.#unanswered.whenNextReply(run);
  }

  overdueFor(now: number): number {
    return Math.max(0, this.silentFor(now) - this.#pending.heldBackFor);
  }

  /** When the last byte came, or the connection was made, on the monotonic clock. */
  get lastReadAt(): number {
    return this.#watchdog.lastReadAt;
  }

  /** Until when what came over the connection can have been current: a server may be replaced before anybody hears of it. */
  get currentUntil(): number {
    return this.#search.currentUntil(this.lastReadAt);
  }

  isSending(): boolean {
    return this.#sendProgress.isMoving(this.#redis.stream);
  }

  lastError(): Error | undefined {
    return this.#record.lastError;
  }

  lastDiagnosis(): Diagnosis | undefined {
    const error = this.lastError();
    return error === undefined ? undefined : classify(error, { ...this.context(), written: false });
  }

  retryIn(): number {
    return Math.max(0, this.reconnect.dueAt - clock.now());
  }

  context(): FailureContext {
    return this.#record.context();
  }

  currentEndpoint(): EndpointInfo {
    return this.#record.endpoint;
  }

  probe(kind: CircuitKind, timeout: number): Promise<boolean> {
    return probe(kind, timeout, {
      key: () => this.#owner?.probeKey?.() ?? probeKey(this.#redis.options.keyPrefix ?? ""),
      send: (command) => this.#internal(command),
      context: () => this.context(),
      readOnly: () => this.#owner?.readOnly(),
    });
  }

  protocol(): 2 | 3 {
    // ioredis 5 knows no other than RESP2.
    return this.#redis.condition?.protocol === 3 ? 3 : 2;
  }

  discard(): void {
    void this.#internal(new Command("discard")).catch(ignore);
  }

  database(): number {
    return this.#selected.current;
  }

  select(database: number, done: () => void): void {
    const command = new Command("select", [String(database)]);
    this.write(command, undefined);
    command.promise.then(done, (error: unknown) => {
      if (!(error instanceof Error)) return;
      if (isPassing(error)) clock.setTimeout(done, SELECT_AGAIN);
      // Serving would mean writing to another database.
      else this.#redis.recoverFromFatalError(error, error, { commandQueue: false });
    });
  }

  /** The server refused the handshake's SELECT. */
  selectRefused(error: Error): void {
    // A server that is busy with a script refuses it for a while only: what waits goes on waiting.
    if (isPassing(error)) this.destroy(error);
    else this.#selected.refused();
  }

  logInAgain(done: () => void): boolean {
    return this.#redis.status === "ready" && this.login.again(done);
  }

  // ---- what ioredis reports

  /** Looks at the connector again: ioredis makes another one when its options change. Idempotent. */
  adoptConnector(): void {
    this.#search.adopt({
      label: this.#label,
      options: this.#redis.options,
      retryStrategy: this.#sentinelRetryStrategy,
      spaced: (delay) => this.#owner?.spaced(delay) ?? delay,
      dialling: (isNamed) => {
        this.#watchdog.dialling(isNamed);
        this.reconnect.dialling();
      },
      failed: (error) => {
        this.#record.suffer(error);
        this.#events?.connectionFailed(error);
      },
      lastError: () => this.#record.lossCause,
      listens: this.#hearsOfFailovers,
      replaced: (from, to) => this.#replaced(from, to),
      notice: (says) => this.#owner?.notice(says),
      credentials: this.#sentinelCredentials,
    });
    adoptConnector(this.#redis.connector, {
      writes: this.writes,
      ticks: this.#ticks,
      preparation: this.login.mustPrepare
        ? {
            prepare: () => this.#prepare(),
            giveUp: () => this.login.giveUp(),
            isOver: () => this.#redis.status === "end",
          }
        : undefined,
      closedUnheard: () => this.#record.closedUnheard,
      isResolving: () => this.#watchdog.isResolving,
      resolved: () => this.#watchdog.resolved(),
      greeted: () => {
        this.#decoder.guard();
        this.#owner?.greeted();
      },
    });
  }

  statusChanged(status: string): void {
    this.#onActivity?.();
    switch (status) {
      case "connecting":
        this.#streamBefore = this.#redis.stream;
        this.#record.dialling();
        if (this.#search.hasSentinels) this.#watchdog.searching();
        else {
          this.#watchdog.dialling(this.#isNamed);
          this.reconnect.dialling();
        }
        this.#events?.connecting();
        break;
      case "connect":
        this.#selected.connected();
        this.#watchdog.resolved();
        this.login.connected();
        this.#decoder.connected();
        if (this.#redis.stream !== undefined) {
          this.#watchdog.connected(this.#redis.stream);
          this.#record.reached(this.#redis.stream);
        }
        break;
      case "ready":
        this.#search.found();
        this.#isQuick = allowsQuickWrites(this.#redis);
        this.#watchdog.ready();
        this.#decoder.ready();
        this.#selected.ready();
        this.#record.ready();
        if (this.#owner !== undefined) this.login.ready(this.#liveLogin(this.#owner));
        this.#answeredBefore = this.#answered;
        this.reconnect.ready();
        break;
      case "close":
        this.#closed();
        break;
      case "end":
        this.#watchdog.closed();
        this.#search.end();
        this.#events?.ended();
    }
  }

  /** What comes back over this connection cannot be trusted any more: all that is in flight is lost with it. */
  garbled(garble: Garble | Excess): void {
    const cause = garbled(this.#label, garble);
    const items = this.#unanswered.takeAll();
    this.destroy(cause);
    this.#events?.lost(items, cause, true);
  }

  /** The server still loads its data: the handshake's clock starts anew with each such answer. */
  stillLoading(): void {
    this.#search.heard();
    this.#watchdog.loading();
    const error = stillLoading(this.#label);
    this.#record.lastError = error;
    this.#events?.connectionFailed(error);
  }

  /** The present attempt has a socket, whose close ioredis will hear of; also where it is destroyed already. */
  get hasDialled(): boolean {
    return this.#redis.stream !== undefined && this.#redis.stream !== this.#streamBefore;
  }

  /** Resolves when an attempt that was ended has come to its end, if there is one. */
  get ending(): Promise<unknown> | undefined {
    return this.#search.ending;
  }

  /** Sentinels know where the server is: it has the role that they were asked for, or is left again. */
  get searches(): boolean {
    return this.#search.hasSentinels;
  }

  /** Notes an error event. Returns whether it is worth one: ioredis reports some twice, and an outage repeats itself. */
  noteError(error: Error): boolean {
    sanitizeError(error);
    if (!this.#record.isNews(error)) return false;
    if (this.#redis.manuallyClosing || this.#redis.status === "end") return true;
    this.#record.suffer(error);
    const context = { ...this.context(), load: this.#owner?.load(), written: false };
    attachDiagnosis(
      error,
      () => classify(error, context),
      () => stateOf(this.#label, context),
    );
    this.#events?.connectionFailed(error);
    return !this.#search.hasSentinels || this.#errors.mayTell(error);
  }

  /** The connection serves: what went wrong before is history. */
  forgetErrors(): void {
    this.#errors.reset();
    this.#record.forget();
  }

  #closed(): void {
    this.#watchdog.closed();
    this.login.closed();
    // ioredis 5 leaves it running, and it would destroy the next connection.
    clock.clearTimeout(this.#redis.socketTimeoutTimer);
    this.#redis.socketTimeoutTimer = undefined;
    const items = this.#unanswered.takeAll();
    const { wasReady } = this.#record;
    const isOurs = this.#dialling.closed();
    if (!isOurs && this.#record.lossCause === undefined) {
      const age = clock.now() - this.#watchdog.connectedAt;
      const cause = closedByPeer(this.#label, age, wasReady);
      this.#record.suffer(cause);
      if (!wasReady || items.length === 0) this.#events?.connectionFailed(cause);
    }
    this.#events?.lost(items, this.#record.lossCause);
    if (!this.#redis.manuallyClosing) this.#events?.connecting();
  }

  /** Before the first packet, and not on the server's time. */
  async #prepare(): Promise<Error | null | undefined> {
    const reason = await this.login.prepare();
    // It may have been ended meanwhile; and whoever searches tells by itself when it dials.
    const goesOn = reason === undefined && this.#redis.status === "connecting";
    if (goesOn && !this.#search.hasSentinels) this.#watchdog.dialling(this.#isNamed);
    return reason;
  }

  /** The server refuses who the connection logs in as. Returns whether another attempt is made with what may be another login. */
  loginRefused(): boolean {
    if (!this.login.refused() || this.#redis.status !== "connect") return false;
    // No failure yet: the login was changed, and this is how it is noticed.
    this.#dialling.dropAttempt();
    return true;
  }

  /** Logs the connection in with what a caller took on another one of the same client. */
  async logInAs(taken: TakenLogin): Promise<void> {
    await this.#internal(this.login.command(taken.auth));
    this.login.took(taken);
  }

  #liveLogin({ session, resubscribing, replace }: TransportOwner): LiveLogin {
    return new LiveLogin({
      redis: this.#redis,
      login: this.login,
      session,
      send: (command) => this.#internal(command),
      asking: (command) => this.#pending.asking(command),
      whenNextReply: (run) => this.whenNextReply(run),
      resubscribing,
      replace,
    });
  }

  /** The server is known by a name. Sentinels answer with addresses, and look for them longer than any name server. */
  get #isNamed(): boolean {
    const { sentinels, path, host } = this.#redis.options;
    return !sentinels && !path && isIP(host ?? "localhost") === 0;
  }

  /** Returns whether there was an attempt to give up. */
  #handshakeLate(after: number): boolean {
    const { status, stream } = this.#redis;
    // While the connector looks for the server, the socket is none or the one that closed before.
    if (stream === undefined || stream.destroyed || (status !== "connect" && status !== "connecting")) return false;
    const tooLong = this.#watchdog.isResolving ? lookupTooLong : stream.connecting ? dialTooLong : handshakeTooLong;
    this.destroy(tooLong(this.#label, after), clock.now() - after);
    return true;
  }

  /** Another server serves now: commands wait for it, and what was being dialled is not wanted any more. */
  #replaced(from: string, to: string): void {
    this.#search.replaced();
    this.#events?.replaced({ from, to });
    this.#dialling.elsewhere();
  }

  /** Sends a command of our own, past the engine. */
  #internal(command: Command): Promise<unknown> {
    this.#pending.asking(command);
    this.write(command, undefined);
    return command.promise;
  }
}

/** Where whoever listens to ioredis looks for it. */
/** They say how commands are to be taken that come after them. */
const OF_CLUSTERS: ReadonlySet<string> = new Set(["asking", "readonly", "readwrite"]);

/** Whether a reply other than an error says that something was done, or how the data is. */
function isConfirmed({ name }: Command): boolean {
  return factsOf(name).lane !== "apart" && !OF_CLUSTERS.has(name.toLowerCase());
}

function inItsContext(command: Command, send: () => unknown): Promise<unknown> {
  const call = callOf(command);
  return (call === undefined ? send() : call.inContext(send)) as Promise<unknown>;
}

/** Refused for now only. */
export function isPassing(error: Error): boolean {
  return classify(error, { written: true }).retryable;
}

function ignore(): void {
  // The outcome is read elsewhere.
}
