/** Which batch a call belongs to: ioredis hands the members of one over with one stream. */
import { Batch, type BatchVerdict, type RefusedMember } from "./batch.js";
import type { Call } from "./call.js";
import type { BatchStream } from "./ports.js";

/** A batch of this package's calls. */
export type CallBatch = Batch<Call>;
/** What a call is told when it enters; the members of a batch follow the first. */
export type Verdict = BatchVerdict<Call>;
/** A call that the server refused for a passing reason. */
export type Refused = RefusedMember<Call>;

/** These calls, and with each member of a batch all others of it that still wait: its stream writes all of them or none. */
export function withBatches(calls: readonly Call[]): Set<Call> {
  const all = new Set<Call>();
  for (const call of calls) {
    if (all.has(call)) continue;
    for (const member of call.batch?.calls ?? [call]) if (member.state === "waiting") all.add(member);
  }
  return all;
}

/** Kept on the stream itself: a weak map costs more, once for each member. */
const BATCH = Symbol("ioredoubt.batch");
type Marked = BatchStream & { [BATCH]?: CallBatch | undefined };

export function batchOf(stream: BatchStream): CallBatch | undefined {
  return (stream as Marked)[BATCH];
}

export function startBatch(stream: BatchStream, verdict: Verdict): CallBatch {
  return ((stream as Marked)[BATCH] = new Batch<Call>(verdict));
}

/** The next member begins a batch anew: it is handed to another engine. */
export function endBatch(stream: BatchStream): void {
  (stream as Marked)[BATCH] = undefined;
}

/** Adds a call to a batch that is already on its way; the first member takes the long way round. */
export function joinSending(call: Call, stream: BatchStream): boolean {
  const batch = batchOf(stream);
  if (batch?.verdict.kind !== "send") return false;
  batch.add(call);
  return true;
}
