/** Where a Sentinel or a Redis server listens, and what it is called. */
import { redactText } from "../failure/redact.js";

export interface Address {
  readonly host: string;
  readonly port: number;
  /** 4 or 6, to look a name up for that alone. */
  readonly family?: number | undefined;
}

/** What the options of ioredis say of a Sentinel. */
export interface GivenAddress {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly family?: number | undefined;
}

/** Characters of a host that are shown: as long as a host name can be. */
const LIMIT = 253;
const SENTINEL_PORT = 26_379;

/** With ioredis's defaults. */
export function sentinelAt({ host, port, family }: GivenAddress): Address {
  const at = { host: host ?? "localhost", port: port ?? SENTINEL_PORT };
  return family === undefined ? at : { ...at, family };
}

/** `host:port`, as people write it, without anything that was pasted in by mistake. */
export function nameOf({ host, port }: Address): string {
  return `${redactText(host.includes(":") ? `[${host}]` : host, LIMIT)}:${String(port)}`;
}

export function isSame(one: Address, other: Address): boolean {
  return one.host === other.host && one.port === other.port;
}
