/**
 * What all clients of one server share in this process: the circuits, the retry budget and the incident. Clients come
 * and go; the endpoint lives as long as one of them does. It knows of its members only what `Member` says.
 */
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import { IncidentLog, type Examination } from "../observe/incident.js";
import type { Logger } from "../observe/logger.js";
import { fingerprintOf, policyLine } from "../policy/fingerprint.js";
import type { Policy } from "../policy/shape.js";
import { RetryBudget } from "./budget.js";
import { Circuit, type CircuitKind, type CircuitState } from "./circuit.js";
import { DialPace } from "./dial-pace.js";
import { WriteSearch } from "./write-search.js";

/** Looks at the server from outside, on a connection of its own. `served`: a client was connected to it before. */
export type Examine = (served: boolean) => Promise<Examination | undefined>;

/** A client, as its endpoint sees it. */
export interface Member {
  /** Connected and serving. */
  readonly isReady: boolean;
  /** A blocking command has its connection: a probe would wait behind it. */
  readonly isHeld: boolean;
  readonly isAside: boolean;
  readonly waitingCount: number;
  /** Milliseconds until its next connection attempt. */
  retryIn(): number;
  /** Sends the probe for a circuit on its own connection; resolves to whether the server answered well in time. */
  probe(kind: CircuitKind): Promise<boolean>;
  /** A circuit opened: what waits without a deadline and may fail fast should. */
  circuitOpened(kind: CircuitKind): void;
  /** A circuit closed: what waited for it may go. */
  circuitClosed(): void;
  /** Whether a new connection may reach a server that takes writes. */
  findsWriter(): Promise<boolean>;
  /** Drops the connection as soon as nothing is in flight on it, and dials again. */
  redialWhenIdle(): void;
}

/** A timer may fire this much before its time is over on `performance.now()`, in milliseconds. */
const TIMER_EARLY = 5;

export class Endpoint {
  /** `host:port`, socket path or `sentinel:name`, for people. */
  readonly label: string;
  readonly budget: RetryBudget | undefined;
  readonly incident: IncidentLog;
  readonly readWrite: Circuit | undefined;
  readonly write: Circuit | undefined;
  /** When its members may dial. */
  readonly dials = new DialPace();
  readonly #search: WriteSearch;
  /** Read for every command: 0 while both circuits are closed, 1 when only writes are refused, 2 when everything is. */
  refusing = 0;
  /** Writes the line of the first connection; gone once it is written. */
  #greet: (() => void) | undefined;
  readonly #key: string;
  readonly #members = new Set<Member>();
  /** The member with the newest connection: where a name leads now is asked there. */
  #newest: Member | undefined = undefined;
  /** When a member last lost its connection, on the clock of `performance.now()`. */
  #servedUntil = -Infinity;
  readonly #downAfter: number;
  #ticker: NodeJS.Timeout | undefined = undefined;

  private constructor(key: string, label: string, policy: Policy, logger: Logger, examine: Examine | undefined) {
    this.#key = key;
    this.label = label;
    this.#downAfter = policy.breaker === false ? 0 : policy.breaker.downAfter;
    this.incident = new IncidentLog({
      logger,
      endpoint: label,
      summaryInterval: policy.summaryInterval,
      examine: examine && (() => examine(this.#servedUntil > -Infinity)),
    });
    this.incident.waiting = () => this.#waiting();
    this.#greet = () =>
      logger.info(
        { event: "client.ready", endpoint: label, profile: policy.profile, policy: fingerprintOf(policy) },
        `redis ${label}: connected; ${policyLine(policy)}.`,
      );
    this.#search = new WriteSearch({
      look: async () => (await this.#someMember()?.findsWriter()) ?? false,
      move: () => {
        for (const member of this.#members) member.redialWhenIdle();
      },
    });
    this.budget =
      policy.retry !== false && policy.retry.budget !== false ? new RetryBudget(policy.retry.budget) : undefined;
    if (policy.breaker !== false) {
      const hooks = {
        probe: (kind: CircuitKind) => this.#probe(kind),
        changed: (circuit: Circuit) => this.#circuitChanged(circuit),
      };
      const readWrite = (this.readWrite = new Circuit("read-write", policy.breaker, hooks));
      const write = (this.write = new Circuit("write", policy.breaker, hooks));
      this.#tick(readWrite, write);
    }
  }

  /** The endpoint for a server and policy, shared with every other client that asks for the same. */
  static join(member: Member, label: string, policy: Policy, logger: Logger, examine?: Examine): Endpoint {
    const key = JSON.stringify([
      label,
      loggerId(logger),
      policy.breaker,
      policy.retry && policy.retry.budget,
      policy.summaryInterval,
    ]);
    let endpoint = endpoints.get(key);
    if (endpoint === undefined) endpoints.set(key, (endpoint = new Endpoint(key, label, policy, logger, examine)));
    endpoint.#members.add(member);
    return endpoint;
  }

  leave(member: Member): void {
    if (this.#newest === member) this.#newest = undefined;
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    this.#search.end();
    endpoints.delete(this.#key);
    clearTimeout(this.#ticker);
    this.readWrite?.shutdown();
    this.write?.shutdown();
    this.incident.close();
  }

  /** A member that was connected is not any more. */
  lost(): void {
    this.#servedUntil = performance.now();
  }

  /**
   * A member has been without a connection for `downAfter`. Fails everything fast, unless another member is
   * connected or was until a moment ago: its own time is not over yet.
   */
  unreachable(cause: Diagnosis): void {
    for (const member of this.#members) if (member.isReady) return;
    if (performance.now() - this.#servedUntil < this.#downAfter - TIMER_EARLY) return;
    this.readWrite?.trip(cause);
  }

  /** A member is connected again: ask the server there at once, whatever is refused, instead of waiting for the next probe. */
  async reachable(member: Member): Promise<void> {
    this.#newest = member;
    this.#greet?.();
    this.#greet = undefined;
    const open = [this.readWrite, this.write].filter((circuit) => circuit?.isOpen === true);
    await Promise.all(open.map((circuit) => circuit?.probeAnew() ?? Promise.resolve()));
    this.#settleIncident(true);
  }

  /** The server refused a write that was sent at `sentAt`, because it is a replica by now. */
  readOnly(sentAt: number): void {
    this.#search.refused(sentAt);
  }

  /** A member refused a command itself, for this reason. */
  rejected(code: Code): void {
    this.incident.rejected(code);
    // As long as somebody wants to write, somebody looks for where that is possible.
    if (code === "CIRCUIT_OPEN" && this.refusing === 1 && this.write?.cause?.code === "READ_ONLY_REPLICA")
      this.#search.refused(performance.now());
  }

  /** Milliseconds until the server is asked next: by a probe, or by whoever reconnects first if nobody is connected. */
  retryAfter(circuit: Circuit): number {
    const probe = Math.max(0, circuit.nextProbeAt - performance.now());
    let dial = Infinity;
    for (const member of this.#members) {
      if (member.isReady) return probe;
      dial = Math.min(dial, member.retryIn());
    }
    return Math.min(probe, dial);
  }

  /** Counts a failed command against the circuit its diagnosis names. */
  failed(diagnosis: Diagnosis, sentAt: number): void {
    if (diagnosis.breaker === "none") {
      this.incident.usage(diagnosis);
      return;
    }
    this.incident.failed(diagnosis);
    const circuit = diagnosis.breaker === "write" ? this.write : this.readWrite;
    circuit?.failed(diagnosis, sentAt);
  }

  /** Counts an answered command; all the hot path does for circuits and budget. Only writes speak for the write circuit. */
  succeeded(writes: boolean): void {
    if (this.readWrite !== undefined) this.readWrite.succeeded++;
    if (writes && this.write !== undefined) this.write.succeeded++;
    if (this.budget !== undefined) this.budget.successes++;
  }

  #tick(readWrite: Circuit, write: Circuit): void {
    this.#ticker = setTimeout(() => {
      readWrite.tick();
      write.tick();
      this.#tick(readWrite, write);
    }, readWrite.bucketInterval);
    this.#ticker.unref();
  }

  async #probe(kind: CircuitKind): Promise<boolean> {
    const member = this.#someMember();
    return member?.isReady === true && member.probe(kind);
  }

  /** The one that is asked on behalf of all: on the newest connection, if it is free. */
  #someMember(): Member | undefined {
    const members = this.#newest === undefined ? [...this.#members] : [this.#newest, ...this.#members];
    const ready = members.filter((member) => member.isReady);
    return ready.find(({ isHeld, isAside }) => !isHeld && !isAside) ?? ready[0] ?? members[0];
  }

  #circuitChanged(circuit: Circuit): void {
    this.refusing = this.readWrite?.isOpen === true ? 2 : this.write?.isOpen === true ? 1 : 0;
    this.incident.circuit(circuit.kind, circuit.state, {
      ...(circuit.state === "open" ? { retryAfter: Math.round(this.retryAfter(circuit)) } : {}),
      ...(circuit.cause === undefined ? {} : { cause: circuit.cause }),
    });
    if (circuit.state === "open") for (const member of this.#members) member.circuitOpened(circuit.kind);
    if (circuit.state !== "closed") return;
    this.#settleIncident();
    for (const member of this.#members) member.circuitClosed();
  }

  #settleIncident(reconnected = false): void {
    if (this.refusing === 0) this.incident.recovered(reconnected);
  }

  #waiting(): number {
    let waiting = 0;
    for (const member of this.#members) waiting += member.waitingCount;
    return waiting;
  }
}

/** What `stats()` says of a circuit. */
export function circuitStats(circuit: Circuit | undefined): {
  state: CircuitState | "off";
  trips: number;
  cause?: string;
  nextProbeIn?: number;
} {
  if (circuit === undefined) return { state: "off", trips: 0 };
  return {
    state: circuit.state,
    trips: circuit.trips,
    ...(circuit.isOpen && circuit.cause !== undefined ? { cause: circuit.cause.code } : {}),
    ...(circuit.isOpen ? { nextProbeIn: Math.max(0, Math.round(circuit.nextProbeAt - performance.now())) } : {}),
  };
}

const endpoints = new Map<string, Endpoint>();

/** Clients that log to different places do not share an incident: each log must tell the whole story. */
const loggerIds = new WeakMap<Logger, number>();
let loggers = 0;
function loggerId(logger: Logger): number {
  let id = loggerIds.get(logger);
  if (id === undefined) loggerIds.set(logger, (id = ++loggers));
  return id;
}
