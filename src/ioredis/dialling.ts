/**
 * When a client dials: at the first command, sooner than planned where somebody waits, and anew where its connection or its attempt
 * is to be replaced. It moves ioredis's own timer, and knows which ends are of its own making.
 */
import { Redis as IORedis } from "ioredis";
import { clock } from "../clock.js";
import type { RedisInternals } from "./internals.js";
import type { Reconnect } from "./reconnect.js";

/** After a command was refused for want of a connection, one counts as wanted for this long, in milliseconds. */
const WANTED_FOR = 1_000;

export class Dialling {
  readonly #client: IORedis;
  readonly #redis: RedisInternals;
  readonly #reconnect: Reconnect;
  #refusedAt = -Infinity;
  /** The present connection or attempt is being closed by ourselves, to dial again. */
  #isRedialling = false;

  constructor(client: IORedis, redis: RedisInternals, reconnect: Reconnect) {
    this.#client = client;
    this.#redis = redis;
    this.#reconnect = reconnect;
  }

  /** Somebody was refused a moment ago. */
  get isWanted(): boolean {
    return clock.now() - this.#refusedAt < WANTED_FOR;
  }

  /** A command waits. */
  wake(): void {
    if (this.#redis.status === "wait") this.#client.connect().catch(ignore);
    else this.#sooner(this.#reconnect.hurry());
  }

  /** A command was refused for want of a connection. */
  hurry(): void {
    this.#refusedAt = clock.now();
    this.#sooner(this.#reconnect.hurry());
  }

  /** Drops the connection, on which nothing may be in flight, and dials again; `false` when there is none to drop. */
  redial(): boolean {
    if (this.#redis.status !== "ready") return false;
    this.#isRedialling = true;
    IORedis.prototype.disconnect.call(this.#client, true);
    // Nothing is in flight, so there is nothing to wait for until the peer closes its side.
    this.#redis.stream?.destroy();
    return true;
  }

  /** Ends an attempt that is no failure; the next one follows by itself. */
  dropAttempt(): void {
    this.#isRedialling = true;
    this.#redis.stream?.destroy();
  }

  /** Another server is named: what is being dialled is not wanted any more, and what is to be dialled may be dialled now. */
  elsewhere(): void {
    const { status, stream } = this.#redis;
    if ((status === "connecting" || status === "connect") && stream?.destroyed === false) this.dropAttempt();
    else if (status === "reconnecting") this.#sooner(this.#reconnect.now());
  }

  /** The connection or the attempt is over. Returns whether that is of our own making, or of its owner's. */
  closed(): boolean {
    const isOurs = this.#isRedialling || this.#redis.manuallyClosing;
    this.#isRedialling = false;
    return isOurs;
  }

  /** ioredis has set its timer already; a sooner one takes its place. */
  #sooner(delay: number | undefined): void {
    if (this.#redis.status !== "reconnecting" || this.#redis.reconnectTimeout === null) return;
    if (delay === undefined) return;
    clock.clearTimeout(this.#redis.reconnectTimeout);
    this.#redis.reconnectTimeout = clock.setTimeout(() => {
      this.#redis.reconnectTimeout = null;
      this.#client.connect().catch(ignore);
    }, delay);
  }
}

function ignore(): void {
  // The outcome is told by events.
}
