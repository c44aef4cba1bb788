/**
 * Which pipelines and MULTI batches are this package's own, and which are ioredis's: where somebody observes the members, or the
 * options change them, ioredis makes them. Measured by `benchmarks/throughput.mjs`.
 */
import { tracingChannel } from "node:diagnostics_channel";
import { Command, Pipeline, type Redis as IORedis, type RedisOptions } from "ioredis";
import { tracing } from "../engine/tracer.js";
import { ADAPTER, type Adapted } from "./adapter.js";
import { executeOnce } from "./executed-again.js";
import { addHanded } from "./handed-members.js";
import { isInstrumented } from "./instrumentation.js";
import type { BatchMember, PipelineInternals } from "./internals.js";
import { isPristine, QuickBatch, QuickTransaction, type BatchClient } from "./quick-batch.js";

const tracedCommand = tracingChannel("ioredis:command");
const tracedBatch = tracingChannel("ioredis:batch");

// Read once, as in `isInstrumented`: it is asked for every batch.
const commandPrototype = Command.prototype as unknown as { readonly initPromise: unknown };
const { initPromise } = commandPrototype;

/** Makes the batches of all clients of a class quick ones, as far as these are this package's. */
export function quickenBatches(prototype: IORedis, isOurs: (client: IORedis) => boolean): void {
  const { sendCommand } = prototype;
  const { pipeline, multi } = prototype as unknown as Record<"pipeline" | "multi", (...args: unknown[]) => unknown>;
  /** What a command passes on its way is this package's. */
  const isOwn = (client: IORedis): client is Adapted =>
    client.sendCommand === sendCommand && ADAPTER in client && isUnobserved() && isOrdinary(client.options);
  const methods = {
    pipeline(this: IORedis, commands?: unknown) {
      if (!isOwn(this)) return filled(isOurs(this), pipeline.call(this), commands);
      return withMembers(new QuickBatch(batchClient(this), this[ADAPTER].dispatcher), commands);
    },
    multi(this: IORedis, first?: unknown, second?: unknown) {
      // Without options, the only argument may be either.
      const isFirst = second === undefined && !Array.isArray(first);
      const options = (isFirst ? first : second) as { readonly pipeline?: boolean } | null | undefined;
      const commands = isFirst ? undefined : first;
      if (!isOwn(this) || options?.pipeline === false) {
        return filled(isOurs(this), multi.call(this, options), Array.isArray(commands) ? commands : undefined);
      }
      const batch = new QuickTransaction(batchClient(this), this[ADAPTER].dispatcher);
      batch.multi();
      return withMembers(batch, commands);
    },
  };
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  }
}

function isUnobserved(): boolean {
  if (tracedCommand.hasSubscribers || tracedBatch.hasSubscribers || isInstrumented()) return false;
  if (tracing.tracer !== undefined) return false;
  return commandPrototype.initPromise === initPromise && isPristine();
}

/** Nothing in the options changes what a member is. */
function isOrdinary({ keyPrefix, showFriendlyErrorStack }: RedisOptions): boolean {
  return !keyPrefix && showFriendlyErrorStack !== true;
}

function batchClient(client: Adapted): BatchClient {
  return client;
}

function withMembers(batch: QuickBatch, commands: unknown): unknown {
  if (Array.isArray(commands)) (batch as unknown as Pipeline).addBatch(commands);
  return batch;
}

/** A batch that ioredis has just created, with these commands; the promise of an interactive MULTI as it is. */
function filled(isOurs: boolean, created: unknown, commands?: unknown): unknown {
  if (!(created instanceof Pipeline)) return created;
  // A plain client's is ioredis's own.
  if (!isOurs) return Array.isArray(commands) ? created.addBatch(commands) : created;
  const pipeline = created as unknown as PipelineInternals;
  executeOnce(pipeline);
  const isQuick = !isInstrumented() && !tracedCommand.hasSubscribers;
  pipeline.sendCommand = (command: BatchMember) => {
    addHanded(pipeline, command, isQuick);
    return pipeline;
  };
  return Array.isArray(commands) ? created.addBatch(commands) : created;
}
