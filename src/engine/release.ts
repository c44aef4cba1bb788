/**
 * Lets what waits go: in its order, to the database it was meant for, before anything new. Nothing goes while there is no
 * connection, while a circuit is being tested, or while the connection is paused; but while only writes are held, reads that
 * need not wait behind them pass.
 */
import { clock, type Immediate } from "../clock.js";
import { withBatches } from "./stream-batch.js";
import type { Call } from "./call.js";
import type { ConnectionState, PauseReason } from "./connection-state.js";
import type { Deadlines } from "./deadlines.js";
import { Footprint, isFrame, isRead } from "./footprint.js";
import type { OfflineQueue } from "./offline-queue.js";
import type { BlockingRouter, Transport } from "./ports.js";
import { SLICE } from "./slices.js";
import type { TimeLimits } from "./time-limits.js";

export interface ReleaseParts {
  readonly connection: ConnectionState;
  readonly queue: OfflineQueue;
  readonly deadlines: Deadlines;
  readonly transport: Transport;
  readonly limits: TimeLimits;
  readonly blockingRouter: () => BlockingRouter | undefined;
  readonly send: (call: Call, now: number) => void;
  /** Their deadline passed while they waited. */
  readonly expired: (calls: Call[]) => void;
  /** Only writes are held: reads may pass. */
  readonly holdsWritesOnly: () => boolean;
}

/** So many are taken out of the queue between two looks at the clock. */
const AT_ONCE = 50;

export class Release {
  readonly #parts: ReleaseParts;
  /** The rest goes in the next turn. */
  #scheduled: Immediate | undefined = undefined;
  /** The database of what has none of its own, while others are served in theirs. It outlives the connection. */
  #home: number | undefined = undefined;
  /** The SELECT that is awaited. Nothing goes before its answer: refused, what follows would run in another database. */
  #switching: object | undefined = undefined;
  /** What those that wait for another try touch, as far as reads must wait behind them. */
  #ahead = new Footprint();
  /** What was let go last to see whether the server takes it. */
  #probe: readonly Call[] = [];

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
  }

  /** A new connection: no SELECT is under way on it. */
  connected(): void {
    this.#switching = undefined;
  }

  /** Lets everything go that waits, a few milliseconds a turn. What comes while others are being sent queues behind them. */
  run(): void {
    if (this.#scheduled !== undefined) return;
    const { connection, queue } = this.#parts;
    const until = clock.now() + SLICE;
    while (connection.mayRelease && !queue.isEmpty) {
      this.#send(queue.take(AT_ONCE));
      if (clock.now() >= until) {
        this.#scheduled = clock.setImmediate(() => {
          this.#scheduled = undefined;
          this.run();
        });
        return;
      }
    }
    connection.released();
  }

  /** Ends a pause of the connection, and lets go what waited for nothing else. */
  resume(reason: PauseReason): void {
    const { connection } = this.#parts;
    if (!connection.isPausedBy(reason)) return;
    connection.resume(reason);
    this.run();
  }

  /**
   * Lets only the oldest go, or the batch that it belongs to, although the others are held; returns what was sent,
   * `undefined` while the connection is paused for another reason too.
   */
  probe(): readonly Call[] | undefined {
    if (!this.#mayPass) return undefined;
    const { queue } = this.#parts;
    const { oldest } = queue;
    // A block would keep the answer back.
    if (oldest === undefined || oldest.facts.dispatch === "blocking") return [];
    const calls = [...withBatches([oldest])];
    for (const call of calls) queue.remove(call);
    this.#send(calls);
    return (this.#probe = calls.filter(({ state }) => state === "sent"));
  }

  /** Writes have begun to wait, or some of them wait no longer: reads that need not wait behind them go. */
  letReadsPass(): void {
    this.#ahead = new Footprint();
    if (!this.#maySort) return;
    // It may be refused and have to go again: not past a read of its keys.
    for (const call of this.#probe) if (call.state === "sent") this.#ahead.add(call);
    const seen = new Set<Call>();
    for (const call of this.#parts.queue.calls()) {
      if (seen.has(call)) continue;
      const calls = [...withBatches([call])];
      for (const member of calls) seen.add(member);
      this.pass(calls);
    }
  }

  /** Sends these, which wait and go together, if only writes are held and they need not wait behind one. */
  pass(calls: readonly Call[]): void {
    if (!this.#maySort) return;
    if (!calls.every(isPlainRead) || calls.some((call) => this.#ahead.concerns(call))) {
      for (const call of calls) this.#ahead.add(call);
      return;
    }
    for (const call of calls) this.#parts.queue.remove(call);
    this.#send(calls);
  }

  /** Nothing but a retry keeps commands from going. */
  get #mayPass(): boolean {
    return this.#parts.connection.isPausedOnlyBy("backoff");
  }

  get #maySort(): boolean {
    const { connection, holdsWritesOnly } = this.#parts;
    return this.#mayPass && connection.accepts && holdsWritesOnly();
  }

  #send(calls: readonly Call[]): void {
    const { deadlines, transport, limits, queue, send, expired } = this.#parts;
    const now = clock.now();
    // Calls that come back from a lost connection belong to the database that was selected when they were sent.
    let home = this.#home ?? transport.database();
    let goal = home;
    const isLate = (call: Call): boolean => call.expiresAt <= now && !deadlines.reprieve(call, now);
    const late = withBatches(calls.filter((call) => isLate(call) || limits.outlasts(call, now)));
    const keep = (from: number): void => {
      for (const rest of calls.slice(from)) if (!late.has(rest) && rest.state === "waiting") queue.giveBack(rest);
    };
    for (const [at, call] of calls.entries()) {
      // It may have been refused with a member of its batch.
      if (late.has(call) || call.state !== "waiting") continue;
      const isSelect = call.facts.session === "select";
      const database = isSelect ? transport.database() : (call.database ?? home);
      if (database !== transport.database()) {
        goal = database;
        keep(at);
        break;
      }
      const isBlocking = call.facts.dispatch === "blocking";
      if (isBlocking && call.stream === undefined && this.#divert(call)) continue;
      if (limits.startsWhenSent(call)) deadlines.allow(call, limits.onceSent(call), now);
      if (call.attempts > 0) call.takeOver();
      send(call, now);
      if (isSelect) goal = home = transport.database();
      if (call.facts.session === "reset") {
        keep(at + 1);
        break;
      }
    }
    this.#home = home;
    if (goal !== transport.database()) this.#switchTo(goal);
    else if (goal === home) this.#home = undefined;
    if (late.size > 0) expired([...late]);
  }

  #switchTo(database: number): void {
    const { connection, transport } = this.#parts;
    const switching = (this.#switching = {});
    connection.pause("select");
    transport.select(database, () => {
      if (this.#switching !== switching) return;
      this.#switching = undefined;
      connection.resume("select");
      this.run();
    });
  }

  #divert(call: Call): boolean {
    if (this.#parts.blockingRouter()?.divert(call.command, call.options) !== true) return false;
    call.detach();
    return true;
  }
}

function isPlainRead(call: Call): boolean {
  return isFrame(call) || ((call.facts.dispatch === "plain" || call.facts.dispatch === "checked") && isRead(call));
}
