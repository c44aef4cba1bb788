/**
 * `connection.unref`: functions are frozen between two calls, and routers forget an idle connection meanwhile. The call
 * that thaws the process sends its first command before any timer has run, into a connection that may be dead: a write
 * would be lost, and nobody could say whether it was executed. So the server is asked first.
 */
import type { RedisInternals } from "../connection/internals.js";
import type { Wire } from "../connection/wire.js";
import { IoredoubtError } from "../failure/errors.js";
import type { Flow } from "../flow/flow.js";
import type { HeartbeatPolicy } from "../policy/shape.js";

/**
 * Hooks into what every command passes, on this one instance: other clients pay nothing for it. While a process runs, the
 * heartbeat keeps an idle connection from being silent this long.
 */
export function askAfterThaw(flow: Flow, wire: Wire, redis: RedisInternals, heartbeat: HeartbeatPolicy): void {
  const suspicious = heartbeat.interval + heartbeat.timeout;
  const { dispatch } = flow;
  flow.dispatch = (...args) => {
    if (flow.isOpen && redis.status === "ready" && performance.now() - wire.lastReadAt > suspicious) void ask();
    dispatch.apply(flow, args);
  };

  /** Commands wait until the answer is there, or until there is another connection. */
  async function ask(): Promise<void> {
    const { stream } = redis;
    flow.outlet.hold();
    const answers = await wire.probe("read-write", heartbeat.timeout);
    if (redis.stream !== stream || redis.status !== "ready") return;
    if (answers) flow.outlet.unhold();
    else wire.destroy(dead(flow.endpoint.label, heartbeat.timeout));
  }
}

function dead(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "CONNECTION_LOST",
    `the connection to ${label} did not survive a pause of this process: no answer within ${String(after)} ms; it was replaced before anything was sent`,
    { endpoint: label },
  );
}
