/**
 * From everything a user may have written to the one frozen policy of a client: code over environment over policy file
 * over provider preset over profiles over the base. Every value keeps its origin. Knows nothing of connections.
 */
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import { checkContradictions } from "./contradictions.js";
import { checkProfile, checkResilience } from "./input/check-resilience.js";
import { readPolicyVariables, type Environment, type EnvironmentValues } from "./environment/policy-variables.js";
import { readPolicyFile } from "./environment/policy-file.js";
import { fieldAt } from "./fields.js";
import { build, flatten, overlay, type Effective, type Layer } from "./layers.js";
import type { ConnectionDefaults, Policy, Profile, ResilienceOptions } from "./shape.js";
import { BASE, CLUSTER, DOWN_AFTER, LEAST_DOWN_AFTER } from "./profiles.js";
import { presetFor, type Provider } from "./providers.js";
import { checkValues } from "./input/schema.js";
import { selectProfiles, type MeantProfile } from "./select-profiles.js";
import type { PolicyWarning } from "./warning.js";
import { translate, type UserRedisOptions } from "./translate.js";

/** Everything a policy can come from. */
export interface PolicySources {
  /** The `resilience` option. */
  readonly resilience?: ResilienceOptions | undefined;
  /** The ioredis options the caller wrote, without ioredis's defaults. */
  readonly redis?: UserRedisOptions | undefined;
  /** Default: `process.env`. */
  readonly env?: Environment | undefined;
  /** Prefix of the variables of one Redis among several, e.g. `CACHE_`. */
  readonly prefix?: string | undefined;
  /** It is for a cluster, whose base differs. */
  readonly isCluster?: boolean | undefined;
}

/** A policy with the origin of every value. */
export interface ResolvedPolicy {
  readonly policy: Policy;
  readonly values: ReadonlyMap<string, Effective>;
  /** Why these profiles: `option`, a variable's name, or `default`. */
  readonly profileOrigin: string;
  readonly meantProfile: MeantProfile | undefined;
  readonly provider: Provider | undefined;
  /** Where each of `policy.connection` comes from. */
  readonly connectionOrigins: ReadonlyMap<string, string>;
  /** What the sources say that does nothing. */
  readonly warnings: readonly PolicyWarning[];
}

/**
 * The effective policy, frozen.
 *
 * @throws {ConfigError} with every problem in the option, the environment and the policy file.
 */
export function resolvePolicy(
  input: ResilienceOptions | undefined,
  ioredisOptions: UserRedisOptions,
  env: Environment = process.env,
): Policy {
  return resolveSources({ resilience: input, redis: ioredisOptions, env }).policy;
}

/** Like `resolvePolicy`, with the origin of every value. */
export function resolveSources(sources: PolicySources): ResolvedPolicy {
  const { resilience, redis = {}, env = process.env, prefix = "", isCluster = false } = sources;
  const problems = checkResilience(resilience);
  const variables = readPolicyVariables(env, prefix);
  problems.push(...variables.problems);
  const file = variables.file && readPolicyFile(variables.file.path, variables.file.variable);
  const fileName = `file ${variables.file?.path ?? ""}`;
  if (file !== undefined) {
    problems.push(
      ...file.problems,
      ...checkProfile(file.profile, `${fileName}: profile`),
      ...checkValues(file.values, {
        at: (path) => (path === "" ? fileName : `${fileName}: ${path}`),
        ownKeys: ["profile"],
        units: true,
      }),
    );
  }
  problems.push(...variables.layers.flatMap(checkVariableValues));
  if (problems.length > 0) throw new ConfigError(problems);

  const { profiles, name, origin, meant } = selectProfiles(
    resilience?.profile,
    variables.profile,
    file?.profile,
    fileName,
    env,
  );
  const inEnvironment =
    variables.layers.findLast(({ values }) => values.has("provider"))?.values.get("provider") ??
    file?.values["provider"];
  const preset = presetFor(resilience?.provider ?? (inEnvironment as ResilienceOptions["provider"]), redis);
  const layers: Layer[] = [
    { origin: "base", values: flatten(BASE), explicit: false },
    ...(isCluster ? [{ origin: "cluster", values: flatten(CLUSTER), explicit: false }] : []),
    ...profiles.map((p) => ({ origin: `profile ${p.name}`, values: flatten(p.values), explicit: false })),
  ];
  if (preset !== undefined)
    layers.push({ origin: `provider ${preset.name}`, values: flatten(preset.values), explicit: false });
  if (file !== undefined) layers.push({ origin: fileName, values: flatten(file.values), explicit: true });
  for (const { values, origins } of variables.layers) {
    layers.push({ origin: (path) => origins.get(path) ?? "environment", values, explicit: true });
  }
  layers.push(translationLayer(redis, overlay(layers)));
  layers.push({ origin: "option", values: onlyFields(resilience ?? {}), explicit: true });

  const effective = withDownAfter(overlay(layers));
  const contradictions = checkContradictions(effective);
  if (contradictions.length > 0) throw new ConfigError(contradictions);
  const { connection, origins } = connectionOf(profiles, preset, redis);
  return {
    policy: build(name, effective, connection),
    values: effective,
    profileOrigin: origin,
    meantProfile: meant,
    provider: preset,
    connectionOrigins: origins,
    warnings: variables.warnings,
  };
}

/** Nobody is refused who could still have been answered in time when the outage began. */
function withDownAfter(values: ReadonlyMap<string, Effective>): ReadonlyMap<string, Effective> {
  if (values.has("breaker.downAfter")) return values;
  const deadline = values.get("deadline")?.value;
  const value = typeof deadline === "number" ? Math.max(LEAST_DOWN_AFTER, deadline) : DOWN_AFTER;
  return new Map([...values, ["breaker.downAfter", { value, origin: "deadline", explicit: false }]]);
}

/** The policy values of the option, without its code (`logger`, `fallback`) and names. */
function onlyFields(resilience: ResilienceOptions): ReadonlyMap<string, unknown> {
  return new Map([...flatten(resilience)].filter(([path]) => fieldAt(path) !== undefined));
}

function checkVariableValues({ values, origins }: EnvironmentValues): ConfigProblem[] {
  return [...values].flatMap(([path, value]) => {
    if (value === true) return [];
    const nested = path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    return checkValues(nested, { at: () => origins.get(path) ?? path, ownKeys: [], units: true });
  });
}

function translationLayer(redis: UserRedisOptions, below: ReadonlyMap<string, Effective>): Layer {
  const found = translate(
    redis,
    below.get("reconnect.handshakeTimeout")?.value as number,
    below.get("retry.retries")?.value as number,
  );
  return {
    origin: (path) => `ioredis option ${found.find((t) => t.path === path)?.option ?? ""}`,
    values: new Map(found.map((t) => [t.path, t.value])),
    explicit: true,
  };
}

function connectionOf(
  profiles: readonly Profile[],
  preset: Provider | undefined,
  redis: UserRedisOptions,
): { connection: ConnectionDefaults; origins: Map<string, string> } {
  const origins = new Map<string, string>();
  let connection: ConnectionDefaults = {};
  const sources = [
    ...profiles.map((p) => ({ origin: `profile ${p.name}`, from: p.connection })),
    { origin: `provider ${preset?.name ?? ""}`, from: preset?.connection },
  ];
  for (const { origin, from } of sources) {
    const fresh = Object.entries(from ?? {}).filter(([key]) => (redis as Record<string, unknown>)[key] === undefined);
    for (const [key] of fresh) origins.set(key, origin);
    connection = { ...connection, ...Object.fromEntries(fresh) };
  }
  return { connection, origins };
}
