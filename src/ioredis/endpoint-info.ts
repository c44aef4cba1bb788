/** Where a client connects to, read from its ioredis options. Never holds a password. */
import type { RedisOptions } from "ioredis";
import type { EndpointInfo } from "../failure/diagnosis.js";

export function endpointInfo(options: RedisOptions): EndpointInfo {
  const { host, port, path, tls, username, db, sentinels, name } = options;
  const shared = { tls: Boolean(tls), username: username ?? undefined, db: db ?? 0 };
  if (sentinels) {
    return {
      ...shared,
      sentinelName: name ?? undefined,
      sentinels: sentinels.map((sentinel) => `${sentinel.host ?? "localhost"}:${String(sentinel.port ?? 26379)}`),
    };
  }
  return path ? { ...shared, path } : { ...shared, host: host ?? "localhost", port: port ?? 6379 };
}

/** The endpoint's name in log lines and error messages, and what clients share circuits by. */
export function labelOf(info: EndpointInfo, name: string | undefined): string {
  return name === undefined ? addressOf(info) : `${name} (${addressOf(info)})`;
}

function addressOf(info: EndpointInfo): string {
  if (info.sentinels !== undefined) return `sentinel ${info.sentinelName ?? "?"} (${info.sentinels.join(", ")})`;
  return info.path ?? `${info.host ?? "localhost"}:${String(info.port ?? 6379)}`;
}
