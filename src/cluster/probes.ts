/** What an orchestrator's probes are told of a cluster client. One shard that is away is no reason to take the others' callers away. */
import type { ReadinessOptions, StartupOptions } from "../client/health.js";
import { watchStartup } from "../client/startup.js";
import { clock } from "../clock.js";
import { classify } from "../failure/classify.js";
import { formatDuration } from "../format.js";
import { probeTimeoutOf } from "../policy/probe-timeout.js";
import type { ClusterCore } from "./core.js";
import { clusterHealth, shareServed, type ClusterHealth } from "./health.js";
import type { ClusterNode } from "./node.js";

/** What `liveness()` of a cluster returns. */
export interface ClusterLiveness {
  /** `false` when the client gave up by itself and never connects again: only a restart helps. */
  readonly alive: boolean;
  readonly health: ClusterHealth;
}

/** What `readiness()` and `startup()` of a cluster return. */
export interface ClusterReadiness {
  readonly ready: boolean;
  readonly health: ClusterHealth;
}

/** What `readiness()` of a cluster takes. */
export interface ClusterReadinessOptions extends ReadinessOptions {
  /**
   * Share of the slots that must be served, from 0 to 1. Default: any at all. A failover takes some away for seconds, and from all
   * processes at the same time.
   */
  readonly slots?: number | undefined;
}

/** `isWanted`: it was not told to end. */
export function clusterLiveness(status: string, core: ClusterCore, isWanted: boolean): ClusterLiveness {
  const health = clusterHealth(status, core);
  return { alive: health.status !== "closed" || !isWanted, health };
}

/** `status`: ioredis's own, now. */
export async function clusterReadiness(
  status: () => string,
  core: ClusterCore,
  { required = true, maxAge, slots = 0 }: ClusterReadinessOptions,
): Promise<ClusterReadiness> {
  const health = clusterHealth(status(), core);
  if (!required) return { ready: health.status !== "closed", health };
  if (health.status === "idle") return { ready: true, health };
  if (!isEnough(health, slots)) return { ready: false, health };
  if (maxAge === undefined) return { ready: true, health };
  const limit = probeTimeoutOf(core.policy);
  const silent = await silentMasters(core, maxAge, limit);
  const after = clusterHealth(status(), core);
  if (silent.length === 0 || !isEnough(after, slots)) return { ready: isEnough(after, slots), health: after };
  const down = new Set([...after.mastersDown, ...silent.map(({ key }) => key)]);
  const slotsServed = shareServed(core, ({ key }) => !down.has(key));
  const told: ClusterHealth = {
    ...after,
    status: slotsServed === 0 ? "down" : "degraded",
    code: "RESPONSE_TIMEOUT",
    reason: `${silent.map(({ key }) => key).join(", ")} did not answer a PING within ${formatDuration(limit)}.`,
    mastersDown: [...down],
    slotsServed,
  };
  return { ready: isEnough(told, slots), health: told };
}

/** Connects a client that nobody has connected yet. */
export async function clusterStartup(
  status: () => string,
  core: ClusterCore,
  options: StartupOptions,
): Promise<ClusterReadiness> {
  core.wake();
  const health = await watchStartup(
    () => clusterHealth(status(), core),
    (seen) => isEnough(seen, 0) || seen.status === "closed" || isHopeless(core),
    options,
  );
  return { ready: isEnough(health, 0), health };
}

/** A wrong password does not get better by waiting. */
function isHopeless({ isRoutable, lobbyTransport }: ClusterCore): boolean {
  const error = isRoutable ? undefined : lobbyTransport.lastError();
  return error !== undefined && classify(error, { ...lobbyTransport.context(), written: false }).severity === "fatal";
}

function isEnough({ status, slotsServed }: ClusterHealth, slots: number): boolean {
  return (status === "ready" || status === "degraded") && slotsServed > 0 && slotsServed >= slots;
}

/** Masters of which nothing has come for so long, and that do not answer now either. */
async function silentMasters(core: ClusterCore, maxAge: number, limit: number): Promise<readonly ClusterNode[]> {
  const asked = core.layout.masters.filter(
    ({ engine, transport }) => engine.isReady && engine.mayAsk && clock.now() - transport.lastReadAt > maxAge,
  );
  const answers = await Promise.all(asked.map(({ transport }) => transport.probe("read-write", limit)));
  return asked.filter((_, at) => answers[at] === false);
}
