/** What is loaded when a provider is asked for the first time. */
import { CredentialCache } from "./cache.js";
import type { CredentialsEndpoint, CredentialsProvider } from "./provider.js";

export { Reauthentication } from "./reauthentication.js";

const caches = new WeakMap<CredentialsProvider, Map<string, WeakRef<CredentialCache>>>();

/** The cache of a provider for an endpoint: clients that were given the same function share it. */
export function cacheOf(provider: CredentialsProvider, endpoint: CredentialsEndpoint): CredentialCache {
  let ofProvider = caches.get(provider);
  if (ofProvider === undefined) caches.set(provider, (ofProvider = new Map<string, WeakRef<CredentialCache>>()));
  const { host, port, path, sentinelName, isSentinel } = endpoint;
  const key = JSON.stringify([host, port, path, sentinelName, isSentinel]);
  const known = ofProvider.get(key)?.deref();
  if (known !== undefined) return known;
  // The nodes of a cluster come and go, and what nobody uses any more must not keep its password.
  for (const [old, cache] of ofProvider) if (cache.deref() === undefined) ofProvider.delete(old);
  const cache = new CredentialCache(provider, endpoint);
  ofProvider.set(key, new WeakRef(cache));
  return cache;
}
