/** The clients of this process that have not ended, for those who measure them. A client's lanes and leases are part of it. */
import type { LatencyBuckets } from "../engine/latency.js";
import type { EndpointInfo } from "../failure/diagnosis.js";
import type { Health } from "./health.js";
import type { Stats } from "./stats.js";

/** What may be read of one client. */
export interface LiveClient {
  /** As the log names it. */
  readonly label: string;
  readonly endpoint: EndpointInfo;
  /** The most connections that its pool may hold. */
  readonly maxLeases: number;
  stats(): Stats;
  health(): Health;
  latency(): LatencyBuckets;
}

const live = new Set<LiveClient>();
const watchers = new Set<(client: LiveClient) => void>();

/** A client was made, or revived by `connect()`. */
export function enrol(client: LiveClient): void {
  live.add(client);
}

/** It has ended. */
export function retire(client: LiveClient): void {
  if (live.delete(client)) for (const left of watchers) left(client);
}

export function liveClients(): readonly LiveClient[] {
  return [...live];
}

/** `left` is called with each client that ends, while its numbers can still be read. Returns a function that ends it. */
export function onRetired(left: (client: LiveClient) => void): () => void {
  watchers.add(left);
  return () => watchers.delete(left);
}
