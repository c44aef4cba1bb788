/** The checks in the order of the chain, which is also the order of the report: the first broken link is the verdict. */
import type { Check } from "./check.js";
import { answersCheck } from "./checks/answers.js";
import { auditCheck } from "./checks/audit.js";
import { clientLimitsCheck } from "./checks/client-limits.js";
import { clusterCheck } from "./checks/cluster.js";
import { discoveryCheck } from "./checks/discovery.js";
import { failoverCheck } from "./checks/failover.js";
import { firstBytesCheck } from "./checks/first-bytes.js";
import { listenerCheck } from "./checks/listener.js";
import { nameCheck } from "./checks/name.js";
import { nearbyCheck } from "./checks/nearby.js";
import { pathCheck } from "./checks/path.js";
import { permissionsCheck } from "./checks/permissions.js";
import { serverClientsCheck } from "./checks/server-clients.js";
import { serverLoadCheck } from "./checks/server-load.js";
import { serverMemoryCheck } from "./checks/server-memory.js";
import { serverPersistenceCheck } from "./checks/server-persistence.js";
import { serverReplicationCheck } from "./checks/server-replication.js";
import { sessionCheck } from "./checks/session.js";
import { surroundingsCheck } from "./checks/surroundings.js";
import { targetCheck } from "./checks/target.js";
import { tlsCheck } from "./checks/tls.js";
import { topologyCheck } from "./checks/topology.js";
import type { Target } from "./target.js";

const CHAIN: readonly Check[] = [
  targetCheck,
  discoveryCheck,
  nameCheck,
  pathCheck,
  tlsCheck,
  firstBytesCheck,
  // Explain the links above, and wait for them
  failoverCheck,
  listenerCheck,
  nearbyCheck,
  surroundingsCheck,
  sessionCheck,
  topologyCheck,
  clusterCheck,
  permissionsCheck,
  answersCheck,
  serverClientsCheck,
  serverMemoryCheck,
  serverPersistenceCheck,
  serverReplicationCheck,
  serverLoadCheck,
  clientLimitsCheck,
];

/** What only one kind of client has to be told of. */
const OF_MODE = new Map<Check, Target["mode"]>([
  // Nobody but Sentinels replaces a master
  [failoverCheck, "sentinel"],
  [clusterCheck, "cluster"],
]);

/** What a run consists of; `deep` adds the audit. */
export function checksOf(deep: boolean, mode: Target["mode"]): readonly Check[] {
  const chain = CHAIN.filter((check) => [undefined, mode].includes(OF_MODE.get(check)));
  return deep ? [...chain, auditCheck] : chain;
}

/** What can be learnt without asking the server anything. */
export const PASSIVE_CHECKS: readonly Check[] = [
  targetCheck,
  discoveryCheck,
  nameCheck,
  pathCheck,
  firstBytesCheck,
  listenerCheck,
];
