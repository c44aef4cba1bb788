/** What is loaded when a provider is asked for the first time. */
import { CredentialCache } from "./cache.js";
import type { CredentialsEndpoint, CredentialsProvider } from "./provider.js";

export { Reauthentication } from "./reauthentication.js";

const caches = new WeakMap<CredentialsProvider, Map<string, CredentialCache>>();

/** The cache of a provider for an endpoint: clients that were given the same function share it. */
export function cacheOf(provider: CredentialsProvider, endpoint: CredentialsEndpoint): CredentialCache {
  let ofProvider = caches.get(provider);
  if (ofProvider === undefined) caches.set(provider, (ofProvider = new Map<string, CredentialCache>()));
  const { host, port, path, sentinelName, isSentinel } = endpoint;
  const key = JSON.stringify([host, port, path, sentinelName, isSentinel]);
  let cache = ofProvider.get(key);
  if (cache === undefined) ofProvider.set(key, (cache = new CredentialCache(provider, endpoint)));
  return cache;
}
