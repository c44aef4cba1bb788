/**
 * Combinations that are allowed and yet are usually a mistake. Warnings, never errors: each names the values and what to do.
 */
import { brokenPairs } from "./contradictions.js";
import type { Policy } from "./shape.js";
import { ELSEWHERE, QUESTIONABLE, type Scene } from "./questionable.js";
import type { ResolvedPolicy } from "./resolve.js";
import type { UserRedisOptions } from "./translate.js";
import type { PolicyWarning } from "./warning.js";
import { optionMeant } from "./input/option-names.js";

export type { PolicyWarning } from "./warning.js";

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
  return [...resolved.warnings, ...found, ...meantOtherwise(scene.redis), ...pairs];
}

/** Keys that ioredis takes without a word and that are probably slips. What other clients call it has a row of its own. */
function meantOtherwise(redis: Readonly<Record<string, unknown>>): PolicyWarning[] {
  return Object.keys(redis).flatMap((key) => {
    const meant = key in ELSEWHERE ? undefined : optionMeant(key);
    return meant === undefined
      ? []
      : [{ path: key, says: `is not an option and does nothing; did you mean ${meant}?` }];
  });
}

/** What can be checked only once connected: the pool against the server's `maxclients`. */
export function lintAgainstServer(policy: Policy, maxClients: number): readonly PolicyWarning[] {
  const own = policy.pool.size + policy.pool.max + policy.pool.blocking;
  if (own <= maxClients) return [];
  return [
    {
      path: "pool.max",
      says: `lets this client open ${own} connections, with those of \`pool.size\` and \`pool.blocking\`, and the server takes ${maxClients} of all clients together (\`maxclients\`)`,
    },
  ];
}
