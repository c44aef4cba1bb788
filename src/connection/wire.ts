/**
 * One standalone client's connection as its flow needs it: writes through ioredis, measures, destroys, redials and
 * probes. It follows ioredis's status changes and knows the socket; it decides nothing about commands.
 */
import { Command, Redis as IORedis } from "ioredis";
import { callOf, type Call } from "../command/call.js";
import type { Diagnosis, EndpointInfo, FailureContext } from "../failure/diagnosis.js";
import { attachDiagnosis } from "../failure/attach.js";
import { classify } from "../failure/classify.js";
import { sanitizeError } from "../failure/redact.js";
import { stateOf } from "../failure/state.js";
import type { Flow } from "../flow/flow.js";
import type { Transport } from "../flow/transport.js";
import type { CircuitKind } from "../flow/circuit.js";
import type { Policy } from "../policy/shape.js";
import { adoptConnector } from "./adopt-connector.js";
import type { WriteStats } from "./coalesce.js";
import { internalsOf, type BatchStream, type RedisInternals } from "./internals.js";
import { closedByPeer, garbled, handshakeTooLong, silence, stillLoading } from "./loss-causes.js";
import { Outflow } from "./outflow.js";
import { Owed } from "./owed.js";
import { allowsQuickWrites, quickWrite } from "./quick-write.js";
import { probe } from "./probe.js";
import { ConnectionRecord } from "./record.js";
import { Reconnect, type RetryStrategy } from "./reconnect.js";
import type { Garble } from "./reply-guard.js";
import { SelectedDatabase } from "./selected.js";
import { refusedUnheard } from "./loss-causes.js";
import { Watchdog } from "./watchdog.js";
import { WriteScout } from "./write-scout.js";

/** A SELECT that is refused for a passing reason is sent again after this, in milliseconds. */
const SELECT_AGAIN = 100;
/** How long a look for a server that takes writes may take where the breaker, whose probe it is, is off. Milliseconds. */
const SCOUT_TIMEOUT = 1_000;
/** After a command was refused for want of a connection, one counts as wanted for this long, in milliseconds. */
const WANTED_FOR = 1_000;

export class Wire implements Transport {
  readonly writes: WriteStats = { asked: 0, made: 0 };
  readonly reconnect: Reconnect;
  readonly endpointInfo: EndpointInfo;
  /** Set once, right after construction: flow and wire need each other. */
  declare flow: Flow;
  /** ioredis has sent what it sends at once on a new connection. Set with `flow`. */
  declare onGreeted: () => void;
  readonly #client: IORedis;
  readonly #redis: RedisInternals;
  readonly #watchdog: Watchdog;
  readonly #record: ConnectionRecord;
  readonly #outflow = new Outflow();
  readonly #selected: SelectedDatabase;
  readonly #owed: Owed;
  readonly #scout: WriteScout;
  #isQuick = false;
  /** Commands that had been answered when the present connection became ready. */
  #answeredBefore = 0;
  #refusedAt = -Infinity;
  /** The present connection is being closed by ourselves, to see where the name leads now. */
  #isRedialling = false;

  constructor(client: IORedis, policy: Policy, info: EndpointInfo, retryStrategy: RetryStrategy | null | undefined) {
    this.#client = client;
    this.#redis = internalsOf(client);
    this.endpointInfo = info;
    this.reconnect = new Reconnect(policy.reconnect, retryStrategy, {
      hasServed: () => this.flow.desk.stats.answered > this.#answeredBefore,
      isWanted: () => !this.flow.gate.isEmpty || performance.now() - this.#refusedAt < WANTED_FOR,
      wasRefused: () => refusedUnheard(this.#record.lossCause) && this.context().connection?.lastWords === undefined,
      spaced: (delay) => this.flow.endpoint.dials.reserve(delay),
    });
    this.#scout = new WriteScout(
      this.#redis,
      policy.breaker === false ? SCOUT_TIMEOUT : policy.breaker.probeTimeout,
      policy.reconnect.handshakeTimeout,
    );
    this.#watchdog = new Watchdog(policy.heartbeat, policy.reconnect.handshakeTimeout, {
      handshakeLate: (after) => this.#handshakeLate(after),
      owedFor: (now) => (this.isSending() ? 0 : Math.max(0, this.silentFor(now) - this.#owed.heldBackFor)),
      isIdle: () => this.#redis.status === "ready" && this.#redis.commandQueue.length === 0,
      ping: () => void this.#internal(new Command("ping")).catch(ignore),
      silent: (after) => this.destroy(silence(this.flow.endpoint.label, after)),
    });
    this.#owed = new Owed(this.#redis);
    this.#selected = new SelectedDatabase(this.#redis);
    this.#record = new ConnectionRecord(this.#redis, info, this.#watchdog);
  }

  // ---- Transport

  write(command: Command, stream: BatchStream | undefined, bare = false): void {
    if (bare) {
      if (this.#isQuick && quickWrite(this.#redis, command, stream)) return;
    } else this.#selected.sending(command);
    const traced = IORedis.prototype.sendCommand.call(this.#client, command, stream as never) as Promise<unknown>;
    // A tracing subscriber gets a promise of its own, which nobody else will catch.
    if (traced !== command.promise) traced.catch(ignore);
  }

  hasTaken(command: Command): boolean {
    const { commandQueue } = this.#redis;
    return commandQueue.length > 0 && commandQueue.peekAt(commandQueue.length - 1)?.command === command;
  }

  takeBack(stream: BatchStream): void {
    const { commandQueue: queue, condition } = this.#redis;
    let from = queue.length;
    while (from > 0 && queue.peekAt(from - 1)?.stream === stream) from--;
    const first = from < queue.length ? queue.peekAt(from) : undefined;
    if (first === undefined) return;
    // A SELECT among them has not been sent either.
    if (condition !== null) condition.select = first.select;
    queue.remove(from, queue.length - from);
  }

  inFlight(): Call[] {
    const calls: Call[] = [];
    for (const { command } of this.#redis.commandQueue.toArray()) {
      const call = callOf(command);
      if (call?.state === "sent") calls.push(call);
    }
    return calls;
  }

  wake(): void {
    if (this.#redis.status === "wait") this.#client.connect().catch(ignore);
    else this.#dialSooner();
  }

  hurry(): void {
    this.#refusedAt = performance.now();
    this.#dialSooner();
  }

  redial(): boolean {
    if (this.#redis.status !== "ready") return false;
    this.#isRedialling = true;
    IORedis.prototype.disconnect.call(this.#client, true);
    // Nothing is in flight, so there is nothing to wait for until the peer closes its side.
    this.#redis.stream?.destroy();
    return true;
  }

  findsWriter(): Promise<boolean> {
    const { sentinels, role } = this.#redis.options;
    // Sentinel is asked whenever somebody dials; of replicas all are read-only.
    return sentinels ? Promise.resolve(role !== "slave") : this.#scout.look();
  }

  destroy(reason: Error): void {
    this.#record.suffer(reason);
    this.flow.outage.failed(reason);
    this.#redis.stream?.destroy();
  }

  end(): void {
    this.#client.disconnect();
    // Whoever ends this way had no answer: waiting for the peer to close its side would take as long.
    this.#redis.stream?.destroy();
  }

  silentFor(now: number): number {
    return this.#owed.for(now, this.#watchdog.lastReadAt);
  }

  /** When the last byte came, or the connection was made, on the clock of `performance.now()`. */
  get lastReadAt(): number {
    return this.#watchdog.lastReadAt;
  }

  isSending(): boolean {
    return this.#outflow.isMoving(this.#redis.stream);
  }

  lastError(): Error | undefined {
    return this.#record.lastError;
  }

  lastDiagnosis(): Diagnosis | undefined {
    const error = this.lastError();
    return error === undefined ? undefined : classify(error, { ...this.context(), written: false });
  }

  retryIn(): number {
    return Math.max(0, this.reconnect.dueAt - performance.now());
  }

  context(): FailureContext {
    const { inFlight, gate } = this.flow;
    return { ...this.#record.context(), load: { inFlight, waiting: gate.size } };
  }

  probe(kind: CircuitKind, timeout: number): Promise<boolean> {
    return probe(kind, timeout, {
      keyPrefix: this.#redis.options.keyPrefix ?? "",
      send: (command) => this.#internal(command),
      context: () => this.context(),
      readOnly: () => this.flow.endpoint.readOnly(performance.now()),
    });
  }

  database(): number {
    return this.#selected.current;
  }

  select(database: number, done: () => void): void {
    const command = new Command("select", [String(database)]);
    this.write(command, undefined);
    command.promise.then(done, (error: unknown) => {
      if (!(error instanceof Error)) return;
      if (isPassing(error)) setTimeout(done, SELECT_AGAIN);
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

  // ---- what ioredis reports

  /** Looks at the connector again: ioredis makes another one when its options change. Idempotent. */
  adoptConnector(): void {
    adoptConnector(this.#redis.connector, {
      writes: this.writes,
      closedUnheard: () => this.#record.closedUnheard,
      greeted: () => this.onGreeted(),
    });
  }

  statusChanged(status: string): void {
    switch (status) {
      case "connecting":
        this.#record.dialling();
        this.#watchdog.dialling();
        this.reconnect.dialling();
        this.flow.outage.connecting();
        break;
      case "connect":
        this.#selected.connected();
        if (this.#redis.stream !== undefined) {
          this.#watchdog.connected(this.#redis.stream);
          this.#record.reached(this.#redis.stream);
        }
        break;
      case "ready":
        this.#isQuick = allowsQuickWrites(this.#redis);
        this.#watchdog.ready();
        this.#selected.ready();
        this.#record.ready();
        this.#answeredBefore = this.flow.desk.stats.answered;
        this.reconnect.ready();
        break;
      case "close":
        this.#closed();
        break;
      case "end":
        this.#watchdog.closed();
        this.#scout.stop();
        this.flow.lifetime.ended();
    }
  }

  /** What comes back over this connection cannot be trusted any more: all that is in flight is lost with it. */
  garbled(garble: Garble): void {
    const cause = garbled(this.flow.endpoint.label, garble);
    const items = this.#redis.commandQueue.toArray();
    this.#redis.commandQueue.clear();
    this.destroy(cause);
    this.flow.outage.lost(items, cause, true);
  }

  /** The server still loads its data: the handshake's clock starts anew with each such answer. */
  stillLoading(): void {
    this.#watchdog.loading();
    const error = stillLoading(this.flow.endpoint.label);
    this.#record.lastError = error;
    this.flow.outage.failed(error);
  }

  /** Notes an error event. Returns whether it is new: ioredis reports some twice. */
  noteError(error: Error): boolean {
    sanitizeError(error);
    if (!this.#record.isNews(error)) return false;
    if (this.#redis.manuallyClosing || this.#redis.status === "end") return true;
    this.#record.suffer(error);
    const context = { ...this.context(), written: false };
    const { label } = this.flow.endpoint;
    attachDiagnosis(
      error,
      () => classify(error, context),
      () => stateOf(label, context),
    );
    this.flow.outage.failed(error);
    return true;
  }

  /** The connection serves: what went wrong before is history. */
  forgetErrors(): void {
    this.#record.forget();
  }

  #closed(): void {
    this.#watchdog.closed();
    // ioredis 5 leaves it running, and it would destroy the next connection.
    clearTimeout(this.#redis.socketTimeoutTimer);
    this.#redis.socketTimeoutTimer = undefined;
    const queue = this.#redis.commandQueue;
    const items = queue.toArray();
    // ioredis must not find them: it would resend them, or drop their promises.
    queue.clear();
    const wasReady = this.flow.isReady;
    const isOurs = this.#isRedialling || this.#redis.manuallyClosing;
    this.#isRedialling = false;
    if (!isOurs && this.#record.lossCause === undefined) {
      const age = performance.now() - this.#watchdog.connectedAt;
      const cause = closedByPeer(this.flow.endpoint.label, age, wasReady);
      this.#record.suffer(cause);
      if (!wasReady || items.length === 0) this.flow.outage.failed(cause);
    }
    this.flow.outage.lost(items, this.#record.lossCause);
    if (!this.#redis.manuallyClosing) this.flow.outage.connecting();
  }

  /** Returns whether there was an attempt to give up. */
  #handshakeLate(after: number): boolean {
    const { status, stream } = this.#redis;
    // While the connector looks for the server, the socket is none or the one that closed before.
    if (stream === undefined || stream.destroyed || (status !== "connect" && status !== "connecting")) return false;
    this.destroy(handshakeTooLong(this.flow.endpoint.label, after, status));
    return true;
  }

  /** ioredis has set its timer already; a sooner one takes its place. */
  #dialSooner(): void {
    if (this.#redis.status !== "reconnecting" || this.#redis.reconnectTimeout === null) return;
    const delay = this.reconnect.hurry();
    if (delay === undefined) return;
    clearTimeout(this.#redis.reconnectTimeout);
    this.#redis.reconnectTimeout = setTimeout(() => {
      this.#redis.reconnectTimeout = null;
      this.#client.connect().catch(ignore);
    }, delay);
  }

  /** Sends a command of our own, past the flow. */
  #internal(command: Command): Promise<unknown> {
    this.#owed.asking(command);
    this.write(command, undefined);
    return command.promise;
  }
}

/** Refused for now only. */
export function isPassing(error: Error): boolean {
  return classify(error, { written: true }).retryable;
}

function ignore(): void {
  // The outcome is read elsewhere.
}
