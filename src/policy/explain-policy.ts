/**
 * The effective policy with the origin of every value, what it means in words, and what looks wrong. Behind
 * `npx ioredoubt config`, and for programs that show it themselves.
 */
import type { RedisOptions } from "ioredis";
import { ConfigError } from "../failure/errors.js";
import { promises } from "./bounds.js";
import { checkRedisOptions } from "./input/check-redis-options.js";
import { readOptions } from "./input/lenient.js";
import type { Environment } from "./environment/policy-variables.js";
import { fieldAt, FIELDS } from "./fields.js";
import { fingerprintOf } from "./fingerprint.js";
import { formatBytes, formatDuration } from "../format.js";
import { lintPolicy, type PolicyWarning } from "./lint.js";
import type { Policy, ResilienceOptions } from "./shape.js";
import { resolveSources, type ResolvedPolicy } from "./resolve.js";
import { shapeOf } from "./input/value-shape.js";
import type { UserRedisOptions } from "./translate.js";

/** One effective value with its origin. */
export interface ExplainedValue {
  readonly path: string;
  readonly value: unknown;
  /** The value as text: `5 s`, `16 MiB`, `off`. */
  readonly text: string;
  /** `option`, `ioredis option commandTimeout`, `IOREDOUBT_DEADLINE`, `file …`, `provider azure`, `profile cache`, `base`, or `deadline` for what follows it. */
  readonly origin: string;
}

/** The effective policy with origins, meaning and warnings, as `npx ioredoubt config --json` prints it. */
export interface PolicyExplanation {
  readonly policy: Policy;
  readonly profile: { readonly name: string; readonly origin: string };
  readonly provider:
    { readonly name: string; readonly notes: readonly string[]; readonly sources: readonly string[] } | undefined;
  readonly fingerprint: string;
  readonly values: readonly ExplainedValue[];
  readonly meaning: readonly string[];
  readonly warnings: readonly PolicyWarning[];
}

/**
 * Explains the policy that `createRedis(options)` would get.
 *
 * @param options what `createRedis` takes: ioredis options with the `resilience` key.
 * @throws {ConfigError} when something in it is wrong.
 */
export function explainPolicy(
  options: (RedisOptions | UserRedisOptions) & { readonly resilience?: ResilienceOptions | undefined } = {},
  env: Environment = process.env,
): PolicyExplanation {
  const problems =
    typeof options === "object" && (options as unknown) !== null && !Array.isArray(options)
      ? checkRedisOptions(options, "")
      : [
          {
            path: "options",
            given: shapeOf(options),
            allowed: "must be an object of options, as createRedis takes it",
          },
        ];
  if (problems.length > 0) throw new ConfigError(problems);
  const meant = readOptions(options);
  const { resilience, ...redis } = meant.value;
  const explained = explainResolved(resolveSources({ resilience, redis, env }), redis);
  return { ...explained, warnings: [...meant.warnings, ...explained.warnings] };
}

/** Explains a policy that is already resolved. */
export function explainResolved(resolved: ResolvedPolicy, redis: UserRedisOptions = {}): PolicyExplanation {
  const { policy, provider } = resolved;
  return {
    policy,
    profile: { name: policy.profile, origin: resolved.profileOrigin },
    provider: provider && { name: provider.name, notes: provider.notes, sources: provider.sources },
    fingerprint: fingerprintOf(policy),
    values: valuesOf(resolved),
    meaning: promises(policy),
    warnings: lintPolicy(resolved, redis),
  };
}

function valuesOf(resolved: ResolvedPolicy): ExplainedValue[] {
  const values: ExplainedValue[] = [];
  for (const { path, kind } of FIELDS) {
    const entry = resolved.values.get(path);
    if (entry === undefined || (kind === "part" && entry.value !== false)) continue;
    if (isInsideOff(path, resolved)) continue;
    values.push({ path, value: entry.value, text: formatValue(path, entry.value), origin: entry.origin });
  }
  for (const [key, value] of Object.entries(resolved.policy.connection ?? {})) {
    const path = `connection.${key}`;
    values.push({ path, value, text: formatValue(path, value), origin: resolved.connectionOrigins.get(key) ?? "base" });
  }
  return values;
}

function isInsideOff(path: string, resolved: ResolvedPolicy): boolean {
  const steps = path.split(".");
  return steps.some((_, i) => i > 0 && resolved.values.get(steps.slice(0, i).join("."))?.value === false);
}

/** The value of a field as `config` prints it. */
export function formatValue(path: string, value: unknown): string {
  if (value === false) return "off";
  if (value === true) return "on";
  const kind = fieldAt(path)?.kind;
  if (typeof value !== "number") return String(value);
  if (kind === "duration" || path === "connection.keepAlive") return formatDuration(value);
  if (kind === "bytes") return formatBytes(value);
  return kind === "percentage" ? `${value} %` : value === Infinity ? "no limit" : String(value);
}
