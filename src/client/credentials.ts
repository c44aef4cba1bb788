/** The option `credentials` of a client, made into what its connections ask for their logins. */
import { ClientCredentials, type CredentialsReport } from "../credentials/client-credentials.js";
import type { CredentialsEndpoint } from "../credentials/provider.js";
import { labelOf, endpointInfo } from "../ioredis/endpoint-info.js";
import type { ResilientOptions } from "./redis-options.js";

/** `undefined` without the option: the options `username` and `password` hold. */
export function credentialsOf(options: ResilientOptions, report: CredentialsReport): ClientCredentials | undefined {
  const { credentials } = options;
  if (typeof credentials !== "function") return undefined;
  return new ClientCredentials(credentials, endpointOf(options), labelFor(options), report);
}

function endpointOf({ host, port, path, sentinels, name }: ResilientOptions): CredentialsEndpoint {
  if (sentinels) return { sentinelName: name ?? undefined, isSentinel: false };
  return path ? { path, isSentinel: false } : { host: host ?? "localhost", port: port ?? 6379, isSentinel: false };
}

function labelFor(options: ResilientOptions): string {
  return labelOf(endpointInfo(options), options.resilience?.name);
}
