/**
 * What is written and unanswered: how many commands, how many bytes, and what is to happen once none is, or once there is
 * room again. Counted for every command.
 */
import type { InFlightPolicy } from "../policy/shape.js";
import type { Call } from "./call.js";

/** There is room again once this share of a bound is free, so that commands go in runs and not one by one. */
const FREE = 1 / 8;

export class InFlight {
  /** Written, unanswered, and waited for by their callers. */
  count = 0;
  /** Somebody waits for the moment when nothing is in flight. Asked for every reply. */
  isAwaited = false;
  /** Written and unanswered, also where the caller has given up: until the reply has come its place is taken. */
  unanswered = 0;
  /** Bytes of those. */
  bytes = 0;
  readonly #maxCommands: number;
  readonly #maxBytes: number;
  readonly #onRoom: () => void;
  #isFull = false;
  #onIdle: (() => void) | undefined = undefined;

  /** `onRoom` is called after `written` has said that the bound is reached, once there is room again. */
  constructor(limits: InFlightPolicy, onRoom: () => void) {
    this.#maxCommands = limits.maxCommands;
    this.#maxBytes = limits.maxBytes;
    this.#onRoom = onRoom;
  }

  /** Counts the connections. */
  epoch = 0;

  /** As many commands were written together, as so many bytes, which `call` stands for. Returns whether a bound is reached. */
  writtenTogether(call: Call, commands: number, bytes: number): boolean {
    this.count += commands;
    this.unanswered += commands - 1;
    return this.written(call, bytes);
  }

  /** The call was written, as so many bytes. Returns whether a bound is reached. */
  written(call: Call, bytes: number): boolean {
    call.bytes = bytes;
    this.bytes += bytes;
    if (++this.unanswered < this.#maxCommands && this.bytes < this.#maxBytes) return false;
    return (this.#isFull = true);
  }

  /** The reply to the call has come, or can no longer come. */
  answered(call: Call): void {
    const { bytes } = call;
    if (bytes === 0) return;
    call.bytes = 0;
    this.bytes -= bytes;
    this.unanswered--;
    if (this.#isFull && this.#hasRoom) {
      this.#isFull = false;
      this.#onRoom();
    }
  }

  get #hasRoom(): boolean {
    if (this.unanswered === 0) return true;
    return this.unanswered <= this.#maxCommands * (1 - FREE) && this.bytes <= this.#maxBytes * (1 - FREE);
  }

  /** A command was answered, given up or lost: its caller waits no longer. */
  leave(): void {
    this.count--;
    if (this.isAwaited) this.settled();
  }

  /** One command less is in flight. */
  settled(): void {
    const run = this.#onIdle;
    if (this.count > 0 || run === undefined) return;
    this.#forgetIdle();
    run();
  }

  /** Runs once when nothing is in flight any more, now if nothing is; forgotten with the connection. */
  whenIdle(run: () => void): void {
    if (this.count === 0) run();
    else {
      this.#onIdle = run;
      this.isAwaited = true;
    }
  }

  /** The connection is gone, and with it all that was unanswered: nothing is to happen any more. */
  connectionLost(): void {
    this.epoch++;
    this.#forgetIdle();
    this.#isFull = false;
    this.unanswered = this.bytes = 0;
  }

  #forgetIdle(): void {
    this.#onIdle = undefined;
    this.isAwaited = false;
  }
}
