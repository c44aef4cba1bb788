/**
 * `connection.unref`: an idle client does not keep its process alive, as functions that are frozen between two calls need it.
 * While anything is under way a timer holds the process; otherwise neither the socket nor the wait for a reconnect does.
 */
import { clock, type Timer } from "../clock.js";
import type { Engine } from "../engine/engine.js";
import type { RedisInternals } from "../ioredis/internals.js";

/** How soon after the last reply the process may end, in milliseconds. */
const LOOK_EVERY = 10;
/** A connection attempt, a handshake and the end of a client are under way: somebody may be waiting for them. */
const UNDER_WAY: ReadonlySet<string> = new Set(["connecting", "connect", "disconnecting", "close"]);

/** Returns what is to be called whenever something is sent, or happens to the connection. */
export function holdProcessWhileBusy(engine: Engine, redis: RedisInternals): () => void {
  let hold: Timer | undefined;
  const isBusy = (): boolean =>
    redis.status !== "end" &&
    (redis.commandQueue.length > 0 || !engine.isIdle || redis.manuallyClosing || UNDER_WAY.has(redis.status));
  return () => {
    hold ??= clock.setInterval(() => {
      if (isBusy()) return;
      clock.clearInterval(hold);
      hold = undefined;
      redis.stream?.unref();
      redis.reconnectTimeout?.unref();
    }, LOOK_EVERY);
  };
}
