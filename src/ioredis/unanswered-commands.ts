/** What ioredis has written and not answered: its own queue, as far as it is read and mended here. */
import type { Command } from "ioredis";
import { callOf } from "../engine/call.js";
import type { BatchStream, LostItem } from "../engine/ports.js";
import type { RedisInternals } from "./internals.js";

export class UnansweredCommands {
  readonly #redis: RedisInternals;

  constructor(redis: RedisInternals) {
    this.#redis = redis;
  }

  get isEmpty(): boolean {
    return this.#redis.commandQueue.length === 0;
  }

  /** Oldest first. Costs time for each of them. */
  all(): Command[] {
    return this.#redis.commandQueue.toArray().map(({ command }) => command);
  }

  /** Takes all of them out. ioredis must not find them: it would resend them, or drop their promises. */
  takeAll(): readonly LostItem[] {
    const { commandQueue } = this.#redis;
    const items = commandQueue.toArray();
    commandQueue.clear();
    return items;
  }

  get oldest(): Command | undefined {
    const { commandQueue } = this.#redis;
    return commandQueue.length > 0 ? commandQueue.peekAt(0)?.command : undefined;
  }

  /** The newest that matches; by default, of those that have a call. */
  newest(matches: (command: Command) => boolean = hasCall): Command | undefined {
    const { commandQueue } = this.#redis;
    for (let at = commandQueue.length - 1; at >= 0; at--) {
      const command = commandQueue.peekAt(at)?.command;
      if (command !== undefined && matches(command)) return command;
    }
    return undefined;
  }

  /** Calls `run` once when the oldest has its answer or can no longer have one, now if there is none. */
  whenNextReply(run: () => void): void {
    const head = this.#redis.commandQueue.peekAt(0)?.command;
    const call = head && callOf(head);
    if (call !== undefined) call.whenAnswered(run);
    else if (head === undefined) run();
    else head.promise.then(run, run);
  }

  /** The command was queued last. */
  endsWith(command: Command): boolean {
    const { commandQueue } = this.#redis;
    return commandQueue.length > 0 && commandQueue.peekAt(commandQueue.length - 1)?.command === command;
  }

  /** Takes out the members of a batch that were queued last and will not be written. */
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
}

function hasCall(command: Command): boolean {
  return callOf(command) !== undefined;
}
