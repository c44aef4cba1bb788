/** What a pool says when it cannot serve: to the caller, and to the log. Names and numbers, nothing of the data. */
import { classify } from "../failure/classify.js";
import { PoolTimeoutError } from "../failure/errors.js";
import type { Host } from "./host.js";
import type { Lease } from "./lease.js";
import type { Pooled } from "./pooled.js";
import { describe, type PoolSnapshot } from "./snapshot.js";

export function poolTimeout(host: Host, by: string, waited: number, snapshot: PoolSnapshot): PoolTimeoutError {
  const { transport, endpoint } = host.flow;
  const cause = snapshot.leased < snapshot.max ? transport.lastError() : undefined;
  endpoint.incident.rejected("POOL_TIMEOUT");
  const because = cause === undefined ? "" : ` Last connection error: ${cause.message}.`;
  const advice =
    snapshot.leased < snapshot.max
      ? ""
      : " Give connections back sooner, or allow more (`pool.max`; `pool.blocking` for blocking commands).";
  return new PoolTimeoutError(
    `${by} got no connection to ${endpoint.label} of its own within ${String(Math.round(waited))} ms: ${describe(snapshot)}. Nothing was sent.${because}${advice}`,
    snapshot,
    {
      applied: "no",
      elapsed: waited,
      endpoint: endpoint.label,
      cause,
      diagnosis: (error) => classify(error, transport.context()),
    },
  );
}

export function warnOfLeak(host: Host, lease: Lease<Pooled>, heldFor: number): void {
  const { by, origin } = lease.borrower;
  host.logger.warn(
    {
      code: "POOL_LEAK",
      endpoint: host.flow.endpoint.label,
      by,
      forMs: Math.round(heldFor),
      lastCommand: lease.lastCommand,
      borrowedAt: origin?.stack?.split("\n").slice(1).join("\n"),
    },
    `${by} has kept a connection of its own for ${String(Math.round(heldFor))} ms. It is given back when the promise of its function settles: look for one that never does.`,
  );
}
