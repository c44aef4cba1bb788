/**
 * One blocking command on its way: its own promise is settled by whichever connection runs it, so it is handed over as
 * ioredis made it. Knows how to notice its end, and how much of its time is left when it runs again.
 *
 * A long block is asked for in pieces. While it blocks a connection cannot be questioned, and a path that died with the
 * client's side still acknowledging would be waited on for ever; the end of a piece is an answer that must come. A null
 * at that end means that the server has popped nothing, so asking again loses nothing.
 *
 * One clock runs from when it was issued: behind what was issued before it, for a connection of its own, in a queue and in
 * flight it spends the same deadline.
 */
import { clock } from "../clock.js";
import type { Command } from "ioredis";
import { blockingTimeoutOf, setBlockingTimeout } from "../command/blocking.js";
import { callOf, luggageOf, takeAlong, type Call } from "../engine/call.js";
import type { Engine } from "../engine/engine.js";
import type { CallOptions, Dispatcher } from "../engine/ports.js";
import { streamTailsOf } from "../command/stream-tails.js";
import { stalls } from "../stall-meter.js";

/** A server's null comes when a piece is over, by both clocks, but for this. Milliseconds. */
const EARLY = 50;
/** A block is not cut for less than this share of a piece. */
const LEAST_REST = 0.5;
/**
 * Whatever it has waited, a block that begins gets this much on top of its own time, unless the deadline is shorter: the
 * server's null must not be taken for silence. Milliseconds.
 */
const LEAST_GRACE = 500;

export class BlockingCall {
  readonly command: Command;
  readonly #options: CallOptions | undefined;
  /** When it was issued, on the monotonic clock. */
  readonly #since: number;
  /** What it may spend on waiting, until it runs first. Milliseconds. */
  #limit = Infinity;
  /** Stands for it while it waits, under its deadline. */
  #parked: Call | undefined = undefined;
  readonly #block: number;
  readonly #piece: number;
  /** How its caller is told; on the command itself stands what hears of the end first. */
  #caller: Pick<Command, "resolve" | "reject"> | undefined = undefined;
  #left: number;
  #startedAt = 0;
  /** How long it waited before it ran first. Milliseconds. */
  #waited: number | undefined = undefined;
  /** The block that runs is shorter than what is left of it: its end is not the caller's. */
  isPiece = false;

  /** `piece`: how long it may block in one go, in milliseconds; `Infinity` for as long as it says. */
  constructor(command: Command, options: CallOptions | undefined, piece: number) {
    this.command = command;
    this.#options = options;
    this.#since = luggageOf(command)?.since ?? callOf(command)?.startedAt ?? clock.now();
    this.#block = this.#left = blockingTimeoutOf(command.name, command.args) ?? 0;
    this.#piece = piece;
  }

  get name(): string {
    return this.command.name.toLowerCase();
  }

  /** The caller's limits, less what has been waited. */
  get options(): CallOptions | undefined {
    if (this.#limit === Infinity) return this.#options;
    const rest = this.#limit - stalls.awakeSince(this.#since);
    return { ...this.#options, deadline: Math.max(Math.min(this.#limit, LEAST_GRACE), rest) };
  }

  /** It waits from here on, and ends at its deadline. With ioredis's `blockingTimeout` each stage has its own, as there. */
  wait(engine: Engine): void {
    const { limits } = engine;
    if (limits.blockingLimit !== undefined) return;
    this.#limit = limits.inAll(this.#options);
    if (this.#limit !== Infinity)
      this.#parked = engine.parked.park(this.command, undefined, this.#options, this.#since);
  }

  /** Ends the wait: it is about to run, or to be handed over. `false` if its caller has been told otherwise meanwhile. */
  take(): boolean {
    const parked = this.#parked;
    this.#parked = undefined;
    if (parked?.state === "settled") return false;
    parked?.detach();
    return true;
  }

  /** Sent a second time it would mean the same. A `$` that could not be pinned would mean a later moment. */
  get isRepeatable(): boolean {
    return streamTailsOf(this.command.name, this.command.args).length === 0;
  }

  /**
   * Runs it through an engine. `ended` is told once, before the caller is; when it returns `true` for a reply of null, the
   * command is about to run again and its caller hears nothing yet.
   */
  run(engine: Dispatcher, ended: (reply: { readonly isEmpty: boolean }) => boolean): void {
    const { command, options } = this;
    const { name, args } = command;
    // A further piece has a deadline of its own.
    this.#limit = Infinity;
    const isLong = this.#left > this.#piece * (1 + LEAST_REST) && this.isRepeatable;
    this.isPiece = isLong && setBlockingTimeout(name, args, this.#piece);
    if (!this.isPiece && this.#left !== this.#block) setBlockingTimeout(name, args, this.#left);
    this.#startedAt = clock.now();
    this.#waited ??= this.#startedAt - this.#since;
    const caller = (this.#caller ??= { resolve: command.resolve, reject: command.reject });
    let isOver = false;
    const over = (isEmpty: boolean): boolean => {
      if (isOver) return false;
      isOver = true;
      return ended({ isEmpty });
    };
    command.resolve = (value: unknown) => {
      if (!over(value === null)) caller.resolve.call(command, value);
    };
    command.reject = (error: Error) => {
      over(false);
      caller.reject.call(command, error);
    };
    engine.dispatch(command, undefined, options);
    const call = callOf(command);
    call?.whenSettled(() => {
      if (isOver) return;
      this.#leaves(call);
      over(false);
    });
  }

  /** Another server serves its key, or its caller is told of a failure in a moment: whoever goes on with it knows nothing of pieces. */
  #leaves({ attempts, sentAt }: Call): void {
    const now = clock.now();
    const beganAt = attempts > 0 ? Math.max(sentAt, this.#startedAt) : now;
    this.#left = Math.max(1, this.#left - (now - beganAt));
    const { name, args } = this.command;
    if (this.#left !== Infinity) setBlockingTimeout(name, args, this.#left);
    else if (this.isPiece) setBlockingTimeout(name, args, 0);
    takeAlong(this.command, { since: now - (this.#waited ?? 0) - (beganAt - this.#startedAt) });
  }

  /** The null that came ended a piece, and not the block: nobody has ended it with CLIENT UNBLOCK before its time. */
  get isPieceOver(): boolean {
    return this.isPiece && clock.now() - this.#startedAt >= this.#piece - EARLY;
  }

  /** Before it runs again: takes off what it has already waited. Returns whether any time is left. */
  shorten(): boolean {
    if (this.#left !== Infinity) this.#left -= clock.now() - this.#startedAt;
    if (this.#left < 1) return false;
    callOf(this.command)?.detach();
    return true;
  }

  /** Returns whether its caller had been told nothing yet. */
  reject(error: Error): boolean {
    if (!this.take()) return false;
    (this.#caller ?? this.command).reject(error);
    return true;
  }
}
