/**
 * Everything `createRedis.fromEnv` needs: the arguments of the client and its policy, from one environment. Collects the
 * problems of both before it throws.
 */
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import type { Environment } from "./environment-policy.js";
import { normalPrefix, readTarget, type EnvironmentRedisOptions } from "./environment.js";
import type { ResilienceOptions } from "./policy.js";
import { resolveSources, type ResolvedPolicy } from "./resolve.js";
import type { UserRedisOptions } from "./translate.js";

export interface FromEnvironmentOptions {
  /** `CACHE` or `CACHE_` reads `CACHE_REDIS_URL`, `CACHE_IOREDOUBT_DEADLINE` … */
  readonly prefix?: string | undefined;
  /** What the code sets; goes over the environment. */
  readonly resilience?: ResilienceOptions | undefined;
  /** ioredis options the code sets; they go over the environment. */
  readonly redis?: UserRedisOptions | undefined;
}

/** A client's arguments and policy as the environment gives them. */
export interface EnvironmentClient {
  readonly mode: "standalone" | "sentinel" | "cluster";
  /**
   * Arguments of the `Redis` or `Cluster` constructor. ioredis lets the earlier of two arguments win, so code comes
   * first, then the URL, then the single variables.
   */
  readonly args: readonly unknown[];
  readonly resolved: ResolvedPolicy;
  /** Option to variable, e.g. `password` → `REDIS_PASSWORD_FILE`. Names only. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Reads where to connect and the policy from the environment.
 *
 * @throws {ConfigError} with every problem of the connection variables, the policy variables, the policy file and the
 * options given in code. No value is shown.
 */
export function resolveFromEnvironment(
  env: Environment = process.env,
  options: FromEnvironmentOptions = {},
): EnvironmentClient {
  const prefix = normalPrefix(options.prefix);
  const target = readTarget(env, prefix);
  const problems: ConfigProblem[] = [...target.problems];
  const code = definedOf(options.redis);
  const redis: EnvironmentRedisOptions = { ...target.options, ...code };
  let resolved: ResolvedPolicy | undefined;
  try {
    const host = redis.host ?? hostOf(target.url);
    resolved = resolveSources({
      resilience: options.resilience,
      redis: host === undefined ? redis : { ...redis, host, ...(isTlsUrl(target.url) ? { tls: {} } : {}) },
      env,
      prefix,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0 || resolved === undefined) throw new ConfigError(problems);
  const args =
    target.mode === "cluster"
      ? [target.nodes, { redisOptions: redis }]
      : target.url === undefined
        ? [redis]
        : Object.keys(code).length === 0
          ? [target.url, target.options]
          : [code, target.url, target.options];
  return { mode: target.mode, args, resolved, origins: target.origins };
}

function definedOf(options: UserRedisOptions | undefined): Partial<EnvironmentRedisOptions> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
}

function hostOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
}

function isTlsUrl(url: string | undefined): boolean {
  return url?.startsWith("rediss://") === true;
}
