/** Whether a client can serve, and what probes of an orchestrator should be told. Nothing here decides about commands. */
import { clock } from "../clock.js";
import type { Breaker } from "../endpoint/breaker.js";
import type { Code } from "../failure/codes.js";
import type { Engine } from "../engine/engine.js";
import { noConnection, silentSoFar } from "../engine/connection-errors.js";
import { SILENCE_LASTS } from "../engine/silence-hold.js";
import { classify } from "../failure/classify.js";
import { IoredoubtError } from "../failure/errors.js";
import { asSentence } from "../engine/why-waiting.js";
import type { FailureContext } from "../failure/diagnosis.js";
import { formatDuration } from "../format.js";
import { probeTimeoutOf } from "../policy/probe-timeout.js";
import { wallTimeOf } from "../wall-time.js";
import type { ClientParts } from "./parts.js";
import { watchStartup } from "./startup.js";
import type { State } from "./state.js";

/**
 * - `idle`: nothing has asked for a connection yet (`lazyConnect`). `connecting`: the first attempt is under way, and nothing
 *   has failed.
 * - `ready`: connected, both circuits closed. `degraded`: connected, but a circuit is open or half-open, or the server has
 *   refused commands for a passing reason (loading, a script, a replica) for 250 ms, so that they wait, or has owed a
 *   reply for 2 s and is silent, or another of the client's connections (a lane, a lent one) has been away for so long that its commands are refused.
 * - `down`: the connection was lost, an attempt failed, or the first takes so long that commands are refused. `closed`:
 *   ended; it takes no commands.
 */
export type HealthStatus = "idle" | "connecting" | "ready" | "degraded" | "down" | "closed";

/** What `health()` returns. */
export interface Health {
  readonly status: HealthStatus;
  /** When it became so, in milliseconds since 1970. */
  readonly since: number;
  /** What is wrong; absent while nothing is (`idle`, `connecting`, `ready`). */
  readonly code?: Code | undefined;
  /** One sentence; absent when `idle` or `ready`. */
  readonly reason?: string | undefined;
  /** Milliseconds until the next attempt: to connect, or to ask the server. */
  readonly nextAttemptMs?: number | undefined;
}

/** What `liveness()` returns. */
export interface Liveness {
  /** `false` when the client gave up by itself and never connects again: only a restart helps. */
  readonly alive: boolean;
  readonly health: Health;
}

/** What `readiness()` and `startup()` return. */
export interface Readiness {
  readonly ready: boolean;
  readonly health: Health;
}

export interface ReadinessOptions {
  /** Whether the program can do nothing without Redis. Default `true`; `false`: only a closed client is not ready. */
  readonly required?: boolean | undefined;
  /**
   * How old the last sign of life may be, in milliseconds; older, and the server is asked, with one PING within the policy's
   * `breaker.probeTimeout`. Default: never asked.
   */
  readonly maxAge?: number | undefined;
}

export interface StartupOptions {
  /** How long the first connection may take, in milliseconds. Default 10 000. */
  readonly within?: number | undefined;
}

/** What the server refuses for less than this concerns nobody who asks for the client's health. Milliseconds. */
const PASSING = 250;

/** `status`: ioredis's own. */
export function healthOf(status: string, { engine, adapter, parts }: State): Health {
  const { standing } = engine;
  if (engine.isClosed || status === "end" || standing.kind === "closed") {
    const reason = "The client was closed, or gave up connecting.";
    return { status: "closed", since: wallTimeOf(standing.since), code: "CLIENT_CLOSED", reason };
  }
  const since = wallTimeOf(standing.since);
  const { transport } = adapter;
  switch (standing.kind) {
    case "idle":
      return { status: "idle", since };
    case "connecting": {
      const { readWrite } = engine.endpoint;
      if (readWrite?.isOpen === true) return refusedBy(readWrite, "down", since, transport.retryIn());
      const reason = `The first attempt to connect has been under way for ${formatDuration(clock.now() - standing.since)}.`;
      return { status: "connecting", since, reason: `${reason}${askedProvider(transport.context())}` };
    }
    case "down": {
      const { endpoint } = engine;
      const context = { ...transport.context(), written: false };
      const error = transport.lastError() ?? noConnection(endpoint.label, context);
      const { code, title, seen } = classify(error, context);
      // Our own words say what happened and when; the title says the same without the numbers.
      const reason = IoredoubtError.is(error) ? asSentence(error) : `${title} ${seen}`;
      const nextAttemptMs = Math.round(transport.retryIn());
      return { status: "down", since, code, reason: reason.trim(), nextAttemptMs };
    }
    case "connected":
      return connectedHealth(engine, parts, since);
  }
}

/** What the attempt waits for, where that is no server. */
function askedProvider({ phase, endpoint }: FailureContext): string {
  return phase === "login" && endpoint?.credentialsFrom !== undefined
    ? ` It waits for the credentials provider ${endpoint.credentialsFrom}.`
    : "";
}

function connectedHealth({ endpoint }: Engine, parts: ClientParts, since: number): Health {
  const open = [endpoint.readWrite, endpoint.write].find(
    (circuit) => circuit !== undefined && circuit.state !== "closed",
  );
  if (open !== undefined) return refusedBy(open, "degraded", since, endpoint.retryAfter(open));
  return refusedHealth(parts) ?? silentHealth(parts) ?? awayHealth(parts) ?? { status: "ready", since };
}

function refusedBy(circuit: Breaker, status: HealthStatus, since: number, nextAttempt: number): Health {
  return {
    status,
    since: Math.max(since, wallTimeOf(circuit.changedAt)),
    code: circuit.cause?.code ?? "CIRCUIT_OPEN",
    reason: `${whatIsRefused(circuit.kind === "write")}: ${circuit.cause?.title ?? "the circuit is open."}`,
    nextAttemptMs: Math.round(nextAttempt),
  };
}

/** The server answers, and serves nothing, or no writes: what waits for the end of that is not served. */
function refusedHealth(parts: ClientParts): Health | undefined {
  const now = clock.now();
  const refused = parts.refused();
  if (refused === undefined || now - refused.refusal.since < PASSING) return undefined;
  const { error, since, writesOnly, againAt } = refused.refusal;
  const { code, title } = classify(error, refused.transport.context());
  return {
    status: "degraded",
    since: wallTimeOf(since),
    code,
    reason: `${whatIsRefused(writesOnly)}: ${title}`,
    nextAttemptMs: Math.round(Math.max(0, againAt - now)),
  };
}

/** Connected, and nobody answers: the log says so after the same time. */
function silentHealth(parts: ClientParts): Health | undefined {
  const now = clock.now();
  const silent = parts.silent(now);
  if (silent === undefined || silent.silence < SILENCE_LASTS) return undefined;
  const error = silentSoFar(silent.engine.endpoint.label, silent.silence);
  return { status: "degraded", since: wallTimeOf(now - silent.silence), code: error.code, reason: asSentence(error) };
}

function whatIsRefused(writesOnly: boolean): string {
  return writesOnly ? "Writes are refused" : "Commands are refused";
}

function awayHealth(parts: ClientParts): Health | undefined {
  const away = parts.away();
  if (away === undefined) return undefined;
  const what = away.role === "lane" ? "Commands of one lane" : "Commands on a connection of its pool";
  return {
    status: "degraded",
    since: wallTimeOf(away.since),
    code: away.cause.code,
    reason: `${what} are refused: ${away.cause.title}`,
    nextAttemptMs: Math.round(away.transport.retryIn()),
  };
}

export function livenessOf(status: string, state: State): Liveness {
  const health = healthOf(status, state);
  return { alive: health.status !== "closed" || state.isEndedByOwner || state.closing !== undefined, health };
}

export async function readinessOf(status: () => string, state: State, options: ReadinessOptions): Promise<Readiness> {
  const { required = true, maxAge } = options;
  const health = healthOf(status(), state);
  const isWell = health.status === "ready" || health.status === "idle";
  if (!required) return { ready: health.status !== "closed", health };
  if (!isWell || health.status === "idle" || maxAge === undefined) return { ready: isWell, health };
  const { transport } = state.adapter;
  // What would be asked in an open MULTI is queued there.
  if (clock.now() - transport.lastReadAt <= maxAge || !state.engine.mayAsk) return { ready: true, health };
  const limit = probeTimeoutOf(state.policy);
  if (await transport.probe("read-write", limit)) return { ready: true, health: healthOf(status(), state) };
  const after = healthOf(status(), state);
  if (after.status !== "ready") return { ready: false, health: after };
  const reason = `The server did not answer a PING within ${formatDuration(limit)}.`;
  return { ready: false, health: { ...after, code: "RESPONSE_TIMEOUT", reason } };
}

export async function startupOf(status: () => string, state: State, options: StartupOptions): Promise<Readiness> {
  if (state.engine.standing.kind === "idle") state.adapter.transport.wake();
  const health = await watchStartup(
    () => healthOf(status(), state),
    (seen) => seen.status === "ready" || seen.status === "closed" || isFatal(state, seen),
    options,
  );
  return { ready: health.status === "ready", health };
}

/** A wrong password does not get better by waiting. */
function isFatal({ adapter }: State, { status }: Health): boolean {
  return status === "down" && adapter.transport.lastDiagnosis()?.severity === "fatal";
}
