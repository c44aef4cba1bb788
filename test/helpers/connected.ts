/** What stands between making a client and testing it. */
import type { Redis } from "../../src/redis.js";
import { eventually } from "./eventually.js";

const LIMIT = 20_000;

/**
 * Waits until a client serves, and returns it. Connecting takes as long as it takes: the short deadlines and circuits that a test
 * gives its client are about what comes afterwards.
 */
export async function connected<T extends Redis>(redis: T): Promise<T> {
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", resolve));
  // A circuit that opened meanwhile asks the server first, and asks again when the answer was late.
  await eventually(() => redis.withDeadline(LIMIT).ping(), { withinMs: LIMIT });
  return redis;
}
