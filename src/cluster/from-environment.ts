/** Everything `createCluster.fromEnv` needs: start nodes, options and policy of a Cluster client, from one environment. */
import type { ClusterOptions as IOClusterOptions, RedisOptions } from "ioredis";
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import { checkRedisOptions } from "../policy/input/check-redis-options.js";
import { readOptions } from "../policy/input/lenient.js";
import { shapeOf } from "../policy/input/value-shape.js";
import { lintPolicy, type PolicyWarning } from "../policy/lint.js";
import { resolveSources, type ResolvedPolicy } from "../policy/resolve.js";
import {
  checkCall,
  CLUSTER_OPTIONS,
  definedOf,
  providersOf,
  type FromEnvironmentOptions,
} from "../policy/environment/from-environment.js";
import type { Environment } from "../policy/environment/policy-variables.js";
import { normalPrefix, readTarget, type EnvironmentTarget } from "../policy/environment/target.js";
import type { NodeAddress } from "../policy/environment/variable-reader.js";
import { setElsewhere } from "../policy/environment/variables.js";

/** What `createCluster.fromEnv` takes. */
export interface ClusterFromEnvironmentOptions extends FromEnvironmentOptions {
  /**
   * ioredis's options of a Cluster that the code sets; `redis` has those of its nodes. `true`: none. With it, `createRedis.fromEnv`
   * makes a `Cluster` where the environment names one.
   */
  readonly cluster?: IOClusterOptions | true | undefined;
}

/** A client's arguments and policy as the environment gives them. */
export interface EnvironmentCluster {
  readonly startNodes: readonly NodeAddress[];
  readonly options: IOClusterOptions;
  readonly resolved: ResolvedPolicy;
  readonly warnings: readonly PolicyWarning[];
}

/**
 * Reads start nodes, options and policy from the environment.
 *
 * @throws {ConfigError} with every problem of the connection variables, the policy variables, the policy file and the
 * options given in code. No value is shown.
 */
export function clusterFromEnvironment(env: Environment, options: ClusterFromEnvironmentOptions): EnvironmentCluster {
  const { startNodes, options: given, redis, problems, warnings } = addressOf(env, options);
  const prefix = normalPrefix(options.prefix);
  const resilience = options.resilience === false ? undefined : options.resilience;
  let resolved: ResolvedPolicy | undefined;
  try {
    resolved = resolveSources({ resilience, redis, env, prefix, isCluster: true });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0 || resolved === undefined) throw new ConfigError(problems);
  return { startNodes, options: given, resolved, warnings: [...warnings, ...lintPolicy(resolved, redis)] };
}

/**
 * Start nodes and options alone, without a policy.
 *
 * @throws {ConfigError} with every problem of the connection variables.
 */
export function clusterAddressFromEnvironment(
  env: Environment,
  options: ClusterFromEnvironmentOptions,
): Pick<EnvironmentCluster, "startNodes" | "options"> {
  const { startNodes, options: given, problems } = addressOf(env, options);
  if (problems.length > 0) throw new ConfigError(problems);
  return { startNodes, options: given };
}

interface Address extends Pick<EnvironmentCluster, "startNodes" | "options" | "warnings"> {
  /** What the policy is translated from. */
  readonly redis: RedisOptions;
  readonly problems: ConfigProblem[];
}

function addressOf(env: Environment, options: ClusterFromEnvironmentOptions): Address {
  const mistakes = checkCall(env, options, CLUSTER_OPTIONS);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const prefix = normalPrefix(options.prefix);
  const target = readTarget(env, prefix);
  const cluster = typeof options.cluster === "object" ? options.cluster : {};
  const inCode = { ...(cluster as { redisOptions?: RedisOptions }).redisOptions, ...options.redis };
  const code = readOptions(definedOf(inCode)).value;
  const { keyPrefix, lazyConnect, db, ...variables } = target.options;
  // Kubernetes may set it for a Service that has to do with none of the nodes.
  delete variables.port;
  const redis = { ...variables, ...providersOf(target, env, code.username ?? variables.username, code), ...code };
  return {
    startNodes: target.nodes,
    options: {
      ...(keyPrefix === undefined ? {} : { keyPrefix }),
      ...(lazyConnect === undefined ? {} : { lazyConnect }),
      // A certificate is for a name, and the name is gone once ioredis has looked it up.
      ...(redis.tls === undefined || redis.tls.servername !== undefined ? {} : { dnsLookup: asItIs }),
      ...cluster,
      redisOptions: redis,
    },
    redis: {
      ...redis,
      ...(cluster.enableOfflineQueue === false ? { enableOfflineQueue: false } : {}),
    },
    problems: [
      ...target.problems.filter(({ missing }) => missing !== true),
      ...(target.mode === "cluster" ? [] : [noNodes(env, prefix)]),
      ...databaseProblems(db, target),
      ...checkRedisOptions(code, "redis"),
    ],
    warnings: target.warnings,
  };
}

const asItIs: NonNullable<IOClusterOptions["dnsLookup"]> = (name, callback) => callback(null, name);

function noNodes(env: Environment, prefix: string): ConfigProblem {
  const allowed =
    "must name nodes of the Cluster as host:port,host:port (for one server or Sentinel write createRedis.fromEnv)";
  const path = `${prefix}REDIS_CLUSTER_NODES`;
  return { path, given: "is not set", allowed: `${allowed}${setElsewhere(env, prefix)}` };
}

function databaseProblems(db: number | undefined, { origins }: EnvironmentTarget): ConfigProblem[] {
  if (db === undefined || db === 0) return [];
  const path = origins.get("db") ?? "REDIS_DB";
  return [{ path, given: shapeOf(db), allowed: "must be left out: a cluster has database 0 only" }];
}
