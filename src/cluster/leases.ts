/** Which node lends a connection: the master of the slot that the keys are in. */
import type { RedisKey } from "ioredis";
import { clock, sleep } from "../clock.js";
import { diagnosisOf } from "../failure/attach.js";
import { ConfigError } from "../failure/errors.js";
import { slotOf } from "../ioredis/commands.js";
import type { ConnectionOptions } from "../lease/with-connection.js";
import { stalls } from "../stall-meter.js";
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
  return ownerNow(core, slot) ?? (await ownerInTime(core, slot));
}

function ownerNow(core: ClusterCore, slot: number): ClusterNode | undefined {
  core.wake();
  return core.isRoutable ? core.layout.owners[slot] : undefined;
}

/** Time in which this process stood still does not count: the table may lie in its sockets. */
async function ownerInTime(core: ClusterCore, slot: number): Promise<ClusterNode> {
  const since = clock.now();
  const release = stalls.hold();
  try {
    for (;;) {
      if (core.lobby.isClosed || stalls.awakeSince(since) >= core.policy.pool.acquireTimeout) throw core.unserved(slot);
      await sleep(LOOK);
      const owner = ownerNow(core, slot);
      if (owner !== undefined) return owner;
    }
  } finally {
    release();
  }
}

/** A node refused a command because another one serves its slot. */
export function saysMoved(error: unknown): boolean {
  const code = diagnosisOf(error)?.code;
  return code === "MOVED" || code === "ASK" || code === "TRY_AGAIN" || code === "CLUSTER_DOWN";
}
