/** The plain snapshot behind `stats()`: numbers and names, nothing live. Its shape is documented in docs/health.md. */
import { circuitStats, type Breaker, type CircuitStats } from "../endpoint/breaker.js";
import type { Family } from "../command/families.js";
import type { Latency } from "../engine/latency.js";
import type { FamilyCounts } from "../engine/outcomes.js";
import type { EngineCounters } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { ConnectionPoolStats } from "../lease/pool.js";
import type { LaneStats } from "../routing/lanes.js";
import type { ClientParts } from "./parts.js";
import type { State } from "./state.js";

/** `stats().pool`. */
export interface PoolStats extends ConnectionPoolStats {
  /** The shared connections that are open; absent with `pool.size` 1. */
  readonly lanes?: readonly LaneStats[] | undefined;
}

/**
 * What `stats()` returns: counters since the client was made, of all its connections, and what is the case now. Durations
 * in milliseconds.
 */
export interface Stats extends EngineCounters {
  /** ioredis's status of the connection. */
  readonly status: string;
  readonly endpoint: string;
  /** Commands of callers that are written and have no result yet, on the client's own connection. */
  readonly inFlight: number;
  /** `failed` by failure code. */
  readonly codes: Readonly<Partial<Record<Code, number>>>;
  /** `answered` and `failed` by kind of command. */
  readonly families: Readonly<Record<Family, FamilyCounts>>;
  /** From the call to the reply, of commands that were answered well; about one in sixteen is measured. */
  readonly latency: Latency;
  readonly waiting: { readonly commands: number; readonly bytes: number };
  readonly breaker: { readonly readWrite: CircuitStats; readonly write: CircuitStats };
  /** Tokens left, and retries refused for lack of one; absent without a budget. */
  readonly budget?: { readonly tokens: number; readonly denied: number };
  /** Writes asked for by ioredis and made on the socket. */
  readonly writes: { readonly asked: number; readonly made: number };
  /** Exclusive connections; absent for a client that has no pool. */
  readonly pool?: PoolStats | undefined;
  readonly reconnects: { readonly attempts: number; readonly nextIn: number };
}

/** `status`: ioredis's own. */
export function snapshot(status: string, { engine, adapter, pool, lanes, parts }: State): Stats {
  const { transport } = adapter;
  const { counters, outcomes, latency } = parts.totals();
  const { budget, write, label } = engine.endpoint;
  return {
    status,
    endpoint: label,
    inFlight: engine.inFlight,
    waiting: engine.waiting,
    ...counters,
    codes: outcomes.codes(),
    families: outcomes.families(),
    latency: latency.percentiles(),
    breaker: { readWrite: readWriteStats(engine.endpoint.readWrite, parts), write: circuitStats(write) },
    ...(budget === undefined ? {} : { budget: { tokens: Math.floor(budget.tokens), denied: budget.denied } }),
    writes: { ...transport.writes },
    reconnects: { attempts: transport.reconnect.attempts, nextIn: Math.round(transport.retryIn()) },
    ...(pool === undefined
      ? {}
      : { pool: { ...pool.stats(), ...(lanes === undefined ? {} : { lanes: lanes.stats() }) } }),
  };
}

/** A connection that has been away for too long refuses commands as an open circuit does. */
function readWriteStats(circuit: Breaker | undefined, parts: ClientParts): CircuitStats {
  const stats = circuitStats(circuit);
  const away = stats.state === "closed" ? parts.away() : undefined;
  if (away === undefined) return stats;
  return { ...stats, state: "open", cause: away.cause.code, nextProbeIn: Math.round(away.transport.retryIn()) };
}
