/**
 * Several shared connections for ordinary commands (`pool.size` above 1). Commands of one key share a lane and so keep
 * their order; a command that concerns several lanes runs while nothing else does. The first lane is the client's own
 * connection. The others are made once it takes commands; until all of them do, it carries everything, so that nobody waits
 * for a connection while there is one.
 */
import type { Command } from "ioredis";
import { clock, sleep } from "../clock.js";
import { factsOf } from "../command/facts.js";
import { callOf, isUnencodable } from "../engine/call.js";
import type { ClientHost, OwnConnection } from "../engine/connections.js";
import { settled } from "../engine/settled.js";
import type { BatchStream, CallOptions, Dispatcher } from "../engine/ports.js";
import { IoredoubtError } from "../failure/errors.js";
import { stalls } from "../stall-meter.js";
import { placeOf, placeOfBatch, type SlotOf } from "./lane-plan.js";
import { Item, LaneQueue } from "./lane-queue.js";

export interface LaneStats {
  readonly status: string;
  readonly inFlight: number;
  readonly waiting: number;
}

export class Lanes implements Dispatcher {
  readonly #host: ClientHost;
  readonly #slotOf: SlotOf;
  readonly #lanes: (OwnConnection | undefined)[];
  /** What waits behind a command that must be alone, or behind a batch that is still being handed over. */
  readonly #queue: LaneQueue;
  #isAlone = false;
  #isDraining = false;
  /** All lanes have been connected: each key has one. */
  #isSpread = false;

  constructor(host: ClientHost, slotOf: SlotOf) {
    this.#host = host;
    this.#slotOf = slotOf;
    this.#lanes = Array.from({ length: host.policy.pool.size }, () => undefined);
    this.#lanes[0] = host.own;
    this.#queue = new LaneQueue(host);
  }

  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    // A resend of ioredis's own account stays where it was.
    const known = callOf(command);
    if (known !== undefined) {
      const lane = this.#open().find(({ engine }) => engine.owner === known.owner);
      lane?.engine.dispatch(command, stream, options);
      return;
    }
    if (isUnencodable(command)) {
      this.#host.own.engine.dispatch(command, stream, options);
      return;
    }
    if (this.#queue.join(command, stream)) return;
    const item = new Item(stream, options);
    const isFree = this.#queue.isEmpty && !this.#isAlone;
    this.#queue.add(item, command);
    if (this.#isDraining || !this.#host.own.engine.accepts) this.#queue.refuse(item);
    else if (!isFree) return;
    else if (!this.#isSpread && this.#areAllOpen()) void this.#spread();
    else if (stream === undefined) this.#start(item);
    // The members of a batch come one by one within this turn; only then is it known where they belong.
    else queueMicrotask(() => this.#flush());
  }

  stats(): LaneStats[] {
    return this.#open().map(({ client, engine }) => ({
      status: client.status,
      inFlight: engine.inFlight,
      waiting: engine.waiting.commands,
    }));
  }

  /** Resolves when everything issued so far has been answered, or can no longer be. */
  async whenSettled(): Promise<void> {
    await Promise.all(this.#open().map(({ engine }) => engine.whenSettled()));
  }

  /** Takes no more commands; resolves when those issued so far have settled, at the latest after `limit` milliseconds. */
  async drain(limit: number): Promise<void> {
    const until = clock.now() + limit;
    this.#isDraining = true;
    const { engine } = this.#host.own;
    while (!this.#queue.isEmpty && clock.now() < until && !engine.isHopeless(until - clock.now()))
      await sleep(Math.min(5, limit));
    await Promise.all(this.#open().map(({ engine }) => engine.drain(Math.max(0, until - clock.now()))));
  }

  end(): void {
    this.#queue.refuseAll();
    for (const { client } of this.#others()) client.disconnect();
    this.#lanes.fill(undefined, 1);
    this.#isSpread = false;
  }

  /** Takes commands again. */
  revive(): void {
    this.#isDraining = false;
  }

  // ---- order

  /** Makes the other lanes if there is a server to connect to. Returns whether all of them take commands. */
  #areAllOpen(): boolean {
    if (!this.#host.own.engine.isOpen) return false;
    for (const at of this.#lanes.keys()) {
      if (this.#lanes[at] !== undefined) continue;
      const lane = (this.#lanes[at] = this.#host.open("lane"));
      lane.transport.wake();
    }
    return this.#open().every(({ engine }) => engine.isOpen);
  }

  /** From now on each key has its lane; what was issued before is answered first. */
  async #spread(): Promise<void> {
    this.#isAlone = true;
    this.#queue.park();
    await this.whenSettled();
    this.#isSpread = true;
    this.#goOn();
  }

  #goOn(): void {
    this.#isAlone = false;
    this.#queue.unpark();
    this.#flush();
  }

  #flush(): void {
    for (let item = this.#queue.first; item !== undefined && !this.#isAlone; item = this.#queue.first) {
      this.#start(item);
    }
  }

  #start(item: Item): void {
    const { commands, stream } = item;
    const size = this.#isSpread ? this.#lanes.length : 1;
    const [first] = commands;
    if (first === undefined) return;
    const place =
      stream === undefined ? placeOf(first, size, this.#slotOf) : placeOfBatch(commands, size, this.#slotOf);
    if ("refused" in place) {
      if (this.#queue.take(item)) for (const command of commands) command.reject(this.#refusal(command, place.refused));
    } else if (place.alone) void this.#runAlone(item, place.lane);
    else if (this.#queue.take(item)) this.#dispatch(item, place.lane);
  }

  async #runAlone(item: Item, lane: number): Promise<void> {
    this.#isAlone = true;
    this.#queue.park();
    const [first] = item.commands;
    const { engine } = this.#host.own;
    const isLast = first !== undefined && factsOf(first.name).dispatch === "quit";
    // What cannot end must not keep the end of everything waiting.
    if (!(isLast && engine.isHopeless(engine.limits.inAll(item.options)))) await this.whenSettled();
    if (this.#queue.take(item)) {
      this.#dispatch(item, lane);
      for (const command of item.commands) await settled(callOf(command));
      // Its caller may have given up before the server has heard of it.
      await this.whenSettled();
    }
    this.#goOn();
  }

  #dispatch({ commands, stream, options, since }: Item, index: number): void {
    const { client, engine } = this.#lanes[index] ?? this.#host.own;
    // ioredis's stream writes to the connection that its destination names.
    if (stream !== undefined) (stream as { destination: { redis: object } }).destination = { redis: client };
    const [first] = commands;
    const isSubscription = first !== undefined && factsOf(first.name).dispatch === "subscription";
    const limits = isSubscription ? options : this.#lessWaiting(options, stalls.awakeSince(since));
    for (const command of commands) engine.dispatch(command, stream, limits);
  }

  /** A deadline is total: what was waited here is taken off, but for the time in which this process stood still. */
  #lessWaiting(options: CallOptions | undefined, waited: number): CallOptions | undefined {
    const patience = this.#host.own.engine.limits.inAll(options);
    if (waited < GRAIN || patience === Infinity) return options;
    return { ...options, deadline: Math.max(1, Math.floor((patience - waited) / GRAIN) * GRAIN) };
  }

  #refusal(command: Command, message: string): IoredoubtError {
    return new IoredoubtError("CONFIG_INVALID", message, {
      ...this.#host.own.engine.errorDetails(),
      command: factsOf(command.name).shown,
    });
  }

  #open(): OwnConnection[] {
    return this.#lanes.filter((lane) => lane !== undefined);
  }

  #others(): OwnConnection[] {
    return this.#lanes.slice(1).filter((lane) => lane !== undefined);
  }
}

/** Waiting is taken off in steps of so many milliseconds: each different deadline costs a list. */
const GRAIN = 10;
