/**
 * Where to connect, from environment variables: `REDIS_URL`, or host, port and the rest one by one, with secrets in files
 * as containers mount them. Makes the arguments of a client; knows nothing of the policy. Never shows a value.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { hostAdvice } from "../input/check-redis-options.js";
import { checkUrl, optionsInUrl } from "../input/check-url.js";
import type { Environment } from "./policy-variables.js";
import { shapeOf } from "../input/value-shape.js";
import { readTls, type EnvironmentTls } from "./tls.js";
import { VariableReader, type NodeAddress } from "./variable-reader.js";
import { misspelt, setElsewhere } from "./variables.js";

/** ioredis options as the environment gives them. */
export interface EnvironmentRedisOptions {
  host?: string;
  port?: number;
  path?: string;
  username?: string;
  password?: string;
  db?: number;
  family?: number;
  keyPrefix?: string;
  connectionName?: string;
  connectTimeout?: number;
  keepAlive?: number;
  lazyConnect?: boolean;
  tls?: EnvironmentTls;
  sentinels?: NodeAddress[];
  name?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  sentinelTLS?: EnvironmentTls;
  enableTLSForSentinelMode?: boolean;
}

/** Where the environment says that Redis is, and what is wrong or questionable about it. */
export interface EnvironmentTarget {
  readonly mode: "standalone" | "sentinel" | "cluster";
  readonly url: string | undefined;
  readonly nodes: readonly NodeAddress[];
  readonly options: EnvironmentRedisOptions;
  /** Option to the variable it came from; names only, never values. */
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
  /** What is allowed and looks wrong. */
  readonly warnings: readonly { readonly path: string; readonly says: string }[];
}

/** `CACHE` and `CACHE_` both mean variables that begin with `CACHE_`. */
export function normalPrefix(prefix: string = ""): string {
  return prefix === "" || prefix.endsWith("_") ? prefix : `${prefix}_`;
}

/** Reads the connection variables. Nothing is thrown: what is wrong is in `problems`, all of it. */
export function readTarget(env: Environment, prefix: string = ""): EnvironmentTarget {
  const start = normalPrefix(prefix);
  const reader = new VariableReader(env, start);
  const options: EnvironmentRedisOptions = {};
  const url = reader.secret("REDIS_URL", "url");
  const nodes = reader.nodes("REDIS_CLUSTER_NODES", "startupNodes");
  if (url !== undefined) reader.problems.push(...checkUrl(url, reader.origins.get("url") ?? "REDIS_URL"));
  readAddress(reader, options, url !== undefined);
  const overTls = readServerTls(reader, options, url);
  readSentinels(reader, options, overTls);
  checkOneTarget(reader, env, start, url, nodes, options);
  return {
    mode: nodes.length > 0 ? "cluster" : options.sentinels !== undefined ? "sentinel" : "standalone",
    url,
    nodes,
    options,
    origins: reader.origins,
    problems: [...reader.problems, ...misspelt(env, start, url)],
    warnings: overruled(reader, url),
  };
}

/** Variables that name another place than the URL does, which takes precedence over them. */
function overruled(reader: VariableReader, url: string | undefined): EnvironmentTarget["warnings"] {
  const { host, path, db } = optionsInUrl(url);
  return Object.entries({
    REDIS_HOST: host,
    REDIS_PATH: path ?? (url === undefined ? undefined : ""),
    REDIS_DB: db,
  }).flatMap(([variable, inUrl]) => {
    const written = reader.raw(variable)?.trim() ?? "";
    if (inUrl === undefined || written === "" || written === String(inUrl)) return [];
    const says = `is ignored: ${reader.origins.get("url") ?? ""} says something else and takes precedence over it`;
    return [{ path: reader.named(variable), says }];
  });
}

/** Redis is in one place: of two that are given, one would be ignored in silence. */
function checkOneTarget(
  reader: VariableReader,
  env: Environment,
  start: string,
  url: string | undefined,
  nodes: readonly NodeAddress[],
  options: EnvironmentRedisOptions,
): void {
  const given = [
    ...(url === undefined ? [] : [reader.origins.get("url") ?? "REDIS_URL"]),
    ...(options.host === undefined ? [] : [reader.named("REDIS_HOST")]),
    ...(options.path === undefined ? [] : [reader.named("REDIS_PATH")]),
    ...(options.sentinels === undefined ? [] : [reader.named("REDIS_SENTINELS")]),
    ...(nodes.length === 0 ? [] : [reader.named("REDIS_CLUSTER_NODES")]),
  ];
  const [first, ...others] = given;
  if (first === undefined) {
    if (reader.problems.some((p) => /URL|HOST|PATH|SENTINELS|NODES/.test(p.path))) return;
    reader.problems.push({
      path: reader.named("REDIS_URL"),
      given: "is not set",
      missing: true,
      allowed: `must say where Redis is (or ${reader.named("REDIS_HOST")}, ${reader.named("REDIS_SENTINELS")}); for this machine redis://localhost:6379${setElsewhere(env, start)}`,
    });
  } else if (others.length > 0) {
    reader.problems.push({
      path: first,
      given: `is set beside ${others.join(" and ")}`,
      allowed: "keep the one that says where Redis is",
    });
  }
}

/** Why no client of one server can be made for what the environment names. */
export function clusterProblems({ mode, origins }: EnvironmentTarget): ConfigProblem[] {
  if (mode !== "cluster") return [];
  return [
    {
      path: origins.get("startupNodes") ?? "REDIS_CLUSTER_NODES",
      given: "names the nodes of a Cluster",
      allowed:
        "for a Cluster write createCluster.fromEnv(env), or createRedis.fromEnv(env, { cluster: true }) where it may be either",
    },
  ];
}

/** Every option of a Sentinel that has no meaning without the Sentinels. */
const OF_SENTINELS = ["name", "sentinelUsername", "sentinelPassword", "sentinelTLS"];

/** `overTls`: what `REDIS_TLS…` says of the server. In ioredis it counts behind Sentinels only where a second option says so. */
function readSentinels(reader: VariableReader, options: EnvironmentRedisOptions, overTls: boolean | undefined): void {
  const sentinels = reader.nodes("REDIS_SENTINELS", "sentinels");
  const name = reader.text("REDIS_SENTINEL_NAME", "name");
  const username = reader.text("REDIS_SENTINEL_USERNAME", "sentinelUsername");
  const password = reader.secret("REDIS_SENTINEL_PASSWORD", "sentinelPassword");
  const tls = readTls(reader, ["REDIS_SENTINEL_TLS", "sentinelTLS"]);
  if (reader.raw("REDIS_SENTINELS") === undefined) {
    for (const option of OF_SENTINELS) {
      const variable = reader.origins.get(option);
      if (variable === undefined) continue;
      const allowed = "set both or neither";
      reader.problems.push({ path: variable, given: `is set without ${reader.named("REDIS_SENTINELS")}`, allowed });
    }
    return;
  }
  if (name === undefined) {
    const allowed = `must be the name of the master set that ${reader.named("REDIS_SENTINELS")} watch`;
    reader.wrong("REDIS_SENTINEL_NAME", "is missing", allowed);
  }
  if (sentinels.length > 0) options.sentinels = sentinels;
  assign(options, "name", name);
  assign(options, "sentinelUsername", username);
  assign(options, "sentinelPassword", password);
  if (tls.on === true) options.sentinelTLS = tls.options;
  assign(options, "enableTLSForSentinelMode", overTls);
}

function readAddress(reader: VariableReader, options: EnvironmentRedisOptions, hasUrl: boolean): void {
  const host = hasUrl ? undefined : reader.text("REDIS_HOST", "host");
  const advice = host === undefined ? undefined : hostAdvice(host);
  if (advice !== undefined) {
    const isUrl = host?.includes("://") === true;
    const allowed = isUrl ? `must be a host name only; a URL belongs in ${reader.named("REDIS_URL")}` : advice;
    reader.wrong("REDIS_HOST", shapeOf(host), allowed);
  }
  assign(options, "host", host);
  // Kubernetes sets REDIS_PORT=tcp://… for a Service named redis; nobody wrote that for us.
  if (!hasUrl && !/^tcp:\/\//.test(reader.raw("REDIS_PORT") ?? "")) {
    assign(options, "port", reader.number("REDIS_PORT", "port", 1, 65_535));
  }
  if (!hasUrl) assign(options, "path", reader.text("REDIS_PATH", "path"));
  assign(options, "username", reader.text("REDIS_USERNAME", "username"));
  assign(options, "password", reader.secret("REDIS_PASSWORD", "password"));
  assign(options, "db", reader.number("REDIS_DB", "db", 0, 1_000_000));
  assign(options, "family", reader.family("REDIS_FAMILY", "family"));
  assign(options, "keyPrefix", reader.text("REDIS_KEY_PREFIX", "keyPrefix"));
  assign(options, "connectionName", reader.text("REDIS_CONNECTION_NAME", "connectionName"));
  assign(options, "connectTimeout", reader.duration("REDIS_CONNECT_TIMEOUT", "connectTimeout"));
  assign(options, "keepAlive", reader.duration("REDIS_KEEP_ALIVE", "keepAlive"));
  assign(options, "lazyConnect", reader.flag("REDIS_LAZY_CONNECT", "lazyConnect"));
}

function readServerTls(
  reader: VariableReader,
  options: EnvironmentRedisOptions,
  url: string | undefined,
): boolean | undefined {
  const { on, options: tls } = readTls(reader, ["REDIS_TLS", "tls"]);
  if (on === false && url !== undefined && /^rediss:/i.test(url)) {
    reader.wrong(
      "REDIS_TLS",
      "is off",
      `must be on or go, because ${reader.origins.get("url") ?? ""} begins with rediss://`,
    );
  }
  if (on === true) options.tls = tls;
  return on;
}

function assign<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value;
}
