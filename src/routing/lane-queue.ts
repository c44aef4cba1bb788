/**
 * Where commands wait while one of them has all lanes to itself: in order, bounded as the offline queue is, each with its own
 * deadline and signal. A batch waits, and leaves, as a whole. Knows nothing of lanes.
 */
import { onceAborted } from "../abort-listeners.js";
import { clock } from "../clock.js";
import type { Command } from "ioredis";
import type { Call } from "../engine/call.js";
import * as clientErrors from "../engine/client-errors.js";
import type { ClientHost } from "../engine/connections.js";
import type { FailureSnapshot } from "../engine/failure-snapshot.js";
import { OfflineQueue } from "../engine/offline-queue.js";
import type { BatchStream, CallOptions } from "../engine/ports.js";

/** Makes the error that a member is refused with. */
type ItemRefusal = (call: Call, snapshot: FailureSnapshot, now: number) => Error;

/** A command, or the members of a batch. */
export class Item {
  readonly commands: Command[] = [];
  readonly stream: BatchStream | undefined;
  readonly options: CallOptions | undefined;
  readonly since: number = clock.now();
  /** They stand in for the commands while these wait; none while it is only a matter of this turn. */
  readonly calls: Call[] = [];
  /** One member was refused, so all are, also those that are still to come. */
  refusal: ItemRefusal | undefined = undefined;

  constructor(stream: BatchStream | undefined, options: CallOptions | undefined) {
    this.stream = stream;
    this.options = options;
  }
}

export class LaneQueue {
  readonly #host: ClientHost;
  readonly #size: OfflineQueue;
  readonly #items = new Set<Item>();
  #last: Item | undefined = undefined;
  #isParked = false;

  constructor(host: ClientHost) {
    this.#host = host;
    this.#size = new OfflineQueue(host.policy.queue);
  }

  get first(): Item | undefined {
    return this.#items.values().next().value;
  }

  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  add(item: Item, command: Command): void {
    this.#items.add(item);
    this.#last = item;
    this.#take(item, command);
  }

  /** Adds one more member to the batch that came last; `false` if it belongs to another batch, or to none. */
  join(command: Command, stream: BatchStream | undefined): boolean {
    const item = this.#last;
    if (stream === undefined || item?.stream !== stream) return false;
    this.#take(item, command);
    return true;
  }

  /** From now on what is here waits for longer than this turn: limits apply. */
  park(): void {
    this.#isParked = true;
    for (const item of [...this.#items]) {
      if (item.calls.length === 0) for (const command of item.commands) this.#watch(item, command);
    }
  }

  unpark(): void {
    this.#isParked = false;
  }

  /** Takes an item out for sending; `false` if it was refused meanwhile. */
  take(item: Item): boolean {
    this.#remove(item);
    if (item.refusal !== undefined || item.calls.some(({ state }) => state === "settled")) return false;
    for (const call of item.calls) call.detach();
    return true;
  }

  /** The client takes no more commands. */
  refuse(item: Item): void {
    this.#refuse(item, clientErrors.closed);
    // What came in this turn has no calls to be refused by yet.
    if (item.calls.length === 0) for (const command of item.commands) this.#watch(item, command);
  }

  /** The client has ended, which is what a QUIT among them asked for. */
  refuseAll(): void {
    this.park();
    for (const item of [...this.#items]) {
      for (const call of item.calls) if (call.facts.dispatch === "quit") this.#host.own.engine.parked.acknowledge(call);
      this.refuse(item);
    }
  }

  #take(item: Item, command: Command): void {
    item.commands.push(command);
    if (this.#isParked || item.refusal !== undefined) this.#watch(item, command);
  }

  /** Makes the command a call that can be refused: for its deadline, its signal, or lack of room. */
  #watch(item: Item, command: Command): void {
    const { own, policy } = this.#host;
    const { engine } = own;
    const call = engine.parked.park(command, item.stream, item.options, item.since);
    item.calls.push(call);
    if (item.refusal !== undefined) engine.parked.reject(call, item.refusal);
    else if (policy.queue !== false && !this.#size.add(call)) {
      const { queue } = policy;
      const { stats } = this.#size;
      this.#refuse(item, (member, snapshot, now) => clientErrors.queueFull(member, snapshot, stats, queue, now));
    } else this.#limit(item, call);
  }

  #limit(item: Item, call: Call): void {
    const signal = item.options?.signal;
    const onAbort = (): void => this.#refuse(item, clientErrors.aborted);
    const forget = signal?.aborted === false ? onceAborted(signal, onAbort) : undefined;
    call.whenSettled(() => {
      forget?.();
      this.#size.remove(call);
      if (item.stream === undefined) this.#remove(item);
    });
    if (signal?.aborted === true) onAbort();
  }

  #refuse(item: Item, error: ItemRefusal): void {
    item.refusal = error;
    this.#items.delete(item);
    for (const call of item.calls) this.#host.own.engine.parked.reject(call, error);
  }

  #remove(item: Item): void {
    this.#items.delete(item);
    if (this.#last === item) this.#last = undefined;
  }
}
