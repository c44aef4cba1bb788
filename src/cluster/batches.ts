/**
 * Pipelines and transactions of a cluster. The members of a pipeline are commands like any others, so they may concern any
 * number of slots and nodes: each goes to its own, and the results come in order. A transaction stays whole: all its keys must
 * be in one slot, and one that is not is refused before anything of it is sent.
 */
import { Command, Pipeline } from "ioredis";
import { slotOfCommand } from "../ioredis/commands.js";
import { isSpoilt } from "../engine/unsendable.js";
import { addedTo } from "../ioredis/executed-again.js";
import type { PipelineInternals } from "../ioredis/internals.js";

/** On the members of a batch that stays whole: its slot, -1 without keys. */
const WHOLE = Symbol("ioredoubt.cluster.whole");
type Member = { readonly name: string; [WHOLE]?: number | undefined };

/** The slot of the batch that the command is a member of; `undefined` when it goes alone. */
export function wholeSlotOf(command: object): number | undefined {
  return (command as Member)[WHOLE];
}

interface ClusterPipeline extends PipelineInternals {
  /** Kept as ioredis keeps it for one server: what it does for clusters is done by the router. */
  isCluster: boolean;
  reject(error: Error): void;
  readonly promise: Promise<unknown>;
}

/** What the methods of a client return, prepared for a cluster; the promise of an interactive MULTI as it is. */
export function forCluster(created: unknown): unknown {
  if (!(created instanceof Pipeline)) return created;
  const pipeline = created as unknown as ClusterPipeline;
  pipeline.isCluster = false;
  const { exec, sendCommand } = pipeline;
  pipeline.exec = function (this: ClusterPipeline, ...args) {
    const [callback] = args;
    const refusal = mark(pipeline);
    if (refusal === undefined) {
      // An argument too many would be one of EXEC.
      const result = exec.apply(this, args);
      pipeline.sendCommand = sendCommand;
      return result;
    }
    const promise = Promise.reject(refusal);
    // Whoever has a callback does not look at the promise.
    if (callback !== undefined) promise.catch(() => process.nextTick(callback, refusal));
    return promise;
  };
  return created;
}

/** Marks the members of a batch that must stay whole; returns why it cannot be sent at all. */
function mark(pipeline: ClusterPipeline): Error | undefined {
  const members = addedTo(pipeline) as unknown as (Member & Command)[];
  const [first] = members;
  const isSpoiltBatch = first !== undefined && isSpoilt(first);
  if (!isSpoiltBatch && !members.some(({ name }) => name === "multi")) return undefined;
  let slot = -1;
  for (const member of members) {
    if (isSpoiltBatch || member.getKeys().length === 0) continue;
    const own = slotOfCommand(member);
    if (own < 0 || (slot >= 0 && own !== slot)) return new Error(SEVERAL_SLOTS);
    slot = own;
  }
  for (const member of members) member[WHOLE] = slot;
  // The EXEC is still to come.
  const { sendCommand } = pipeline;
  pipeline.sendCommand = (command) => {
    (command as unknown as Member)[WHOLE] = slot;
    return sendCommand.call(pipeline, command);
  };
  return undefined;
}

/** ioredis's own words. */
const SEVERAL_SLOTS = "All keys in the pipeline should belong to the same slots allocation group";
