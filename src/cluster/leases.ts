/** Which node lends a connection: the master of the slot that the keys are in. */
import type { RedisKey } from "ioredis";
import { clock, sleep } from "../clock.js";
import { diagnosisOf } from "../failure/attach.js";
import { ConfigError } from "../failure/errors.js";
import { slotOf } from "../ioredis/commands.js";
import type { ConnectionOptions } from "../lease/with-connection.js";
import type { ClusterCore } from "./core.js";
import type { ClusterNode } from "./node.js";

/** What `withConnection` of a cluster takes. */
export interface ClusterConnectionOptions extends ConnectionOptions {
  /** Which slot the connection is for. As it is on the server: `keyPrefix` included. */
  readonly key: RedisKey;
}

/** Between two looks whether the slot has an owner, in milliseconds. */
const LOOK = 10;

/**
 * The master of the keys' slot; waits for a table within the policy's `pool.acquireTimeout`.
 *
 * @throws {ConfigError} when there is no key, or they are in several slots.
 */
export async function ownerOf(core: ClusterCore, path: string, keys: readonly unknown[]): Promise<ClusterNode> {
  const slots = new Set(keys.map((key) => (typeof key === "string" || Buffer.isBuffer(key) ? slotOf(key) : undefined)));
  const [slot] = slots;
  if (slots.size !== 1 || slot === undefined) {
    const given = slots.size > 1 ? "names keys in several slots" : "names no key";
    throw new ConfigError([{ path, given, allowed: "must name keys of one slot: it says which node is meant" }]);
  }
  const until = clock.now() + core.policy.pool.acquireTimeout;
  for (;;) {
    core.wake();
    const owner = core.isRoutable ? core.layout.owners[slot] : undefined;
    if (owner !== undefined) return owner;
    if (core.lobby.isClosed || clock.now() >= until) throw core.unserved(slot);
    await sleep(LOOK);
  }
}

/** A node refused a command because another one serves its slot. */
export function saysMoved(error: unknown): boolean {
  const code = diagnosisOf(error)?.code;
  return code === "MOVED" || code === "ASK" || code === "TRY_AGAIN" || code === "CLUSTER_DOWN";
}
