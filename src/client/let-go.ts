/**
 * `connection.unref`: an idle client does not keep its process alive, as functions that are frozen between two calls need it.
 * While anything is under way a timer holds the process; otherwise neither the socket nor the wait for a reconnect does.
 */
import type { RedisInternals } from "../connection/internals.js";
import type { Wire } from "../connection/wire.js";

/** How soon after the last reply the process may end, in milliseconds. */
const LOOK_EVERY = 10;
/** A connection attempt, a handshake and the end of a client are under way: somebody may be waiting for them. */
const UNDER_WAY: ReadonlySet<string> = new Set(["connecting", "connect", "disconnecting", "close"]);

/** Hooks into what every command passes, on this one instance: other clients pay nothing for it. */
export function letGoWhenIdle(wire: Wire, redis: RedisInternals): void {
  let hold: NodeJS.Timeout | undefined;
  const isBusy = (): boolean =>
    redis.status !== "end" &&
    (redis.commandQueue.length > 0 ||
      wire.flow.inFlight > 0 ||
      !wire.flow.gate.isEmpty ||
      redis.manuallyClosing ||
      UNDER_WAY.has(redis.status));
  const busy = (): void => {
    hold ??= setInterval(() => {
      if (isBusy()) return;
      clearInterval(hold);
      hold = undefined;
      redis.stream?.unref();
      redis.reconnectTimeout?.unref();
    }, LOOK_EVERY);
  };
  const { write, wake, statusChanged } = wire;
  wire.write = (...args) => {
    busy();
    write.apply(wire, args);
  };
  wire.wake = () => {
    busy();
    wake.call(wire);
  };
  wire.statusChanged = (status) => {
    busy();
    statusChanged.call(wire, status);
  };
}
