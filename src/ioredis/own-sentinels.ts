/** Puts a search of our own in the place of ioredis's, which waits without a limit for a Sentinel that says nothing. */
import type { Policy } from "../policy/shape.js";
import type { RedisInternals } from "./internals.js";
import { SentinelDoor, type SentinelClient } from "./sentinel-client.js";

/** ioredis's `connectTimeout` where the caller has switched it off. Milliseconds. */
const CONNECT_TIMEOUT = 10_000;

/** The connector of a client that has Sentinels, replaced if it is still ioredis's; `undefined` for others. Idempotent. */
export function ownSentinels(redis: RedisInternals, client: SentinelClient, policy: Policy): SentinelDoor | undefined {
  if (redis.connector instanceof SentinelDoor) return redis.connector;
  const { options } = redis;
  // The caller's own connector goes its own way.
  if (!options.sentinels || (options as { readonly Connector?: unknown }).Connector) return undefined;
  const door = new SentinelDoor(async () => {
    const { SentinelConnector, setOptionsOf } = await import("./sentinel-connector.js");
    return new SentinelConnector(
      client,
      setOptionsOf(options, client.listens, policy.sentinel, options.connectTimeout || CONNECT_TIMEOUT),
    );
  });
  redis.connector = door;
  return door;
}
