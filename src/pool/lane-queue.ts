/**
 * Where commands wait while one of them has all lanes to itself: in order, bounded as the gate is, each with its own
 * deadline and signal. A batch waits, and leaves, as a whole. Knows nothing of lanes.
 */
import type { Command } from "ioredis";
import { Call, letGo, type CallOptions } from "../command/call.js";
import { traitsOf } from "../command/traits.js";
import type { BatchStream } from "../connection/internals.js";
import { Gate } from "../flow/gate.js";
import * as refusal from "../flow/refusal.js";
import type { Policy } from "../policy/shape.js";
import type { Host } from "./host.js";

/** A command, or the members of a batch. */
export class Item {
  readonly commands: Command[] = [];
  readonly stream: BatchStream | undefined;
  readonly options: CallOptions | undefined;
  readonly since: number = performance.now();
  /** They stand in for the commands while these wait; none while it is only a matter of this turn. */
  readonly calls: Call[] = [];
  /** One member was refused, so all are, also those that are still to come. */
  refusal: ((call: Call, now: number) => Error) | undefined = undefined;

  constructor(stream: BatchStream | undefined, options: CallOptions | undefined) {
    this.stream = stream;
    this.options = options;
  }
}

export class LaneQueue {
  readonly #host: Host;
  readonly #gate: Gate;
  readonly #items = new Set<Item>();
  #last: Item | undefined = undefined;
  #isParked = false;

  constructor(host: Host) {
    this.#host = host;
    this.#gate = new Gate(host.policy.queue);
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
    for (const call of item.calls) letGo(call.command);
    return true;
  }

  /** The client takes no more commands. */
  refuse(item: Item): void {
    this.#refuse(item, (call, now) => refusal.closed(call, this.#host.flow.desk.scene(), now));
    // What came in this turn has no calls to be refused by yet.
    if (item.calls.length === 0) for (const command of item.commands) this.#watch(item, command);
  }

  /** The client has ended, which is what a QUIT among them asked for. */
  refuseAll(): void {
    this.park();
    for (const item of [...this.#items]) {
      for (const call of item.calls) if (call.traits.carriage === "quit") this.#host.flow.desk.resolve(call, OK);
      this.refuse(item);
    }
  }

  #take(item: Item, command: Command): void {
    item.commands.push(command);
    if (this.#isParked || item.refusal !== undefined) this.#watch(item, command);
  }

  /** Makes the command a call that can be refused: for its deadline, its signal, or want of room. */
  #watch(item: Item, command: Command): void {
    const { flow, policy } = this.#host;
    const call = new Call(flow, command, traitsOf(command.name), item.stream, item.options, item.since);
    item.calls.push(call);
    if (item.refusal !== undefined) flow.desk.reject(call, item.refusal(call, performance.now()));
    else if (policy.queue !== false && !this.#gate.add(call)) {
      const { queue } = policy;
      const { stats } = this.#gate;
      this.#refuse(item, (member, now) => refusal.queueFull(member, flow.desk.scene(), stats, queue, now));
    } else this.#limit(item, call);
  }

  #limit(item: Item, call: Call): void {
    const { desk, deadlines } = this.#host.flow;
    const signal = item.options?.signal;
    const onAbort = (): void => this.#refuse(item, (member, now) => refusal.aborted(member, desk.scene(), now));
    call.observer = () => {
      signal?.removeEventListener("abort", onAbort);
      this.#gate.remove(call);
      if (item.stream === undefined) this.#remove(item);
    };
    const patience = patienceOf(this.#host.policy, item.options);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    if (call.state === "waiting" && patience !== Infinity) deadlines.arm(call, deadlines.list(patience), item.since);
  }

  #refuse(item: Item, error: (call: Call, now: number) => Error): void {
    item.refusal = error;
    this.#items.delete(item);
    const now = performance.now();
    for (const call of item.calls) this.#host.flow.desk.reject(call, error(call, now));
  }

  #remove(item: Item): void {
    this.#items.delete(item);
    if (this.#last === item) this.#last = undefined;
  }
}

/** Milliseconds a command may wait here and be under way, in all; `Infinity` for no limit. */
export function patienceOf({ queue, deadline }: Policy, options: CallOptions | undefined): number {
  if (options?.deadline === undefined && queue !== false && queue.wait === "forever") return Infinity;
  const patience = options?.deadline ?? deadline;
  return patience === false ? Infinity : patience;
}

const OK = Buffer.from("OK");
