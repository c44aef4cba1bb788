/**
 * Calls that wait outside an engine's queue, under its deadline and counted as its caller's: for routers that hold commands
 * back themselves. They leave it settled, or detached for another engine.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import { factsOf } from "../command/facts.js";
import { Call, type CallOwner, type Handover } from "./call.js";
import type { Deadlines } from "./deadlines.js";
import type { FailureSnapshot } from "./failure-snapshot.js";
import type { BatchStream, CallOptions } from "./ports.js";
import type { Settlement } from "./settlement.js";
import type { TimeLimits } from "./time-limits.js";

export interface ParkedCallsParts {
  readonly owner: CallOwner;
  readonly deadlines: Deadlines;
  readonly limits: TimeLimits;
  readonly settlement: Settlement;
}

export class ParkedCalls {
  readonly #parts: ParkedCallsParts;

  constructor(parts: ParkedCallsParts) {
    this.#parts = parts;
  }

  /** Lets a command wait that was issued at this moment, on the monotonic clock. */
  park(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined, since: number): Call {
    const { owner, deadlines, limits } = this.#parts;
    const call = new Call(owner, command, factsOf(command.name), stream, options, since);
    const limit = call.isWish ? Infinity : limits.inAll(options);
    // Others of its allowance that came later may be listed already.
    deadlines.carryOn(call, since + limit, clock.now());
    return call;
  }

  /** Lets a call wait that another engine has handed over; it keeps its deadline. */
  parkAgain(from: Handover): Call {
    const { owner, deadlines } = this.#parts;
    const { command, stream, options, startedAt, expiresAt } = from;
    const call = new Call(owner, command, factsOf(command.name), stream, options, startedAt);
    call.continue(from);
    deadlines.carryOn(call, expiresAt, clock.now());
    return call;
  }

  /** Settles a parked call with one of this client's own errors. */
  reject(call: Call, error: (call: Call, snapshot: FailureSnapshot, now: number) => Error): void {
    const { settlement } = this.#parts;
    settlement.reject(call, error(call, settlement.snapshot(), clock.now()));
  }

  /** Settles a parked QUIT, which needs no server. */
  acknowledge(call: Call): void {
    this.#parts.settlement.acknowledge(call);
  }
}
