/**
 * Combinations that are allowed and yet are usually a mistake. Warnings, never errors: each names the values and what to do.
 */
import { brokenPairs } from "./contradictions.js";
import type { Policy } from "./shape.js";
import { QUESTIONABLE, type Scene } from "./questionable.js";
import type { ResolvedPolicy } from "./resolve.js";
import type { UserRedisOptions } from "./translate.js";

/** Something allowed that is usually a mistake: the option, and what about it, to be read as one sentence. */
export interface PolicyWarning {
  readonly path: string;
  readonly says: string;
}

/** Everything questionable in a resolved policy and the ioredis options beside it. */
export function lintPolicy(resolved: ResolvedPolicy, redis: UserRedisOptions = {}): readonly PolicyWarning[] {
  const scene: Scene = {
    policy: resolved.policy,
    values: resolved.values,
    resolved,
    redis: redis as Readonly<Record<string, unknown>>,
    wrote: (path) => resolved.values.get(path)?.explicit === true,
  };
  const pairs = brokenPairs(resolved.values).map((pair) => ({
    path: pair.low,
    says: `${String(pair.lowValue.value)} (${pair.lowValue.origin}) is above ${pair.high} ${String(pair.highValue.value)} (${pair.highValue.origin}): ${pair.why}`,
  }));
  const found = QUESTIONABLE.flatMap(([path, check]) => {
    const says = check(scene);
    return says === undefined ? [] : [{ path, says }];
  });
  return [...pairs, ...found];
}

/** What can be checked only once connected: the pool against the server's `maxclients`. */
export function lintAgainstServer(policy: Policy, maxClients: number): readonly PolicyWarning[] {
  const own = policy.pool.size + policy.pool.max + policy.pool.blocking;
  if (own <= maxClients) return [];
  return [
    {
      path: "pool.max",
      says: `${own} connections of this client alone are more than the server's maxclients ${maxClients}`,
    },
  ];
}
