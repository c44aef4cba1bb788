/** What a client is subscribed to, as ioredis keeps it: how many channels by the command that subscribed. */
import type { RedisInternals } from "./internals.js";

const COMMANDS = ["subscribe", "psubscribe", "ssubscribe"] as const;

export function subscriptionsOf({ condition }: Pick<RedisInternals, "condition">): ReadonlyMap<string, number> {
  const set = condition?.subscriber;
  if (!set) return new Map();
  return new Map(COMMANDS.map((command) => [command, set.channels(command).length]));
}
