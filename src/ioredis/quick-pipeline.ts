/**
 * Pipelines and MULTI batches whose members hand their replies straight to the batch. In ioredis each member resolves a
 * promise of its own, and two more carry the outcome on; nobody but the batch can see them, and they are a third of what a
 * pipeline allocates. A member with a callback, a friendly error stack or an observer keeps ioredis's own way, and so does a
 * script, which hangs its second attempt on the promise. The contract test compares the two. Measured by `benchmarks/throughput.mjs`.
 */
import { tracingChannel } from "node:diagnostics_channel";
import { Command, Pipeline, type Redis as IORedis } from "ioredis";
import { isUnencodable } from "../engine/call.js";
import { markSpoilt } from "../engine/unsendable.js";
import { mend } from "./encoding.js";
import { isInstrumented } from "./instrumentation.js";
import type { BatchMember, PipelineInternals } from "./internals.js";

const traced = tracingChannel("ioredis:command");

// Read once, as in `isInstrumented`: it is asked for every member.
const commandPrototype: object = Command.prototype;

const BATCH = Symbol("ioredoubt.pipeline");
type Member = BatchMember & { [BATCH]?: PipelineInternals | undefined };

/** Makes the batches of all clients of a class quick ones. */
export function quickenBatches(prototype: IORedis): void {
  const { pipeline, multi } = prototype as unknown as Record<"pipeline" | "multi", (...args: unknown[]) => unknown>;
  const methods = {
    pipeline(this: IORedis, commands?: unknown) {
      return filled(pipeline.call(this), commands);
    },
    multi(this: IORedis, first?: unknown, options?: unknown) {
      // Without options, the only argument may be either.
      return Array.isArray(first) ? filled(multi.call(this, options), first) : filled(multi.call(this, first, options));
    },
  };
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  }
}

/** A batch that ioredis has just created, quick from here on, with these commands; the promise of an interactive MULTI as it is. */
function filled(created: unknown, commands?: unknown): unknown {
  if (!(created instanceof Pipeline)) return created;
  prepare(created as unknown as PipelineInternals, !isInstrumented() && !traced.hasSubscribers);
  return Array.isArray(commands) ? created.addBatch(commands) : created;
}

function prepare(pipeline: PipelineInternals, isQuick: boolean): void {
  const { sendCommand } = pipeline;
  pipeline.sendCommand = (command: Member) => {
    if (isUnencodable(command as unknown as Command)) spoil(pipeline, command);
    if (!isQuick || command.callback !== undefined || command.errorStack !== undefined || !isPlain(command)) {
      return sendCommand.call(pipeline, command);
    }
    if (pipeline._transactions > 0) command.inTransaction = true;
    command.pipelineIndex = pipeline._queue.length;
    command[BATCH] = pipeline;
    command.resolve = resolveMember;
    command.reject = rejectMember;
    pipeline._queue.push(command);
    return pipeline;
  };
}

/** A batch is sent whole or not at all. */
function spoil(pipeline: PipelineInternals, command: Member): void {
  const flaw = mend(command as unknown as Command, true);
  markSpoilt(pipeline._queue[0] ?? command, flaw);
}

/** Not of a class of its own, as scripts are. */
function isPlain(command: Member): boolean {
  return Object.getPrototypeOf(command) === commandPrototype;
}

function resolveMember(this: Member, reply: unknown): void {
  let value: unknown;
  try {
    value = this.transformReply(reply);
  } catch (error) {
    this.reject(error as Error);
    return;
  }
  this.isResolved = true;
  settle(this, [null, value]);
}

function rejectMember(this: Member, error: Error): void {
  settle(this, [error]);
}

/** Like a promise, a member settles once: a transaction that is sent again is answered again. */
function settle(member: Member, outcome: unknown[]): void {
  const { pipelineIndex, [BATCH]: batch } = member;
  if (batch === undefined || pipelineIndex === undefined) return;
  member[BATCH] = undefined;
  member.isSettled = true;
  batch.fillResult(outcome, pipelineIndex);
}
