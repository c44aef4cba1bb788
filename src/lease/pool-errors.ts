/** What a pool says when it cannot serve: to the caller, and to the log. Names and numbers, nothing of the data. */
import type { ClientHost } from "../engine/connections.js";
import { classify } from "../failure/classify.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import { CircuitOpenError, PoolTimeoutError } from "../failure/errors.js";
import { formatDuration } from "../format.js";
import type { Lease } from "./lease.js";
import type { PooledConnection } from "./pooled-connection.js";
import { describe, type PoolSnapshot } from "../failure/pool-snapshot.js";

/** `dialing`: connections that are not there yet, and know why. */
export function poolTimeout(
  host: ClientHost,
  by: string,
  waited: number,
  snapshot: PoolSnapshot,
  dialing: readonly PooledConnection[],
): PoolTimeoutError {
  const { own } = host;
  const { endpoint } = own.engine;
  const hasRoom = snapshot.leased < snapshot.max;
  const candidates = hasRoom ? [...dialing.map(({ connection }) => connection), own] : [];
  const { transport, engine } = candidates.find((one) => one.transport.lastError() !== undefined) ?? own;
  const cause = hasRoom ? transport.lastError() : undefined;
  const reason = cause === undefined ? undefined : classify(cause, { ...transport.context(), written: false });
  const because =
    reason === undefined ? "" : ` What keeps a new one from being made is ${reason.code}: ${reason.title}`;
  const advice = hasRoom
    ? ""
    : " Give connections back sooner, or allow more (`pool.max`; `pool.blocking` for blocking commands).";
  return new PoolTimeoutError(
    `${by} got no connection to ${endpoint.label} of its own within ${formatDuration(waited)}: ${describe(snapshot)}. Nothing was sent.${because}${advice}`,
    snapshot,
    { ...engine.errorDetails(), elapsed: waited, cause },
  );
}

/** The first command of a connection was refused: the caller hears of its own request instead. */
export function refused(host: ClientHost, by: string, failure: unknown): unknown {
  if (!(failure instanceof CircuitOpenError)) return failure;
  const { engine } = host.own;
  const { readWrite, label } = engine.endpoint;
  const { retryAfter, cause, elapsed, diagnosis } = failure;
  const because = readWrite?.isOpen === true ? opened(readWrite.cause) : unmade(cause);
  return new CircuitOpenError(
    `${by} got no connection to ${label} of its own${because} ${retryAfter < 1 ? "A probe is under way." : `Next probe in ${formatDuration(retryAfter)}.`}`,
    retryAfter,
    { ...engine.errorDetails(), cause, elapsed, diagnosis },
  );
}

function opened(reason: Diagnosis | undefined): string {
  const because = reason === undefined ? "" : ` It opened because of ${reason.code}: ${reason.title}`;
  return `: its circuit is open. Nothing was sent.${because}`;
}

/** The circuit is closed, because the client itself is connected; a new connection cannot be made all the same. */
function unmade(cause: unknown): string {
  if (!(cause instanceof Error)) return ": none can be made. Nothing was sent.";
  const { code, title } = classify(cause, { written: false });
  return `: none can be made. Nothing was sent. What keeps it from being made is ${code}: ${title}`;
}

export function warnOfLeak(host: ClientHost, lease: Lease<PooledConnection>, heldFor: number): void {
  const { by, origin } = lease.borrower;
  host.logger.warn(
    {
      event: "pool.leak",
      endpoint: host.own.engine.endpoint.label,
      by,
      forMs: Math.round(heldFor),
      lastCommand: lease.lastCommand,
      // Without the message.
      borrowedAt: origin?.stack?.split("\n").slice(1).join("\n"),
    },
    `redis ${host.own.engine.endpoint.label}: ${by} has kept a connection of its own for ${formatDuration(heldFor)}. It is given back when the promise of its function settles: look for one that never does.`,
  );
}
