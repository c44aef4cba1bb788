/** How long a command may wait and how long it may take, from the policy and its own options. Milliseconds; `Infinity` for no limit. */
import { blockingTimeoutOf } from "../command/blocking.js";
import type { Policy } from "../policy/shape.js";
import type { Call } from "./call.js";
import type { BlockingLimit, CallOptions } from "./ports.js";

/** What a block that is sent again must have on top of its own time: the server's null comes a little later. Milliseconds. */
const LEAST_GRACE = 100;

export class TimeLimits {
  /** `maxRetriesPerRequest: null`: neither the circuit nor a deadline ends the wait for a connection. */
  readonly waitsForever: boolean;
  readonly blockingLimit: BlockingLimit | undefined;
  readonly #deadline: number | false;

  constructor(policy: Pick<Policy, "deadline" | "queue">, blockingLimit: BlockingLimit | undefined) {
    this.waitsForever = policy.queue !== false && policy.queue.wait === "forever";
    this.blockingLimit = blockingLimit;
    this.#deadline = policy.deadline;
  }

  /** The policy's deadline; 0 without one. */
  get usual(): number {
    return this.#deadline || 0;
  }

  /** For a connection. */
  whileWaiting(call: Call): number {
    if (call.facts.dispatch === "blocking" && this.blockingLimit !== undefined) return this.blockingLimit.cap;
    return call.isWish ? Infinity : this.inAll(call.options);
  }

  /** For a reply, once the call is sent. */
  onceSent(call: Call): number {
    if (call.isWish) return Infinity;
    if (call.facts.dispatch !== "blocking") return this.deadline(call.options);
    const block = blockingTimeoutOf(call.facts.name, call.command.args);
    // The server's own answer comes at the end of the block; the deadline is the grace on top of it, unless ioredis's
    // `blockingTimeout` asks for a closer watch, which is kept on XREAD without BLOCK too.
    const { blockingLimit } = this;
    if (blockingLimit === undefined) return (block ?? 0) + this.deadline(call.options);
    return block === undefined || block === Infinity ? blockingLimit.cap : block + blockingLimit.grace;
  }

  /**
   * Whether its time starts as it is sent: a block's own does, once, and with `blockingTimeout` each time; and that of a call
   * which may wait for ever. A limit of the call's own is total.
   */
  startsWhenSent(call: Call): boolean {
    if (call.facts.dispatch === "blocking") return call.attempts === 0 || this.blockingLimit !== undefined;
    return this.waitsForever && call.options?.deadline === undefined;
  }

  /** A block that would be sent again, and could not end within what is left of its time. */
  outlasts(call: Call, now: number): boolean {
    if (call.attempts === 0 || call.facts.dispatch !== "blocking" || this.blockingLimit !== undefined) return false;
    const block = blockingTimeoutOf(call.facts.name, call.command.args) ?? 0;
    return block !== Infinity && call.expiresAt - now < block + LEAST_GRACE;
  }

  /** For waiting and the reply together. */
  inAll(options: CallOptions | undefined): number {
    return options?.deadline === undefined && this.waitsForever ? Infinity : this.deadline(options);
  }

  /** The deadline that these options ask for, or the policy. */
  deadline(options: CallOptions | undefined): number {
    const deadline = options?.deadline ?? this.#deadline;
    return deadline === false ? Infinity : deadline;
  }
}
