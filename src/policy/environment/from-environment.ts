/**
 * Everything `createRedis.fromEnv` needs: the arguments of the client and its policy, from one environment. Collects the
 * problems of both before it throws.
 */
import { ConfigError, type ConfigProblem } from "../../failure/errors.js";
import { statSync } from "node:fs";
import type { RedisOptions } from "ioredis";
import { credentialsFromFile } from "../../credentials/from-file.js";
import type { CredentialsOptions } from "../../credentials/provider.js";
import { checkRedisOptions } from "../input/check-redis-options.js";
import { hasPassword, optionsInUrl } from "../input/check-url.js";
import { readOptions } from "../input/lenient.js";
import type { Environment } from "./policy-variables.js";
import {
  clusterProblems,
  normalPrefix,
  readTarget,
  type EnvironmentRedisOptions,
  type EnvironmentTarget,
} from "./target.js";
import { lintPolicy, type PolicyWarning } from "../lint.js";
import type { ResilienceOptions } from "../shape.js";
import { resolveSources, type ResolvedPolicy } from "../resolve.js";
import type { UserRedisOptions } from "../translate.js";
import { suggestion } from "../../suggest.js";
import { shapeOf } from "../input/value-shape.js";

/** What `createRedis.fromEnv` takes. */
export interface FromEnvironmentOptions {
  /** `CACHE` or `CACHE_` reads `CACHE_REDIS_URL`, `CACHE_IOREDOUBT_DEADLINE` … */
  readonly prefix?: string | undefined;
  /** What the code sets; it takes precedence over the environment. */
  readonly resilience?: ResilienceOptions | false | undefined;
  /** ioredis options the code sets; they take precedence over the environment. */
  readonly redis?: (RedisOptions & CredentialsOptions) | undefined;
}

/** A client's arguments and policy as the environment gives them. */
export interface EnvironmentClient {
  /**
   * Arguments of the `Redis` constructor. ioredis lets the earlier of two arguments win, so code comes
   * first, then the URL, then the single variables.
   */
  readonly args: readonly unknown[];
  readonly resolved: ResolvedPolicy;
  readonly warnings: readonly PolicyWarning[];
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
  const { args, redis, prefix, problems, warnings } = addressOf(env, options);
  const resilience = options.resilience === false ? undefined : options.resilience;
  let resolved: ResolvedPolicy | undefined;
  try {
    resolved = resolveSources({ resilience, redis, env, prefix });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0 || resolved === undefined) throw new ConfigError(problems);
  return { args, resolved, warnings: [...warnings, ...lintPolicy(resolved, redis)] };
}

/**
 * The arguments of a client alone, without a policy; the first is an object of options.
 *
 * @throws {ConfigError} with every problem of the connection variables.
 */
export function addressFromEnvironment(env: Environment, options: FromEnvironmentOptions): readonly unknown[] {
  const { args, problems } = addressOf(env, options);
  if (problems.length > 0) throw new ConfigError(problems);
  return typeof args[0] === "object" ? args : [{}, ...args];
}

interface Address {
  readonly args: readonly unknown[];
  readonly redis: UserRedisOptions;
  readonly prefix: string;
  readonly problems: ConfigProblem[];
  readonly warnings: readonly PolicyWarning[];
}

function addressOf(env: Environment, options: FromEnvironmentOptions): Address {
  const mistakes = checkCall(env, options, OPTIONS);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const prefix = normalPrefix(options.prefix);
  const target = readTarget(env, prefix);
  const given = readOptions(definedOf(options.redis)).value;
  // What the environment says of TLS counts, too, where the code names the Sentinels: ioredis would dial in plain text.
  const isTlsInTheEnvironment = target.options.tls !== undefined || optionsInUrl(target.url).tls !== undefined;
  const code: Partial<EnvironmentRedisOptions> =
    given.sentinels !== undefined && given.tls === undefined && isTlsInTheEnvironment
      ? { enableTLSForSentinelMode: true, ...given }
      : given;
  const saysWhere = code.host !== undefined || code.path !== undefined || code.sentinels !== undefined;
  const problems: ConfigProblem[] = [
    ...target.problems.filter(({ missing }) => !(saysWhere && missing === true)),
    ...clusterProblems(target),
    ...checkRedisOptions(code, "redis"),
  ];
  const redis = { ...target.options, ...optionsInUrl(target.url), ...code };
  const variables = { ...target.options, ...providersOf(target, env, redis.username, code) };
  const isBare = Object.keys(code).length === 0;
  const args =
    target.url === undefined ? [{ ...variables, ...code }] : [...(isBare ? [] : [code]), target.url, variables];
  return { args, redis, prefix, problems, warnings: target.warnings };
}

/** A password that a variable names a file for is read again whenever it is needed, unless something takes precedence over it. */
export function providersOf(
  { origins, url, options }: EnvironmentTarget,
  env: Environment,
  username: string | undefined,
  code: Partial<EnvironmentRedisOptions>,
): CredentialsOptions {
  const fileOf = (option: "password" | "sentinelPassword"): string | undefined => {
    const variable = origins.get(option);
    const path = variable?.endsWith("_FILE") === true ? env[variable] : undefined;
    // What a pipe holds can be read once.
    return path === undefined || code[option] !== undefined || !isFile(path) ? undefined : path;
  };
  const path = hasPassword(url) ? undefined : fileOf("password");
  const ofSentinels = fileOf("sentinelPassword");
  const sentinelUsername = code.sentinelUsername ?? options.sentinelUsername;
  return {
    ...(path === undefined ? {} : { credentials: credentialsFromFile(path, { username }) }),
    ...(ofSentinels === undefined
      ? {}
      : { sentinelCredentials: credentialsFromFile(ofSentinels, { username: sentinelUsername }) }),
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** What `createRedis.fromEnv` takes in its second argument. */
const OPTIONS = ["prefix", "resilience", "redis"];
/** The same where a Cluster may come of it. */
export const CLUSTER_OPTIONS: readonly string[] = [...OPTIONS, "cluster"];

/** Mistakes in the call itself, which plain JavaScript does not find. */
export function checkCall(env: unknown, options: unknown, known: readonly string[]): ConfigProblem[] {
  if (typeof env !== "object" || env === null) {
    return [{ path: "env", given: shapeOf(env), allowed: "must be an object of variables, such as process.env" }];
  }
  const misplaced = known.find((key) => key in env);
  if (misplaced !== undefined) {
    const allowed = `must stand in the second argument: fromEnv(process.env, { ${misplaced}: … })`;
    return [{ path: misplaced, given: "is in the first argument, which is the environment", allowed }];
  }
  if (typeof options !== "object" || options === null) {
    return [{ path: "options", given: shapeOf(options), allowed: 'must be an object such as { prefix: "CACHE" }' }];
  }
  const { prefix, redis, cluster } = options as Record<string, unknown>;
  const problems: ConfigProblem[] = Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: `options.${key}`,
      given: "is not a known option",
      allowed: `known here are ${known.join(", ")}, and options of ioredis stand in redis${suggestion(key, known)}`,
    }));
  if (prefix !== undefined && (typeof prefix !== "string" || !/^\w*$/.test(prefix))) {
    const allowed = "must be the beginning of the variables' names: letters, digits and underscores";
    problems.push({ path: "options.prefix", given: shapeOf(prefix), allowed });
  }
  if (redis !== undefined && !isOptions(redis)) {
    problems.push({ path: "options.redis", given: shapeOf(redis), allowed: "must be an object of ioredis options" });
  }
  if (known.includes("cluster") && cluster !== undefined && cluster !== true && !isOptions(cluster)) {
    const allowed = "must be true, or an object of ioredis's options of a Cluster";
    problems.push({ path: "options.cluster", given: shapeOf(cluster), allowed });
  }
  return problems;
}

function isOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Options without those that are `undefined`, which is absence. */
export function definedOf(options: RedisOptions | undefined): Partial<EnvironmentRedisOptions> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
}
