/** Calls without a client, for tests of the parts that only hold or order them. */
import { Command } from "ioredis";
import { startBatch, type Batch } from "../../src/command/batch.js";
import { Call } from "../../src/command/call.js";
import { traitsOf } from "../../src/command/traits.js";

const NOBODY = { replied: () => undefined, failed: () => undefined };

export function makeCall(name = "get", args: string[] = ["k"], now = performance.now()): Call {
  const command = new Command(name, args);
  command.promise.catch(() => undefined);
  return new Call(NOBODY, command, traitsOf(name), undefined, undefined, now);
}

/** A pipeline or transaction of these commands. */
export function makeBatch(...names: string[]): Batch {
  const stream = {};
  const batch = startBatch(stream, { kind: "wait" });
  for (const name of names) {
    const call = makeCall(name);
    call.stream = stream;
    batch.add(call);
  }
  return batch;
}
