/**
 * `connection.unref`: functions are frozen between two calls, and routers forget an idle connection meanwhile. The call
 * that thaws the process sends its first command before any timer has run, into a connection that may be dead: a write
 * would be lost, and nobody could say whether it was executed. So the server is asked first.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import type { Engine } from "../engine/engine.js";
import type { BatchStream, CallOptions, Dispatcher } from "../engine/ports.js";
import { IoredoubtError } from "../failure/errors.js";
import { formatDuration } from "../format.js";
import type { RedisInternals } from "../ioredis/internals.js";
import type { IORedisTransport } from "../ioredis/transport.js";
import type { HeartbeatPolicy } from "../policy/shape.js";

/** Stands before the engine of such a client; other clients pay nothing for it. */
export class ProbeAfterSuspend implements Dispatcher {
  readonly #engine: Engine;
  readonly #transport: IORedisTransport;
  readonly #redis: RedisInternals;
  readonly #heartbeat: HeartbeatPolicy;

  constructor(engine: Engine, transport: IORedisTransport, redis: RedisInternals, heartbeat: HeartbeatPolicy) {
    this.#engine = engine;
    this.#transport = transport;
    this.#redis = redis;
    this.#heartbeat = heartbeat;
  }

  dispatch(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const { isOpen, mayAsk } = this.#engine;
    if (isOpen && mayAsk && this.#redis.status === "ready" && this.#isSuspicious()) void this.#ask();
    this.#engine.dispatch(command, stream, options);
  }

  /** While a process runs, the heartbeat keeps an idle connection from being silent this long. */
  #isSuspicious(): boolean {
    const { interval, timeout } = this.#heartbeat;
    return clock.now() - this.#transport.lastReadAt > interval + timeout;
  }

  /** Commands wait until the answer is there, or until there is another connection. */
  async #ask(): Promise<void> {
    const { stream } = this.#redis;
    const { timeout } = this.#heartbeat;
    this.#engine.pause("suspended");
    const answers = await this.#transport.probe("read-write", timeout);
    if (this.#redis.stream !== stream || this.#redis.status !== "ready") return;
    if (answers) this.#engine.resume("suspended");
    else this.#transport.destroy(dead(this.#engine.endpoint.label, timeout));
  }
}

function dead(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "CONNECTION_LOST",
    `the connection to ${label} did not survive a pause of this process: no answer within ${formatDuration(after)}; it was replaced before anything was sent`,
    { endpoint: label },
  );
}
