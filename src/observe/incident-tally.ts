/** One incident while it lasts: when it began, what it was first and is now, and what it has counted. Writes nothing. */
import { clock, type Timer } from "../clock.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";

/** What `stats()` shows of a running incident. */
export interface IncidentSnapshot {
  readonly open: boolean;
  readonly id?: string;
  readonly code?: Code;
  readonly durationMs?: number;
  readonly failed?: number;
  readonly rejected?: number;
  readonly retried?: number;
  readonly unknownOutcome?: number;
  readonly codes?: Readonly<Record<string, number>>;
}

export class IncidentTally {
  readonly id: string = clock.random().toString(36).slice(2, 8);
  /** Milliseconds on the clock of the log. */
  readonly openedAt: number;
  first: Diagnosis;
  latest: Diagnosis;
  failed = 0;
  rejected = 0;
  retried = 0;
  unknownOutcome = 0;
  probes = 0;
  readonly codes: Map<Code, number> = new Map<Code, number>();
  /** Fatal codes, and `outage` for everything else, that have had their opening line. */
  readonly announced: Set<string> = new Set<string>();
  readonly circuits: Set<string> = new Set<string>();
  lastFailureAt: number;
  /** It was up again, but flaps: the next quiet interval closes it. */
  recoveredAt: number | undefined = undefined;
  timer: Timer | undefined = undefined;

  constructor(first: Diagnosis, now: number) {
    this.first = this.latest = first;
    this.openedAt = this.lastFailureAt = now;
  }

  /** `commands` failed of it; 0 for a connection that dropped or could not be made. */
  add(diagnosis: Diagnosis, commands: number, now: number): void {
    this.latest = diagnosis;
    this.lastFailureAt = now;
    this.recoveredAt = undefined;
    this.failed += commands;
    if (commands > 0) this.#count(diagnosis.code, commands);
    // A client-side error says less than a connection failure, and a closed door less than the server's words behind it.
    const isVague = this.first.area === "client" || this.first.code === "CONNECTION_CLOSED_EARLY";
    if (this.announced.size === 0 && isVague) this.first = diagnosis;
  }

  reject(code: Code, commands: number): void {
    this.rejected += commands;
    this.#count(code, commands);
  }

  /** Refused writes and the like: nobody reports their end, so an interval without one is the end. */
  get passesByItself(): boolean {
    const { breaker, area } = this.latest;
    return breaker !== "read-write" && (area === "server" || area === "usage" || area === "client");
  }

  snapshot(now: number): IncidentSnapshot {
    const { id, failed, rejected, retried, unknownOutcome } = this;
    const durationMs = Math.round(now - this.openedAt);
    const codes = Object.fromEntries(this.codes);
    return { open: true, id, code: this.first.code, durationMs, failed, rejected, retried, unknownOutcome, codes };
  }

  #count(code: Code, commands: number): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + commands);
  }
}
