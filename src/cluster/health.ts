/** Whether a cluster client can serve, how much of the keys, and what probes of an orchestrator should be told. */
import type { Health } from "../client/health.js";
import type { Breaker } from "../endpoint/breaker.js";
import { classify } from "../failure/classify.js";
import { wallTimeOf } from "../wall-time.js";
import type { ClusterCore } from "./core.js";
import type { ClusterNode } from "./node.js";
import { SLOTS } from "./slot-ranges.js";

/**
 * What `health()` of a cluster returns. `degraded`: some masters cannot serve, or refuse writes. `down`: none can serve, or no
 * table is known.
 */
export interface ClusterHealth extends Health {
  /** Masters that cannot serve now, as `host:port`. */
  readonly mastersDown: readonly string[];
  /** Share of the slots that a node serves which answers, from 0 to 1. */
  readonly slotsServed: number;
}

/** `status`: ioredis's own. */
export function clusterHealth(status: string, core: ClusterCore): ClusterHealth {
  const { lobby, isRoutable } = core;
  if (status === "end" || lobby.isClosed) {
    const reason = "The client was closed, or gave up connecting.";
    return { status: "closed", since: sinceOf(core), code: "CLIENT_CLOSED", reason, ...NOTHING };
  }
  return isRoutable ? servingHealth(core) : searchingHealth(core);
}

const NOTHING = { mastersDown: [], slotsServed: 0 } as const;

function sinceOf({ lobby }: ClusterCore): number {
  return wallTimeOf(lobby.standing.since);
}

/** No table is known. */
function searchingHealth(core: ClusterCore): ClusterHealth {
  const { lobby, lobbyTransport } = core;
  const since = sinceOf(core);
  if (lobby.standing.kind === "idle") return { status: "idle", since, ...NOTHING };
  const error = lobbyTransport.lastError();
  if (error === undefined) {
    return { status: "connecting", since, reason: "No node has told the table of slots yet.", ...NOTHING };
  }
  const { code, title, seen } = classify(error, { ...lobbyTransport.context(), written: false });
  const reason = seen === "" ? title : `${title} ${seen}`;
  return { status: "down", since, code, reason, nextAttemptMs: Math.round(lobbyTransport.retryIn()), ...NOTHING };
}

/** A table is known, and it is asked who of it answers. */
function servingHealth(core: ClusterCore): ClusterHealth {
  const { layout } = core;
  const { refusing, readWrite } = core.lobby.endpoint;
  if (refusing === 2 && readWrite !== undefined) return refusingHealth(core, readWrite);
  const down = layout.masters.filter((node) => !(node.isWell || node.isIdle) || node.engine.endpoint.refusing === 2);
  const slotsServed = shareServed(core, (node) => !down.includes(node));
  const mastersDown = down.map(({ key }) => key);
  if (slotsServed === 1)
    return writesRefused(core) ?? { status: "ready", since: sinceOf(core), mastersDown, slotsServed };
  const percent = `${(slotsServed * 100).toFixed(1)} % of the slots are served`;
  const reason =
    down.length === 0
      ? `Some slots have no owner: ${percent}.`
      : `${String(down.length)} of ${String(layout.masters.length)} masters cannot serve (${mastersDown.join(", ")}): ${percent}.`;
  const [first] = down;
  const code = first?.transport.lastDiagnosis()?.code ?? (first === undefined ? "CLUSTER_DOWN" : "RESPONSE_TIMEOUT");
  const away = down.map(({ engine }) => engine.standing).filter(({ kind }) => kind !== "connected");
  return {
    status: slotsServed === 0 ? "down" : "degraded",
    since: Math.max(sinceOf(core), ...away.map(({ since }) => wallTimeOf(since))),
    code,
    reason,
    mastersDown,
    slotsServed,
  };
}

/** The cluster itself says that it is down. */
function refusingHealth(core: ClusterCore, circuit: Breaker): ClusterHealth {
  return {
    status: "down",
    since: Math.max(sinceOf(core), wallTimeOf(circuit.changedAt)),
    code: circuit.cause?.code ?? "CLUSTER_DOWN",
    reason: `Commands are refused: ${circuit.cause?.title ?? "the circuit is open."}`,
    nextAttemptMs: Math.round(core.lobby.endpoint.retryAfter(circuit)),
    ...NOTHING,
  };
}

/** The share of the slots whose master is one of these, from 0 to 1. */
export function shareServed({ layout }: ClusterCore, serves: (node: ClusterNode) => boolean): number {
  let served = 0;
  const known = new Map<ClusterNode, boolean>();
  for (const owner of layout.owners) {
    if (owner === undefined) continue;
    let does = known.get(owner);
    if (does === undefined) known.set(owner, (does = serves(owner)));
    if (does) served++;
  }
  return served / SLOTS;
}

function writesRefused(core: ClusterCore): ClusterHealth | undefined {
  const refusing = core.layout.masters.filter(({ engine }) => engine.endpoint.refusing === 1);
  const [first] = refusing;
  const write = first?.engine.endpoint.write;
  if (first === undefined || write === undefined) return undefined;
  const which = refusing.map(({ key }) => key).join(", ");
  return {
    status: "degraded",
    since: Math.max(sinceOf(core), wallTimeOf(write.changedAt)),
    code: write.cause?.code ?? "CIRCUIT_OPEN",
    reason: `Writes to ${which} are refused: ${write.cause?.title ?? "the circuit is open."}`,
    nextAttemptMs: Math.round(first.engine.endpoint.retryAfter(write)),
    mastersDown: [],
    slotsServed: 1,
  };
}
