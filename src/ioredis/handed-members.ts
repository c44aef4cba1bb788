/**
 * Commands that were made for a batch. In ioredis two more promises carry the outcome of each on; where it may be they hand it straight
 * to their batch. A member with a callback or a friendly error stack keeps ioredis's own way, and so does a script, which hangs
 * its second attempt on the promise. The contract test compares the two.
 */
import { Command, Pipeline } from "ioredis";
import { isUnencodable } from "../engine/call.js";
import { markSpoilt } from "../engine/unsendable.js";
import { mend } from "./encoding.js";
import type { BatchMember, PipelineInternals } from "./internals.js";

// Read once: in what is published, each mention of Command is a getter of its module.
const commandPrototype: object = Command.prototype;
const { sendCommand } = Pipeline.prototype as unknown as PipelineInternals;

const BATCH = Symbol("ioredoubt.pipeline");
const REJECT = Symbol("ioredoubt.reject");
type Member = BatchMember & {
  [BATCH]?: PipelineInternals | undefined;
  [REJECT]?: (error: Error) => void;
};

const { transformReply } = commandPrototype as Pick<BatchMember, "transformReply">;

/** Adds a command to a batch; `isQuick`: nobody observes how it gets its reply. */
export function addHanded(pipeline: PipelineInternals, command: Member, isQuick: boolean): void {
  if (isUnencodable(command as unknown as Command)) spoil(pipeline, command);
  if (!isQuick || command.callback !== undefined || command.errorStack !== undefined || !isPlain(command)) {
    sendCommand.call(pipeline, command);
    return;
  }
  if (pipeline._transactions > 0) command.inTransaction = true;
  command.pipelineIndex = pipeline._queue.length;
  command[BATCH] = pipeline;
  command[REJECT] = command.reject;
  command.transformReply = transformForBatch;
  command.reject = rejectMember;
  pipeline._queue.push(command);
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

/** Its promise is resolved with what this returns: somebody else may have made the command, and look at that. */
function transformForBatch(this: Member, reply: unknown): unknown {
  const value = transformReply.call(this, reply);
  settle(this, [null, value]);
  return value;
}

function rejectMember(this: Member, error: Error): void {
  // As in ioredis: the batch has the error, and nobody need look at this.
  this.promise.catch(ignore);
  this[REJECT]?.(error);
  settle(this, [error]);
}

/** Like a promise, a member settles once: a transaction that is sent again is answered again. */
function settle(member: Member, outcome: unknown[]): void {
  const { pipelineIndex, [BATCH]: batch } = member;
  if (batch === undefined || pipelineIndex === undefined) return;
  member[BATCH] = undefined;
  batch.fillResult(outcome, pipelineIndex);
}

function ignore(): void {
  // The outcome is the batch's.
}
