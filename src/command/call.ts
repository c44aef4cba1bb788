/**
 * One command's life from the caller to its settlement. A `Call` replaces the command's `resolve` and `reject`, so that
 * ioredis's promise, callbacks, reply transformers, pipelines and MULTI keep working while this package decides when
 * the command is settled. It knows nothing of connections; its `CallOwner` does.
 */
import { Redis as IORedis, type Command } from "ioredis";
import type { AmbiguousPolicy } from "../policy/shape.js";
import type { Batch } from "./batch.js";
import type { DeadlineList } from "../flow/deadlines.js";
import type { Tie } from "../flow/session.js";
import type { BatchStream } from "../connection/internals.js";
import type { Traits } from "./traits.js";

/**
 * `waiting` in the gate → `sent` to ioredis → `settled`. `lost`: its connection closed and its fate is being decided.
 * `settling`: the reply is being transformed, which may still throw.
 */
export type CallState = "waiting" | "sent" | "lost" | "settling" | "settled";

/** What a caller may set for single commands with `redis.with(...)`. */
export interface CallOptions {
  /** Total time in milliseconds, `false` for no limit. */
  readonly deadline?: number | false | undefined;
  /** Ends the wait: the command is dropped if it was not sent, and reported as possibly applied if it was. */
  readonly signal?: AbortSignal | undefined;
  /** What may be sent again after a lost reply. */
  readonly ambiguous?: AmbiguousPolicy | undefined;
}

export interface CallOwner {
  replied(call: Call, value: unknown): void;
  failed(call: Call, error: Error): void;
}

export class Call {
  readonly owner: CallOwner;
  readonly command: Command;
  readonly traits: Traits;
  /** ioredis's stream of the pipeline or transaction that this command is a member of; none once it is resent alone. */
  stream: BatchStream | undefined;
  readonly options: CallOptions | undefined;
  readonly startedAt: number;
  /** As ioredis made them, or a batch: some count on their command being `this`. */
  readonly originalResolve: (value: unknown) => void;
  readonly originalReject: (error: Error) => void;
  state: CallState = "waiting";
  /** How often it was handed to a socket. */
  attempts = 0;
  sentAt = 0;
  /** Bytes it is counted with while it waits. */
  bytes = 0;
  batch: Batch | undefined = undefined;
  /** The database it was sent to, once its connection was lost. */
  db: number | undefined = undefined;
  /** State of its connection that it was sent to count on; sent on another one it would run bare. */
  tie: Tie | undefined = undefined;
  /** How often it was lost with its connection. */
  losses = 0;
  /** Its place among all calls of this process, as they were issued. It may wrap: compare with `byOrder`. */
  readonly order: number;
  /** Told when the call settles: an abort listener to undo, a retry loop that watches it. */
  observer: (() => void) | undefined = undefined;
  // Links of the deadline list, kept here so that arming a deadline allocates nothing.
  expiresAt = Infinity;
  list: DeadlineList | undefined = undefined;
  previous: Call | undefined = undefined;
  next: Call | undefined = undefined;

  constructor(
    owner: CallOwner,
    command: Command,
    traits: Traits,
    stream: BatchStream | undefined,
    options: CallOptions | undefined,
    now: number,
  ) {
    this.owner = owner;
    this.command = command;
    this.traits = traits;
    this.stream = stream;
    this.options = options;
    this.startedAt = now;
    // An integer of 32 bits, which costs no allocation.
    this.order = issued = (issued + 1) | 0;
    this.originalResolve = command.resolve;
    this.originalReject = command.reject;
    (command as Carried)[CALL] = this;
    takeOver(this);
  }

  /** An earlier send was lost with its connection, so it may have been executed whatever becomes of it now. */
  get isUncertain(): boolean {
    return this.losses > 0;
  }

  /** Passes a reply on to ioredis, which transforms it: what that throws rejects the command. */
  settleWith(value: unknown): void {
    this.state = "settling";
    this.originalResolve.call(this.command, value);
    this.state = "settled";
  }

  rejectCommand(error: Error): void {
    this.originalReject.call(this.command, error);
  }
}

let issued = 0;

/** Negative if the first call was issued before the second: a comparison for sorting. */
export function byOrder(one: Call, other: Call): number {
  return (one.order - other.order) | 0;
}

const CALL = Symbol("ioredoubt.call");
type Carried = Command & { [CALL]?: Call | undefined };

/** The call that carries this command, if it came through this package. */
export function callOf(command: Command): Call | undefined {
  return (command as Carried)[CALL];
}

/**
 * Puts our `resolve` and `reject` on the command, at first sight and before every resend: instrumentation that wraps
 * them (one span a send) must not wrap its own wrapper.
 *
 * The shared functions find their call through `this`, which costs no closure a command. Instrumentation that patches
 * `sendCommand` calls the originals without `this`, so a patched class gets bound ones.
 */
export function takeOver(call: Call): void {
  if (isPatched()) {
    call.command.resolve = (value: unknown) => call.owner.replied(call, value);
    call.command.reject = (error: Error) => call.owner.failed(call, error);
  } else {
    call.command.resolve = resolveShared;
    call.command.reject = rejectShared;
  }
}

/** Gives the command back as ioredis made it, so that another flow can make a call of its own for it. */
export function letGo(command: Command): void {
  const call = callOf(command);
  if (call === undefined) return;
  call.list?.remove(call);
  call.state = "settled";
  call.observer?.();
  command.resolve = call.originalResolve;
  command.reject = call.originalReject;
  (command as Carried)[CALL] = undefined;
}

function resolveShared(this: Carried, value: unknown): void {
  const call = this[CALL];
  if (call !== undefined) call.owner.replied(call, value);
}

function rejectShared(this: Carried, error: Error): void {
  const call = this[CALL];
  if (call !== undefined) call.owner.failed(call, error);
}

// Read once: in what is published, each mention of IORedis is a getter of its module, and this is asked for every command.
const { prototype } = IORedis;
const pristine = prototype.sendCommand;
/** A tracer may have wrapped it before this module was loaded: then its text is not ioredis's, which speaks of its queue. */
const patchedBefore = !Function.prototype.toString.call(pristine).includes("offlineQueue");

/** Somebody has wrapped ioredis's `sendCommand` and counts on seeing every command there. */
export function isPatched(): boolean {
  return patchedBefore || prototype.sendCommand !== pristine;
}

/** Payload of a command in bytes, protocol overhead included, for queue accounting. Strings count as one byte a character. */
export function bytesOf(command: Command): number {
  let bytes = command.name.length + 16;
  for (const arg of command.args) {
    bytes += 16 + (typeof arg === "string" || Buffer.isBuffer(arg) ? arg.length : 16);
  }
  return bytes;
}
