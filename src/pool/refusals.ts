/** What a pool says when it cannot serve: to the caller, and to the log. Names and numbers, nothing of the data. */
import { classify } from "../failure/classify.js";
import { CircuitOpenError, PoolTimeoutError, type IoredoubtErrorDetails } from "../failure/errors.js";
import { stateOf } from "../failure/state.js";
import type { Flow } from "../flow/flow.js";
import type { Host } from "./host.js";
import type { Lease } from "./lease.js";
import type { Pooled } from "./pooled.js";
import { describe, type PoolSnapshot } from "./snapshot.js";

/** What every error says of the client that it comes from; nothing was sent. */
export function known({ endpoint: { label }, transport }: Pick<Flow, "endpoint" | "transport">): IoredoubtErrorDetails {
  const context = { ...transport.context(), written: false };
  return {
    applied: "no",
    endpoint: label,
    diagnosis: (error) => classify(error, context),
    state: () => stateOf(label, context),
  };
}

/** `dialing`: connections that are not there yet, and know why. */
export function poolTimeout(
  host: Host,
  by: string,
  waited: number,
  snapshot: PoolSnapshot,
  dialing: readonly Pooled[],
): PoolTimeoutError {
  const { endpoint, transport: own } = host.flow;
  const hasRoom = snapshot.leased < snapshot.max;
  const transports = hasRoom ? [...dialing.map(({ flow }) => flow.transport), own] : [];
  const transport = transports.find((one) => one.lastError() !== undefined) ?? own;
  const cause = hasRoom ? transport.lastError() : undefined;
  endpoint.incident.rejected("POOL_TIMEOUT");
  const reason = cause === undefined ? undefined : classify(cause, { ...transport.context(), written: false });
  const because =
    reason === undefined ? "" : ` What keeps a new one from being made is ${reason.code}: ${reason.title}`;
  const advice = hasRoom
    ? ""
    : " Give connections back sooner, or allow more (`pool.max`; `pool.blocking` for blocking commands).";
  return new PoolTimeoutError(
    `${by} got no connection to ${endpoint.label} of its own within ${String(Math.round(waited))} ms: ${describe(snapshot)}. Nothing was sent.${because}${advice}`,
    snapshot,
    { ...known({ endpoint, transport }), elapsed: waited, cause },
  );
}

/** The circuit refused the first command of a connection: the caller hears of its own request instead. */
export function refused(host: Host, by: string, failure: unknown): unknown {
  if (!(failure instanceof CircuitOpenError)) return failure;
  const { endpoint } = host.flow;
  const { label } = endpoint;
  const { retryAfter, cause, elapsed, diagnosis } = failure;
  const reason = endpoint.readWrite?.cause;
  const because = reason === undefined ? "" : ` It opened because of ${reason.code}: ${reason.title}`;
  return new CircuitOpenError(
    `${by} got no connection to ${label} of its own: its circuit is open. Nothing was sent.${because} Next probe in ${String(retryAfter)} ms.`,
    retryAfter,
    { ...known(host.flow), cause, elapsed, diagnosis },
  );
}

export function warnOfLeak(host: Host, lease: Lease<Pooled>, heldFor: number): void {
  const { by, origin } = lease.borrower;
  host.logger.warn(
    {
      event: "pool.leak",
      endpoint: host.flow.endpoint.label,
      by,
      forMs: Math.round(heldFor),
      lastCommand: lease.lastCommand,
      // Without the message and our own frame.
      borrowedAt: origin?.stack?.split("\n").slice(2).join("\n"),
    },
    `redis ${host.flow.endpoint.label}: ${by} has kept a connection of its own for ${String(Math.round(heldFor))} ms. It is given back when the promise of its function settles: look for one that never does.`,
  );
}
