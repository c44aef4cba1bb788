/**
 * Where to connect and where each part of that came from: an argument, options, or the environment exactly as `fromEnv`
 * reads it. Nothing is thrown: what is wrong is in `problems`, and the target check reports it.
 */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import type { CredentialsOptions } from "../credentials/provider.js";
import type { ConfigProblem } from "../failure/errors.js";
import { checkRedisOptions } from "../policy/input/check-redis-options.js";
import { checkUrl } from "../policy/input/check-url.js";
import { socketPath } from "../policy/input/lenient.js";
import type { NatMap, PreferredReplicas } from "../sentinel/replicas.js";
import { readTarget } from "../policy/environment/target.js";

/** One address of a server. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Unix socket, instead of host and port. */
  readonly path?: string | undefined;
}

/** The ioredis options that decide about a connection; others are ignored. */
export interface TargetOptions extends CredentialsOptions {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly path?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db?: number | string | undefined;
  readonly family?: number | undefined;
  readonly tls?: ConnectionOptions | boolean | undefined;
  readonly sentinels?:
    readonly { readonly host?: string | undefined; readonly port?: number | undefined }[] | undefined;
  /** Name of the master set that the Sentinels watch. */
  readonly name?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** TLS to the Sentinels. `tls` says nothing of them. */
  readonly sentinelTLS?: ConnectionOptions | boolean | undefined;
  /** Behind Sentinels ioredis reads `tls` only where this is true. */
  readonly enableTLSForSentinelMode?: boolean | undefined;
  /** `slave`: the client reads from a replica that the Sentinels name. */
  readonly role?: "master" | "slave" | undefined;
  /** Which of the replicas, as ioredis reads it. */
  readonly preferredSlaves?: PreferredReplicas | undefined;
  /** What the addresses that Sentinels tell are called here. */
  readonly natMap?: NatMap | undefined;
}

/** What the doctor looks at, with the origin of each part. */
export interface Target {
  readonly mode: "standalone" | "sentinel" | "cluster";
  /** Undefined where it is not known, or known only after Sentinel was asked. */
  readonly endpoint: Endpoint | undefined;
  readonly nodes: readonly Endpoint[];
  /** As the client dials the server: behind Sentinels `tls` may be given and not count. */
  readonly tls: ConnectionOptions | undefined;
  /** `tls` is given, and the client dials in plain text all the same. */
  readonly tlsIgnored: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** A user name was given without a password. It logs nobody in, and may be the password itself: it is not kept. */
  readonly nameOnly: boolean;
  readonly db: number;
  readonly family: 0 | 4 | 6;
  readonly sentinelName: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly sentinelTls: ConnectionOptions | undefined;
  readonly role: "master" | "slave";
  readonly preferredSlaves: PreferredReplicas | undefined;
  readonly natMap: NatMap | undefined;
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
}

/** Where a target may come from besides the argument. */
export interface TargetSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly prefix?: string | undefined;
  /** What a variable is called as an origin. Default: its name. */
  readonly originOf?: ((variable: string) => string) | undefined;
  /** The target is a Cluster node and the application uses a Cluster client. */
  readonly cluster?: boolean | undefined;
}

/** Parts that a function gives, where there is one. */
const GIVEN_BY: Readonly<Record<string, keyof CredentialsOptions>> = {
  username: "credentials",
  password: "credentials",
  sentinelUsername: "sentinelCredentials",
  sentinelPassword: "sentinelCredentials",
};
const DEFAULT_PORT = 6379;
const SENTINEL_PORT = 26_379;
/** The options whose origin is told. */
const PARTS = [
  "host",
  "port",
  "path",
  "username",
  "password",
  "db",
  "tls",
  "sentinels",
  "name",
  "sentinelUsername",
  "sentinelPassword",
  "sentinelTLS",
] as const;

/** The target from an argument or, without one, from the environment. Never throws: what is wrong is in `problems`. */
export function resolveTarget(given: string | TargetOptions | undefined, sources: TargetSources): Target {
  if (given === undefined) return fromVariables(sources);
  if (typeof given !== "string") {
    const { tls, ...rest } = given;
    const plain = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    return build(given, {
      origin: (part) => {
        const provider = GIVEN_BY[part];
        return provider !== undefined && given[provider] !== undefined ? provider : "options";
      },
      problems: checkRedisOptions(tls === undefined ? plain : { ...plain, tls }, ""),
      cluster: sources.cluster,
    });
  }
  const problems = checkUrl(given, "argument");
  return build(problems.length > 0 ? {} : parseUrl(given), {
    origin: () => "argument",
    problems,
    cluster: sources.cluster,
  });
}

function fromVariables({ env, prefix, cluster, originOf = (variable) => variable }: TargetSources): Target {
  const { mode, url, nodes, options, origins, problems } = readTarget(env, prefix);
  const fromUrl = url === undefined || checkUrl(url, "url").length > 0 ? {} : parseUrl(url);
  const merged: TargetOptions = { ...options, ...fromUrl };
  return build(merged, {
    origin: (part) => originOf((part in fromUrl ? origins.get("url") : origins.get(part)) ?? "default"),
    problems: problems.map((problem) => ({ ...problem, path: originOf(problem.path) })),
    cluster: mode === "cluster" || cluster === true,
    nodes: mode === "cluster" ? nodes : [],
  });
}

interface Around {
  readonly origin: (part: string) => string;
  readonly problems: readonly ConfigProblem[];
  readonly cluster: boolean | undefined;
  readonly nodes?: readonly Endpoint[];
}

function build(options: TargetOptions, around: Around): Target {
  const given = tlsOf(options.tls);
  const sentinels = (options.sentinels ?? []).map(({ host = "localhost", port = SENTINEL_PORT }) => ({ host, port }));
  const nodes = [...sentinels, ...(around.nodes ?? [])];
  const username = options.username === "" ? undefined : options.username;
  const password = options.password === "" ? undefined : options.password;
  const tls = sentinels.length > 0 && options.enableTLSForSentinelMode !== true ? undefined : given;
  const found = nodes.length === 0 && around.problems.length === 0;
  const origins = new Map<string, string>();
  for (const part of PARTS) {
    if (options[part] !== undefined) origins.set(part, around.origin(part));
  }
  if (found && options.path === undefined) {
    for (const part of ["host", "port"] as const) if (!origins.has(part)) origins.set(part, "default");
  }
  if ((around.nodes ?? []).length > 0) origins.set("startupNodes", around.origin("startupNodes"));
  return {
    mode: sentinels.length > 0 ? "sentinel" : around.cluster === true ? "cluster" : "standalone",
    endpoint: found
      ? { host: options.host ?? "localhost", port: Number(options.port ?? DEFAULT_PORT), path: options.path }
      : undefined,
    nodes,
    tls,
    tlsIgnored: given !== undefined && tls === undefined,
    username: password === undefined ? undefined : username,
    password,
    nameOnly: username !== undefined && password === undefined,
    db: Number(options.db ?? 0),
    family: options.family === 4 || options.family === 6 ? options.family : 0,
    sentinelName: options.name,
    sentinelUsername: options.sentinelPassword === undefined ? undefined : options.sentinelUsername,
    sentinelPassword: options.sentinelPassword === "" ? undefined : options.sentinelPassword,
    sentinelTls: tlsOf(options.sentinelTLS),
    role: options.role === "slave" ? "slave" : "master",
    preferredSlaves: options.preferredSlaves,
    natMap: options.natMap,
    origins,
    problems: around.problems,
  };
}

function tlsOf(tls: TargetOptions["tls"]): ConnectionOptions | undefined {
  if (tls === undefined || tls === false) return undefined;
  return tls === true ? {} : tls;
}

/** The parts a connection string names, as ioredis reads them. Only for strings that `checkUrl` found nothing wrong with. */
export function parseUrl(given: string): TargetOptions {
  const text = socketPath(given) ?? given;
  if (/^\d+$/.test(text)) return { port: Number(text) };
  if (text.startsWith("/") && !text.startsWith("//")) return parsePath(text);
  const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `redis://${text.replace(/^\/\//, "")}`);
  const db = url.pathname.replaceAll("/", "") || url.searchParams.get("db");
  const family = url.searchParams.get("family");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(db === null || db === "" ? {} : { db: Number(db) }),
    ...(family === null ? {} : { family: Number(family) }),
    ...(url.protocol === "rediss:" ? { tls: {} } : {}),
  };
}

function parsePath(text: string): TargetOptions {
  const [path, query] = text.split("?", 2);
  const { db, username, password } = Object.fromEntries(new URLSearchParams(query));
  return {
    ...(path === undefined ? {} : { path }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db: Number(db) }),
  };
}

/** `host:port` or the socket path, for people. */
export function addressOf(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) return "unknown";
  if (endpoint.path !== undefined) return endpoint.path;
  return `${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${String(endpoint.port)}`;
}

/** TLS options with certificates read from files, for the command line. */
export function tlsFromFiles(files: {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
}): ConnectionOptions {
  const read = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, "utf8");
  const options = { ca: read(files.ca), cert: read(files.cert), key: read(files.key), servername: files.servername };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
