/** Calls without a client, for tests of the parts that only hold or order them. */
import { Command } from "ioredis";
import { factsOf } from "../../src/command/facts.js";
import { Call } from "../../src/engine/call.js";
import type { CallOptions } from "../../src/engine/ports.js";
import { startBatch, type CallBatch } from "../../src/engine/stream-batch.js";

const NOBODY = { replied: () => undefined, failed: () => undefined, handOver: (call: Call) => call.handover() };

export function makeCall(name = "get", args: string[] = ["k"], now = performance.now(), options?: CallOptions): Call {
  const command = new Command(name, args);
  command.promise.catch(() => undefined);
  return new Call(NOBODY, command, factsOf(name), undefined, options, now);
}

/** A pipeline or transaction of these commands. */
export function makeBatch(...names: string[]): CallBatch {
  const stream = {};
  const batch = startBatch(stream, { kind: "wait" });
  for (const name of names) {
    const call = makeCall(name);
    call.stream = stream;
    batch.add(call);
  }
  return batch;
}
