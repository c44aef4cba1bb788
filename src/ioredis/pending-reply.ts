/** The reply that is due next on a connection: since when, and for how long the server was told to hold it back. */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import { blockingTimeoutOf } from "../command/blocking.js";
import { sentAtOf } from "../engine/call.js";
import type { RedisInternals } from "./internals.js";

/** Servers before 6.0 look for blocks that are over once a second. Milliseconds. */
const LATE_END = 1_000;

export class PendingReply {
  readonly #redis: RedisInternals;
  /** When commands of our own were sent: they have no call that knows. */
  readonly #askedAt = new WeakMap<Command, number>();

  constructor(redis: RedisInternals) {
    this.#redis = redis;
  }

  /** A command of our own is being sent, past the engine. */
  asking(command: Command): void {
    this.#askedAt.set(command, clock.now());
  }

  /** Milliseconds for which it has been due with nothing read since `lastReadAt`; 0 when none is due. */
  for(now: number, lastReadAt: number): number {
    const head = this.#head();
    if (head === undefined) return 0;
    // Idle before that, the connection had nothing to say.
    const askedAt = sentAtOf(head) ?? this.#askedAt.get(head) ?? 0;
    return now - Math.max(askedAt, lastReadAt);
  }

  /** Milliseconds for which the server may hold it back, as it was told. */
  get heldBackFor(): number {
    const head = this.#head();
    if (head === undefined) return 0;
    const block = blockingTimeoutOf(head.name, head.args);
    return block === undefined ? 0 : block + LATE_END;
  }

  /** The oldest command that has no answer yet. */
  #head(): Command | undefined {
    const { commandQueue, options } = this.#redis;
    return commandQueue.length === 0 || options.monitor === true ? undefined : commandQueue.peekAt(0)?.command;
  }
}
