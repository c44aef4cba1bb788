/**
 * The connection variables by name, and the search for misspelt ones. Other software uses names that begin with
 * `REDIS_` too (Kubernetes among it), so only a slip or a well-known synonym of a variable that is itself missing is an
 * error; anything else with that beginning is left alone.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import type { Environment } from "./policy-variables.js";
import { parseSwitch } from "./parse.js";
import { closest } from "../../suggest.js";

/** Every connection variable, without a prefix, and what it means. The table in docs/policy.md is checked against it. */
export const CONNECTION_VARIABLES: Readonly<Record<string, string>> = {
  REDIS_URL: "`redis://user:password@host:6379/0`; `rediss://` for TLS. It takes precedence over the variables below.",
  REDIS_URL_FILE: "File that holds the URL.",
  REDIS_HOST: "Host name or address, instead of a URL.",
  REDIS_PORT:
    "Port; default 6379. A value such as `tcp://…`, which Kubernetes sets for a Service named redis, is ignored.",
  REDIS_PATH: "Unix socket, instead of host and port.",
  REDIS_USERNAME: "ACL user.",
  REDIS_PASSWORD: "Password.",
  REDIS_PASSWORD_FILE: "File that holds the password; one line break at its end is dropped.",
  REDIS_DB: "Database number.",
  REDIS_FAMILY: "4 or 6 for one address family, 0 for both.",
  REDIS_KEY_PREFIX: "Put before every key.",
  REDIS_CONNECTION_NAME: "Shown in CLIENT LIST.",
  REDIS_CONNECT_TIMEOUT: "ioredis's `connectTimeout`, e.g. `10s`.",
  REDIS_KEEP_ALIVE: "ioredis's `keepAlive`, e.g. `30s`.",
  REDIS_LAZY_CONNECT: "on: connect with the first command.",
  REDIS_TLS: "on: TLS with the system's authorities; with Sentinels, to the master and the replicas.",
  REDIS_TLS_CA_FILE: "Certificate authority in PEM; switches TLS on, as the next four do.",
  REDIS_TLS_CERT_FILE: "Client certificate in PEM.",
  REDIS_TLS_KEY_FILE: "Its private key in PEM.",
  REDIS_TLS_SERVERNAME: "Name the certificate must be for, when it differs from the host.",
  REDIS_TLS_REJECT_UNAUTHORIZED: "off: accept any certificate. For tests only.",
  REDIS_SENTINELS: "Sentinels as `host:port,host:port`.",
  REDIS_SENTINEL_NAME: "Name of the master set.",
  REDIS_SENTINEL_USERNAME: "ACL user at the Sentinels.",
  REDIS_SENTINEL_PASSWORD: "Password at the Sentinels.",
  REDIS_SENTINEL_PASSWORD_FILE: "File that holds it.",
  REDIS_SENTINEL_TLS: "on: TLS to the Sentinels. `REDIS_TLS` says nothing of them.",
  REDIS_SENTINEL_TLS_CA_FILE: "Certificate authority in PEM; switches TLS to the Sentinels on, as the next four do.",
  REDIS_SENTINEL_TLS_CERT_FILE: "Client certificate in PEM.",
  REDIS_SENTINEL_TLS_KEY_FILE: "Its private key in PEM.",
  REDIS_SENTINEL_TLS_SERVERNAME: "Name the Sentinels' certificate must be for, when it differs from the host.",
  REDIS_SENTINEL_TLS_REJECT_UNAUTHORIZED: "off: accept any certificate. For tests only.",
  REDIS_CLUSTER_NODES:
    "Cluster nodes to start from as `host:port,host:port`, for `createCluster.fromEnv`, or `createRedis.fromEnv(env, { cluster: true })` where it may be either.",
};

const SYNONYMS: Readonly<Record<string, string>> = {
  REDIS_URI: "REDIS_URL",
  REDIS_HOSTNAME: "REDIS_HOST",
  REDIS_USER: "REDIS_USERNAME",
  REDIS_PASS: "REDIS_PASSWORD",
  REDIS_PASSWD: "REDIS_PASSWORD",
  REDIS_AUTH: "REDIS_PASSWORD",
  REDIS_DATABASE: "REDIS_DB",
  REDIS_SSL: "REDIS_TLS",
  REDIS_SSL_ENABLED: "REDIS_TLS",
  REDIS_TLS_ENABLED: "REDIS_TLS",
  REDIS_ENABLE_TLS: "REDIS_TLS",
  REDIS_USE_SSL: "REDIS_TLS",
  REDIS_USE_TLS: "REDIS_TLS",
  REDIS_TLS_CA: "REDIS_TLS_CA_FILE",
  REDIS_TLS_CERT: "REDIS_TLS_CERT_FILE",
  REDIS_TLS_KEY: "REDIS_TLS_KEY_FILE",
  REDIS_CA_FILE: "REDIS_TLS_CA_FILE",
  REDIS_CA_CERT: "REDIS_TLS_CA_FILE",
  REDIS_SOCKET: "REDIS_PATH",
  REDIS_PREFIX: "REDIS_KEY_PREFIX",
  REDIS_SENTINEL_SSL: "REDIS_SENTINEL_TLS",
  REDIS_SENTINEL_TLS_ENABLED: "REDIS_SENTINEL_TLS",
  REDIS_SENTINEL_TLS_CA: "REDIS_SENTINEL_TLS_CA_FILE",
  REDIS_SENTINEL_TLS_CERT: "REDIS_SENTINEL_TLS_CERT_FILE",
  REDIS_SENTINEL_TLS_KEY: "REDIS_SENTINEL_TLS_KEY_FILE",
  REDIS_SENTINEL_MASTER: "REDIS_SENTINEL_NAME",
  REDIS_SENTINEL_MASTER_NAME: "REDIS_SENTINEL_NAME",
};

const ADDRESS = new Set(["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PATH"]);

/** Variables that are probably meant for us and would be ignored in silence. */
export function misspelt(env: Environment, prefix: string, url: string | undefined): ConfigProblem[] {
  const hasUrl = env[`${prefix}REDIS_URL`] !== undefined || env[`${prefix}REDIS_URL_FILE`] !== undefined;
  const isTls = url !== undefined && /^rediss:/i.test(url);
  const names = Object.keys(CONNECTION_VARIABLES);
  return Object.keys(env).flatMap((variable) => {
    if (!variable.startsWith(`${prefix}REDIS_`)) return [];
    const name = variable.slice(prefix.length);
    if (names.includes(name)) return [];
    const meant =
      SYNONYMS[name] ??
      closest(
        name.slice("REDIS_".length),
        names.map((n) => n.slice("REDIS_".length)),
      );
    if (meant === undefined) return [];
    const full = meant.startsWith("REDIS_") ? meant : `REDIS_${meant}`;
    // A URL says all of the address, so another spelling of a part of it was not meant for us.
    if (hasUrl && ADDRESS.has(full)) return [];
    // The same for TLS, where the other spelling says what is the case.
    if (full === "REDIS_TLS" && isTls) return [];
    if (/^REDIS_(?:SENTINEL_)?TLS$/.test(full) && parseSwitch(env[variable] ?? "") === false) return [];
    if (env[prefix + full] !== undefined || env[`${prefix}${full}_FILE`] !== undefined) return [];
    return [{ path: variable, given: "is not a known variable", allowed: `did you mean ${prefix}${full}?` }];
  });
}

/** What to do where the variables of a prefix are not set and those of another are, as text to append; or nothing. */
export function setElsewhere(env: Environment, prefix: string): string {
  const found = Object.keys(env).flatMap((variable) => {
    const other = /^(|.*_)REDIS_(?:URL|HOST|PATH|SENTINELS|CLUSTER_NODES)(?:_FILE)?$/.exec(variable)?.[1];
    return other === undefined || other === prefix || (env[variable] ?? "") === "" ? [] : [{ variable, other }];
  });
  const meant = found.find(({ other }) => other.toLowerCase() === prefix.toLowerCase()) ?? found[0];
  if (meant === undefined) return addressElsewhere(env, prefix);
  const { variable, other } = meant;
  const call = other === "" ? "leave the prefix out" : `pass { prefix: "${other.slice(0, -1)}" }`;
  return `; ${variable} is set: if that is meant, ${call}`;
}

/** A variable of another name that holds a Redis URL, as hosting platforms set them; one with TLS first. */
function addressElsewhere(env: Environment, prefix: string): string {
  const holds = (scheme: RegExp): string | undefined =>
    Object.keys(env).find((variable) => scheme.test(env[variable] ?? "") && variable !== `${prefix}REDIS_URL`);
  const found = holds(/^rediss:\/\//i) ?? holds(/^redis:\/\//i);
  return found === undefined
    ? ""
    : `; ${found} holds the address of a Redis: if that is meant, set ${prefix}REDIS_URL to it`;
}
