/** Where a client connects to, read from its ioredis options. Never holds a password, not even one that was pasted into a host or path. */
import type { RedisOptions } from "ioredis";
import { providerName } from "../credentials/client-credentials.js";
import type { CredentialsOptions } from "../credentials/provider.js";
import type { EndpointInfo } from "../failure/diagnosis.js";
import { redactText } from "../failure/redact.js";

/** Characters of a host, path or name that are shown: as long as a host name can be. */
const LIMIT = 253;

/** `provider`: what the function is called that gives the credentials. */
export function endpointInfo(options: RedisOptions, provider?: string): EndpointInfo {
  const { host, port, path, tls, username, password, db, sentinels, name, role } = options;
  // `redis://secret@host` makes a user name of what was meant as the password; without one it is not sent either.
  const shared = {
    tls: Boolean(tls),
    username: password && provider === undefined ? (username ?? undefined) : undefined,
    authenticates: Boolean(password) || provider !== undefined,
    ...(provider === undefined ? {} : { credentialsFrom: provider }),
    db: db ?? 0,
  };
  if (sentinels) {
    const { enableTLSForSentinelMode, sentinelTLS, sentinelUsername, sentinelPassword } = options;
    const { sentinelCredentials } = options as CredentialsOptions;
    const isGiven = typeof sentinelCredentials === "function";
    return {
      ...shared,
      // What ioredis dials the server with, whatever else was written
      tls: Boolean(tls) && enableTLSForSentinelMode === true,
      sentinelAccess: {
        tls: Boolean(sentinelTLS),
        username: sentinelPassword && !isGiven ? (sentinelUsername ?? undefined) : undefined,
        authenticates: Boolean(sentinelPassword) || isGiven,
        ...(isGiven ? { credentialsFrom: providerName(sentinelCredentials) } : {}),
      },
      ...(role === "slave" ? { replica: true } : {}),
      sentinelName: name ? redactText(name, LIMIT) : undefined,
      sentinels: sentinels.map(
        (sentinel) => `${redactText(sentinel.host ?? "localhost", LIMIT)}:${String(sentinel.port ?? 26379)}`,
      ),
    };
  }
  return path
    ? { ...shared, path: redactText(path, LIMIT) }
    : { ...shared, host: redactText(host ?? "localhost", LIMIT), port: port ?? 6379 };
}

/** The endpoint's name in log lines and error messages, and what clients share circuits by. */
export function labelOf(info: EndpointInfo, name: string | undefined): string {
  return name === undefined ? addressOf(info) : `${name} (${addressOf(info)})`;
}

function addressOf(info: EndpointInfo): string {
  if (info.sentinels !== undefined) {
    // Of one set the master and the replicas are different servers, whose troubles are not each other's.
    const which = info.replica === true ? " replicas" : "";
    return `sentinel ${info.sentinelName ?? "?"}${which} (${info.sentinels.join(", ")})`;
  }
  return info.path ?? `${info.host ?? "localhost"}:${String(info.port ?? 6379)}`;
}
