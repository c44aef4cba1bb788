/** The plain snapshots behind `stats()` and `health()`: numbers and names, nothing live. */
import { circuitStats, type CircuitStats } from "../endpoint/breaker.js";
import type { Engine } from "../engine/engine.js";
import type { EngineCounters } from "../engine/ports.js";
import type { ConnectionPoolStats } from "../lease/pool.js";
import type { LaneStats } from "../routing/lanes.js";
import type { State } from "./state.js";

/** `stats().pool`. */
export interface PoolStats extends ConnectionPoolStats {
  /** The shared connections that are open; absent with `pool.size` 1. */
  readonly lanes?: readonly LaneStats[] | undefined;
}

/** What `stats()` returns: counters since the client was made, and what is the case now. Durations in milliseconds. */
export interface Stats extends EngineCounters {
  /** ioredis's status of the connection. */
  readonly status: string;
  readonly endpoint: string;
  readonly inFlight: number;
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

/** What `health()` returns. */
export interface Health {
  /** `degraded`: connected, but a circuit is open or half-open. */
  readonly status: "ready" | "degraded" | "down" | "closed";
  /** Why it is not `ready`: a failure code. */
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
}

/** `status`: ioredis's own. */
export function snapshot(status: string, { engine, adapter, pool, lanes }: State): Stats {
  const { transport } = adapter;
  const { budget, write, label } = engine.endpoint;
  return {
    status,
    endpoint: label,
    inFlight: engine.inFlight,
    waiting: engine.waiting,
    ...engine.counters,
    breaker: { readWrite: readWriteStats(engine, transport.retryIn()), write: circuitStats(write) },
    ...(budget === undefined ? {} : { budget: { tokens: Math.floor(budget.tokens), denied: budget.denied } }),
    writes: { ...transport.writes },
    reconnects: { attempts: transport.reconnect.attempts, nextIn: Math.round(transport.retryIn()) },
    ...(pool === undefined
      ? {}
      : { pool: { ...pool.stats(), ...(lanes === undefined ? {} : { lanes: lanes.stats() }) } }),
  };
}

/** A client that has had no connection for too long refuses its commands as an open circuit does. */
function readWriteStats({ endpoint, downCause }: Engine, retryIn: number): CircuitStats {
  const { readWrite } = endpoint;
  const stats = circuitStats(readWrite);
  if (stats.state !== "closed" || downCause === undefined) return stats;
  return { ...stats, state: "open", cause: downCause.code, nextProbeIn: Math.round(retryIn) };
}

/** `status`: ioredis's own. */
export function healthOf(status: string, { engine, adapter }: State): Health {
  if (engine.isClosed || status === "end") return { status: "closed" };
  const { transport } = adapter;
  const { readWrite, write } = engine.endpoint;
  const open = [readWrite, write].find((circuit) => circuit !== undefined && circuit.state !== "closed");
  if (!engine.isReady) {
    const { downCause } = engine;
    const code = transport.lastDiagnosis()?.code ?? downCause?.code;
    return { status: "down", code, reason: transport.lastError()?.message ?? downCause?.title };
  }
  return open === undefined
    ? { status: "ready" }
    : { status: "degraded", code: open.cause?.code, reason: open.cause?.title };
}
