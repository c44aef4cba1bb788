/** Whether a cluster client can serve, and how much of the keys. No command is sent. */
import { clock } from "../clock.js";
import type { Health } from "../client/health.js";
import { classify } from "../failure/classify.js";
import type { ClusterCore } from "./core.js";
import { SLOTS } from "./slot-ranges.js";

/** What `health()` of a cluster returns. `degraded`: some masters cannot serve. `down`: none can, or no table is known. */
export interface ClusterHealth extends Health {
  /** Masters that cannot serve now, as `host:port`. */
  readonly mastersDown: readonly string[];
  /** Share of the slots that a node serves which answers, from 0 to 1. */
  readonly slotsServed: number;
}

const ORIGIN = clock.wallTime() - clock.now();

/** `status`: ioredis's own. */
export function clusterHealth(status: string, core: ClusterCore): ClusterHealth {
  const { layout, lobby, lobbyTransport, isRoutable } = core;
  const { standing } = lobby;
  const since = Math.round(ORIGIN + standing.since);
  const nobody = { mastersDown: [], slotsServed: 0 };
  if (status === "end" || lobby.isClosed) {
    return {
      status: "closed",
      since,
      code: "CLIENT_CLOSED",
      reason: "The client was closed, or gave up connecting.",
      ...nobody,
    };
  }
  if (!isRoutable) {
    if (standing.kind === "idle") return { status: "idle", since, ...nobody };
    const error = lobbyTransport.lastError();
    if (error === undefined)
      return { status: "connecting", since, reason: "No node has told the table of slots yet.", ...nobody };
    const { code, title, seen } = classify(error, { ...lobbyTransport.context(), written: false });
    const reason = seen === "" ? title : `${title} ${seen}`;
    return { status: "down", since, code, reason, nextAttemptMs: Math.round(lobbyTransport.retryIn()), ...nobody };
  }
  const down = layout.masters.filter((node) => !(node.isWell || node.isIdle) || node.engine.endpoint.refusing === 2);
  let served = 0;
  for (const owner of layout.owners) if (owner !== undefined && !down.includes(owner)) served++;
  const mastersDown = down.map(({ key }) => key);
  const slotsServed = served / SLOTS;
  if (served === SLOTS) return { status: "ready", since, mastersDown, slotsServed };
  const percent = `${(slotsServed * 100).toFixed(1)} % of the slots are served`;
  const reason =
    down.length === 0
      ? `Some slots have no owner: ${percent}.`
      : `${String(down.length)} of ${String(layout.masters.length)} masters cannot serve (${mastersDown.join(", ")}): ${percent}.`;
  const first = down[0]?.transport.lastDiagnosis();
  const code = first?.code ?? (down.length > 0 ? "RESPONSE_TIMEOUT" : "CLUSTER_DOWN");
  return { status: served === 0 ? "down" : "degraded", since, code, reason, mastersDown, slotsServed };
}
