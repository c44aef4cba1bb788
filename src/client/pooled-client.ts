/** The client as its pool sees it, and the clients that the pool makes for itself. */
import { Redis as IORedis } from "ioredis";
import { optionsForDuplicate } from "../connection/explicit-options.js";
import { internalsOf } from "../connection/internals.js";
import type { Logger } from "../observe/logger.js";
import type { Host } from "../pool/host.js";
import { whenAnswered } from "../pool/order.js";
import type { Redis } from "../redis.js";
import type { RedisOptions } from "./redis-options.js";
import { giving } from "./given.js";
import { stateOf, type State } from "./state.js";

/** The client as its pool sees it. */
export function hostOf(client: Redis, state: State, logger: Logger, create: (options: RedisOptions) => Redis): Host {
  const internals = internalsOf(client);
  return {
    policy: state.policy,
    logger,
    flow: state.flow,
    create: (purpose) => createPooled(client, state, purpose === "lease", create),
    flowOf: (pooled) => stateOf(pooled).flow,
    send: (command, limits) => {
      const lanes = state.pool?.lanes;
      if (lanes === undefined) state.flow.dispatch(command, undefined, limits);
      else lanes.send(command, undefined, limits);
    },
    epoch: () => internals.connectionEpoch,
    whenAnswered: () => state.pool?.lanes?.whenSettled() ?? whenAnswered(client),
    isDedicated: () =>
      client.status !== "ready" || (Boolean(internals.condition?.subscriber) && internals.condition?.protocol !== 3),
  };
}

/** A client with the same options for the pool's own use; it connects when it is first used. */
function createPooled(client: Redis, state: State, isLent: boolean, create: (options: RedisOptions) => Redis): Redis {
  const options = optionsForDuplicate(client.options, state.explicit, state.brought) as RedisOptions;
  // What a fallback answers inside an exclusive unit of work would be taken for the server's word.
  const fallback = isLent ? undefined : options.resilience?.fallback;
  const { policy, scripts } = state;
  const pool = { ...policy.pool, size: 1, min: 0, max: 0, blocking: 0 };
  // What one borrower left in an automatic pipeline would leave with the commands of the next.
  const own = { lazyConnect: true, enableAutoPipelining: false };
  const pooled = giving({ policy: { ...policy, pool }, scripts }, () =>
    create({ ...options, ...own, resilience: { ...options.resilience, fallback } }),
  );
  for (const [name, { lua, numberOfKeys, readOnly }] of Object.entries(internalsOf(client).scriptsSet)) {
    const keys = numberOfKeys === null ? {} : { numberOfKeys };
    if (!(name in pooled)) IORedis.prototype.defineCommand.call(pooled, name, { lua, readOnly, ...keys });
  }
  return pooled;
}
