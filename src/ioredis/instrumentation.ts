/** Whether an agent (APM, tracer) sees every command at ioredis's `sendCommand`, and so must not be gone past. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Redis as IORedis } from "ioredis";

// Read once: in what is published, each mention of IORedis is a getter of its module, and this is asked for every command.
const { prototype } = IORedis;
const pristine = prototype.sendCommand;
/** An agent may have been there before this module was: it wrapped the method, or rewrote its source while that was loaded. */
const touchedBefore = isTouched();

/** Somebody else has a hand in what is sent. */
export function isInstrumented(): boolean {
  return touchedBefore || prototype.sendCommand !== pristine;
}

/** The method that runs is not the one in the file that it was loaded from. */
function isTouched(): boolean {
  const running = Function.prototype.toString.call(pristine);
  // From whatever file: all share one cache, and this one has no name inside a bundle.
  const { cache } = createRequire(process.execPath);
  for (const file in cache) {
    if (!/[\\/]built[\\/]Redis\.js$/.test(file)) continue;
    const { exports } = cache[file] as { readonly exports: { readonly default?: unknown } };
    if (exports.default !== IORedis) continue;
    try {
      return !readFileSync(file, "utf8").includes(running);
    } catch {
      break;
    }
  }
  // In a bundle there is no such file, and nobody to rewrite it: only ioredis's own speaks of its queue.
  return !running.includes("offlineQueue");
}
