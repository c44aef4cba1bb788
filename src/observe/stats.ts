/** The plain snapshots behind `stats()` and `health()`: numbers and names, nothing live. */
import type { Wire } from "../connection/wire.js";
import type { PoolStats } from "../pool/pool.js";
import { circuitStats } from "../flow/endpoint.js";
import type { Flow } from "../flow/flow.js";
import type { FlowStats } from "../flow/transport.js";

export type CircuitStats = ReturnType<typeof circuitStats>;

export interface Stats extends FlowStats {
  /** ioredis's status of the connection. */
  readonly status: string;
  readonly endpoint: string;
  readonly inFlight: number;
  readonly waiting: { readonly commands: number; readonly bytes: number };
  readonly breaker: { readonly readWrite: CircuitStats; readonly write: CircuitStats };
  /** Tokens left, and retries refused for want of one; absent without a budget. */
  readonly budget?: { readonly tokens: number; readonly denied: number };
  /** Writes asked for by ioredis and made on the socket. */
  readonly writes: { readonly asked: number; readonly made: number };
  /** Exclusive connections; absent for a client that has no pool. */
  readonly pool?: PoolStats | undefined;
  readonly reconnects: { readonly attempts: number; readonly nextIn: number };
}

export interface Health {
  /** `degraded`: connected, but a circuit is open or half-open. */
  readonly status: "ready" | "degraded" | "down" | "closed";
  /** Why it is not `ready`: a failure code. */
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
}

export function snapshot(status: string, flow: Flow, wire: Wire): Stats {
  const { budget, readWrite, write, label } = flow.endpoint;
  return {
    status,
    endpoint: label,
    inFlight: flow.inFlight,
    waiting: flow.gate.stats,
    ...flow.desk.stats,
    breaker: { readWrite: circuitStats(readWrite), write: circuitStats(write) },
    ...(budget === undefined ? {} : { budget: { tokens: Math.floor(budget.tokens), denied: budget.denied } }),
    writes: { ...wire.writes },
    reconnects: { attempts: wire.reconnect.attempts, nextIn: Math.round(wire.retryIn()) },
  };
}

export function healthOf(status: string, flow: Flow, wire: Wire): Health {
  if (flow.phase === "closed" || status === "end") return { status: "closed" };
  const { readWrite, write } = flow.endpoint;
  const open = [readWrite, write].find((circuit) => circuit !== undefined && circuit.state !== "closed");
  if (!flow.isReady) {
    const error = wire.lastError();
    return { status: "down", code: wire.lastDiagnosis()?.code, reason: error?.message };
  }
  return open === undefined
    ? { status: "ready" }
    : { status: "degraded", code: open.cause?.code, reason: open.cause?.title };
}
