/**
 * `exec()` once more on a batch that was executed. ioredis hands all its members over again; a command of this package is sent once, and
 * the batch is written once all of its members are, so what was added since would wait for ever and the replies of others
 * would be taken for its own. Here what was added goes in a batch of its own, and nothing goes twice. As in ioredis, the promise is that of
 * the first time.
 */
import { Pipeline } from "ioredis";
import type { BatchMember, PipelineInternals } from "./internals.js";
import { WholeStream } from "./whole-stream.js";

/** What is looked at of a batch that may be executed again. */
export interface Executable {
  readonly redis: { sendCommand(command: never, stream: object): unknown };
  readonly _queue: readonly BatchMember[];
  readonly promise: Promise<unknown>;
  replyPending: number;
}

/** Sends the members from this place on; returns the promise of the batch. */
export function sendAdded(batch: Executable, from: number): Promise<unknown> {
  const { redis, promise } = batch;
  const added = batch._queue.slice(from);
  if (added.length > 0) {
    batch.replyPending += added.length;
    const stream = new WholeStream(redis as never, added.length);
    for (const member of added) redis.sendCommand(member as never, stream);
  }
  return promise;
}

type Exec = (this: unknown, ...args: unknown[]) => unknown;
type Theirs = PipelineInternals & Executable & { readonly nodeifiedPromise?: boolean | undefined };

const execTheirs = (Pipeline.prototype as unknown as { readonly exec: Exec }).exec;

/** How many members were handed over when the batch was executed. */
const executed = new WeakMap<object, number>();

/** The members that no `exec()` has handed over yet. */
export function addedTo(batch: PipelineInternals): readonly BatchMember[] {
  return batch._queue.slice(executed.get(batch) ?? 0);
}

/** Lets a batch that ioredis has made hand each of its members over once. */
export function executeOnce(created: PipelineInternals): void {
  const batch = created as Theirs;
  const exec = batch.exec as Exec;
  // A transaction has one of its own, which ends the MULTI and executes.
  const isTransaction = Object.hasOwn(batch, "exec");
  const execute: Exec = (...args) => {
    const from = executed.get(batch);
    if (from === undefined) {
      const result = exec.apply(batch, args);
      // If not, it was the EXEC of a MULTI within.
      if (batch.nodeifiedPromise === true) executed.set(batch, batch._queue.length);
      return result;
    }
    if (batch._transactions > 0) {
      const result = execTheirs.apply(batch, args);
      if (!isTransaction) return result;
    }
    executed.set(batch, batch._queue.length);
    return sendAdded(batch, from);
  };
  batch.exec = execute;
}
