/** What a cluster client is given, checked and read. */
import type { ClusterOptions as IOClusterOptions, RedisOptions } from "ioredis";
import type { CredentialsOptions, CredentialsProvider } from "../credentials/provider.js";
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import { redactText } from "../failure/redact.js";
import { shapeOf } from "../policy/input/value-shape.js";
import type { ResilienceOptions } from "../policy/shape.js";
import type { EndpointInfo } from "../failure/diagnosis.js";

/** ioredis's options and ours. */
export type ClusterOptions = IOClusterOptions & {
  /**
   * How this client deals with failures. `false`: not at all; it is plain ioredis, as all clients are while the variable
   * `IOREDOUBT_OFF` is on. Default: the policy of the profile `production`.
   */
  readonly resilience?: ResilienceOptions | false | undefined;
  /** Options of each node's client. `credentials` are asked for each node, by its host and port. */
  readonly redisOptions?: Pick<CredentialsOptions, "credentials"> | undefined;
};

/** The options of a client that is not plain. */
export type ResilientClusterOptions = ClusterOptions & { readonly resilience?: ResilienceOptions | undefined };

/** Between two looks at the table without a reason. Milliseconds. */
const INTERVAL = 30_000;

/** Options of the Cluster that are numbers. */
const NUMBERS = ["maxRedirections", "slotsRefreshInterval", "slotsRefreshTimeout"] as const;

/**
 * The options as they are meant: numbers may be written as texts, as variables hold them.
 *
 * @throws {ConfigError} with every problem that cannot work on a cluster.
 */
export function readClusterOptions(startNodes: unknown, given: ClusterOptions): ClusterOptions {
  // Plain JavaScript may pass null, as to ioredis.
  const options = (given as ClusterOptions | null) ?? {};
  const problems: ConfigProblem[] = [];
  if (!Array.isArray(startNodes)) {
    const allowed = "must be an array of nodes, each a port, a URL, or an object with host and port";
    problems.push({ path: "startNodes", given: shapeOf(startNodes), allowed });
  }
  const numbers: Partial<Record<(typeof NUMBERS)[number], number>> = {};
  for (const name of NUMBERS) {
    const value: unknown = options[name];
    if (value === undefined || value === null || typeof value === "number") continue;
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : NaN;
    if (number >= 0) numbers[name] = number;
    else problems.push({ path: name, given: shapeOf(value), allowed: "must be a number" });
  }
  const { redisOptions } = options as { readonly redisOptions?: RedisOptions };
  const db = redisOptions?.db ?? (options as { readonly db?: unknown }).db;
  if (db !== undefined && Number(db) !== 0) {
    const allowed = "must be left out: a cluster has database 0 only";
    problems.push({ path: "redisOptions.db", given: "names another database", allowed });
  }
  if ((options as CredentialsOptions).credentials !== undefined) {
    const allowed = "must stand in redisOptions, beside what each node's client is given";
    problems.push({ path: "credentials", given: "is an option of the nodes", allowed });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...options, ...numbers };
}

/** Names that tell where the start nodes are, without credentials. */
export function addressesOf(nodes: readonly unknown[]): readonly string[] {
  return nodes.map((node) => {
    if (typeof node === "number") return `127.0.0.1:${String(node)}`;
    if (typeof node === "string") {
      const url = URL.canParse(node) ? new URL(node) : undefined;
      const isUrl = url !== undefined && url.hostname !== "";
      return isUrl
        ? `${url.hostname}:${url.port || "6379"}`
        : /^\d+$/.test(node)
          ? `127.0.0.1:${node}`
          : redactText(node, 253);
    }
    const { host, port } = (node ?? {}) as { readonly host?: string; readonly port?: number };
    return `${redactText(host ?? "127.0.0.1", 253)}:${String(port ?? 6379)}`;
  });
}

/** What people call the cluster. */
export function clusterLabel(addresses: readonly string[], name: string | undefined): string {
  const [first = "?", ...others] = addresses;
  const where = others.length === 0 ? first : `${first} and ${String(others.length)} more`;
  return name === undefined ? `cluster ${where}` : `cluster ${name} (${where})`;
}

/** The provider among the options of the nodes. */
export function credentialsIn(redisOptions: RedisOptions): CredentialsProvider | undefined {
  const { credentials } = redisOptions as CredentialsOptions;
  return typeof credentials === "function" ? credentials : undefined;
}

/** `provider`: what the function is called that gives the credentials. */
export function clusterEndpoint(
  addresses: readonly string[],
  redisOptions: RedisOptions,
  provider: string | undefined,
): EndpointInfo {
  const [first = "localhost:6379"] = addresses;
  const colon = first.lastIndexOf(":");
  const { tls, username, password } = redisOptions;
  return {
    host: first.slice(0, colon),
    port: Number(first.slice(colon + 1)),
    tls: Boolean(tls),
    username: password && provider === undefined ? username : undefined,
    authenticates: Boolean(password) || provider !== undefined,
    ...(provider === undefined ? {} : { credentialsFrom: provider }),
    cluster: true,
  };
}

/** Milliseconds between two looks without a reason; 0: none. */
export function intervalOf({ slotsRefreshInterval }: IOClusterOptions): number {
  return slotsRefreshInterval ?? INTERVAL;
}
