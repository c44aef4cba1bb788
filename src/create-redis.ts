/** `createRedis`: `new Redis(...)` for those who prefer a function. */
import { checkRedisArguments } from "./policy/input/arguments.js";
import type { ClusterFromEnvironmentOptions } from "./cluster/from-environment.js";
import type { Environment } from "./policy/environment/policy-variables.js";
import { normalPrefix, readTarget } from "./policy/environment/target.js";
import {
  addressFromEnvironment,
  checkCall,
  CLUSTER_OPTIONS,
  resolveFromEnvironment,
  type FromEnvironmentOptions,
} from "./policy/environment/from-environment.js";
import { makesClients } from "./client/client-count.js";
import { ConfigError } from "./failure/errors.js";
import { offBy } from "./client/plain.js";
import { createCluster, type Cluster } from "./cluster.js";
import { Redis, redisWithPolicy, type RedisOptions } from "./redis.js";

/**
 * A client for a standalone server or Sentinel, with every argument form of ioredis's `new Redis(...)`.
 *
 * @throws {ConfigError} before anything connects, with every problem in arguments, options and environment.
 */
export function createRedis(port: number, host: string, options: RedisOptions): Redis;
export function createRedis(path: string, options: RedisOptions): Redis;
export function createRedis(port: number, options: RedisOptions): Redis;
export function createRedis(port: number, host: string): Redis;
export function createRedis(options: RedisOptions): Redis;
export function createRedis(port: number): Redis;
export function createRedis(path: string): Redis;
export function createRedis(): Redis;
export function createRedis(...args: unknown[]): Redis {
  if (offBy(args) === undefined) checkRedisArguments(args);
  return new (Redis as new (...args: unknown[]) => Redis)(...args);
}

/**
 * A client whose address, credentials and policy come from environment variables (`REDIS_URL`, `REDIS_HOST` …,
 * `IOREDOUBT_*`; all of them in docs/policy.md). What `options` set takes precedence over the environment.
 *
 * @throws {ConfigError} before anything connects, with every problem and no value. While `IOREDOUBT_OFF` is on, only those of
 *   the address.
 */
createRedis.fromEnv = function fromEnv(
  env: Environment = process.env,
  given: EitherFromEnvironmentOptions = {},
): Redis | Cluster {
  const options = withoutCluster(given);
  if (options !== given && given.cluster !== false) {
    const mistakes = checkCall(env, given, CLUSTER_OPTIONS);
    if (mistakes.length > 0) throw new ConfigError(mistakes);
    const either = { ...given, cluster: given.cluster };
    if (readTarget(env, options.prefix).mode === "cluster") return createCluster.fromEnv(env, either);
  }
  if (offBy([options], env) !== undefined) {
    const [first, ...others] = addressFromEnvironment(env, options);
    return new (Redis as new (...args: unknown[]) => Redis)({ ...(first as object), resilience: false }, ...others);
  }
  const { args, resolved, warnings } = resolveFromEnvironment(env, options);
  const { resilience, prefix } = options;
  const environment = { env, prefix: normalPrefix(prefix) };
  const context = { policy: resolved.policy, warnings, environment };
  return redisWithPolicy(context, resilience === undefined ? args : withResilience(args, resilience));
} as FromEnvironment;

/** `cluster: false` asks for none, as leaving it out does. */
type EitherFromEnvironmentOptions = FromEnvironmentOptions & {
  readonly cluster?: ClusterFromEnvironmentOptions["cluster"] | false;
};

interface FromEnvironment {
  /** The environment says which: a `Cluster` where it names the nodes of one. */
  (
    env: Environment | undefined,
    options: FromEnvironmentOptions & { readonly cluster: NonNullable<EitherFromEnvironmentOptions["cluster"]> },
  ): Redis | Cluster;
  (env?: Environment, options?: FromEnvironmentOptions): Redis;
}

/** The same object where it does not ask for a Cluster. */
function withoutCluster(options: EitherFromEnvironmentOptions): FromEnvironmentOptions {
  // Plain JavaScript may pass anything; what is no object is refused further on.
  if ((options as EitherFromEnvironmentOptions | null)?.cluster === undefined) return options;
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== "cluster"));
}

/** ioredis reads three arguments, so it goes into the first one if that is an object. */
function withResilience(args: readonly unknown[], resilience: NonNullable<RedisOptions["resilience"]>): unknown[] {
  const [first, ...others] = args;
  return typeof first === "object" ? [{ ...first, resilience }, ...others] : [{ resilience }, ...args];
}

makesClients(createRedis.fromEnv, createRedis);
