/**
 * Which server a client's next connection reaches: the one that its Sentinels name, where it has any, or the one that its name
 * leads to. It knows whether that may be another one than now, and when another was named.
 */
import { clock } from "../clock.js";
import type { Policy } from "../policy/shape.js";
import { probeTimeoutOf } from "../policy/probe-timeout.js";
import type { RedisInternals } from "./internals.js";
import type { ConnectionLogin } from "./login.js";
import { ownSentinels } from "./own-sentinels.js";
import type { SentinelClient, SentinelDoor } from "./sentinel-client.js";
import { WriteScout } from "./write-scout.js";

/** A new master is heard of within this, in milliseconds: the Sentinels tell each other every two seconds. */
const HEARD_WITHIN = 2_500;

export class ServerSearch {
  readonly #redis: RedisInternals;
  readonly #policy: Policy;
  readonly #scout: WriteScout;
  /** The search for the server, where Sentinels know it. */
  #door: SentinelDoor | undefined = undefined;
  /** When another server was named than the one of the present connection, on the monotonic clock. */
  #replacedAt = Infinity;

  constructor(redis: RedisInternals, login: ConnectionLogin, policy: Policy) {
    this.#redis = redis;
    this.#policy = policy;
    this.#scout = new WriteScout(redis, login, probeTimeoutOf(policy), policy.reconnect.handshakeTimeout);
  }

  /** Looks at the connector again: ioredis makes another one when its options change. Idempotent. */
  adopt(client: SentinelClient): void {
    this.#door = ownSentinels(this.#redis, client, this.#policy);
  }

  /** Sentinels know where the server is: it has the role that they were asked for, or is left again. */
  get hasSentinels(): boolean {
    return this.#door !== undefined;
  }

  /** Whoever searches says by itself when it may dial. */
  get isPaced(): boolean {
    return this.#door?.isPaced === true;
  }

  /** Sentinels can be asked for the server that takes writes, whatever the present one refuses. */
  get isDirected(): boolean {
    return this.#door !== undefined && this.#redis.options.role !== "slave";
  }

  /** Resolves when an attempt that was ended has come to its end, if there is one. */
  get ending(): Promise<unknown> | undefined {
    return this.#door?.ending;
  }

  /** Whether a new connection may reach a server that takes writes. */
  findsWriter(): Promise<boolean> {
    const { sentinels, role } = this.#redis.options;
    // Of replicas all are read-only.
    if (sentinels && role === "slave") return Promise.resolve(false);
    if (this.#door !== undefined) return this.#door.look();
    // A connector of the caller's asks its Sentinels whenever somebody dials.
    return sentinels ? Promise.resolve(true) : this.#scout.look();
  }

  /** What came at this moment was said by the server that is meant, or by one that had been replaced before anybody heard of it. */
  currentUntil(lastReadAt: number): number {
    return Math.min(lastReadAt, this.#replacedAt - HEARD_WITHIN);
  }

  /** The server that was found says something, if not yet what is waited for. */
  heard(): void {
    this.#door?.heard();
  }

  /** It was found, and serves. */
  found(): void {
    this.#replacedAt = Infinity;
  }

  /** Another server was named. */
  replaced(): void {
    this.#replacedAt = clock.now();
  }

  /** The client has ended. */
  end(): void {
    this.#scout.stop();
    this.#door?.leave();
  }
}
