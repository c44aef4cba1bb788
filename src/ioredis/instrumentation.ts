/** Whether an agent (APM, tracer) has wrapped ioredis's `sendCommand` and counts on seeing every command there. */
import { Redis as IORedis } from "ioredis";

// Read once: in what is published, each mention of IORedis is a getter of its module, and this is asked for every command.
const { prototype } = IORedis;
const pristine = prototype.sendCommand;
/** An agent may have wrapped it before this module was loaded: then its text is not ioredis's, which speaks of its queue. */
const wrappedBefore = !Function.prototype.toString.call(pristine).includes("offlineQueue");

/** Somebody else wraps what is sent. */
export function isInstrumented(): boolean {
  return wrappedBefore || prototype.sendCommand !== pristine;
}
