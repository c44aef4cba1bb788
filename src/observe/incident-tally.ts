/** One incident while it lasts: when it began, what it was first and is now, and what it has counted. Writes nothing. */
import { clock, type Timer } from "../clock.js";
import type { CircuitKind, Takeover } from "../engine/ports.js";
import type { Code } from "../failure/codes.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { IncidentNumbers } from "./events.js";
import { FailureCounts } from "./failure-counts.js";

/** A circuit that is open and that no line has told of. Moments in milliseconds on the clock of the log. */
export interface OpenedCircuit {
  readonly kind: CircuitKind;
  readonly cause: Diagnosis | undefined;
  readonly since: number;
  /** When the server is asked next, as far as that is known. */
  readonly probeAt: number | undefined;
}

/** Errors that say that a command was hurt, and nothing of why. */
const isVague = ({ area, code }: Diagnosis): boolean => area === "client" || code === "CONNECTION_CLOSED_EARLY";

export class IncidentTally {
  readonly id: string = clock.random().toString(36).slice(2, 8);
  /** The first sign of it, in milliseconds on the clock of the log. */
  openedAt: number;
  /** How it began. */
  readonly begun: Code;
  /** What the opening line says, and what its closing line will. */
  first: Diagnosis;
  /** What it is now, as far as lines have told. */
  chapter: Diagnosis;
  latest: Diagnosis;
  readonly counts = new FailureCounts();
  retried = 0;
  probes = 0;
  /** Fatal codes, and `outage` for everything else, that have had their opening line. */
  readonly announced: Set<string> = new Set<string>();
  /** Those that lines have told of. */
  readonly circuits = new Set<CircuitKind | "client">();
  /** Those that are open and have no line yet. */
  readonly #opened = new Map<CircuitKind, OpenedCircuit>();
  lastFailureAt: number;
  /** Another server took over meanwhile. */
  takeover: Takeover | undefined = undefined;
  /** A client is connected again, or the server takes what it refused; not known yet of all clients. */
  recoveredAt: number | undefined = undefined;
  /** All of its clients are well again: it waits for the end of what was under way. */
  isSettling = false;
  /** Another kind of trouble than the chapter's, and when it was first seen. */
  #other: { readonly area: string; readonly since: number } | undefined = undefined;
  /** When its opening line or its last summary was written. */
  summarizedAt = 0;
  timer: Timer | undefined = undefined;

  constructor(first: Diagnosis, openedAt: number, now: number) {
    this.first = this.chapter = this.latest = first;
    this.begun = first.code;
    this.openedAt = openedAt;
    this.lastFailureAt = now;
  }

  get isAnnounced(): boolean {
    return this.announced.size > 0;
  }

  /** Something speaks against the endpoint. */
  add(diagnosis: Diagnosis, since: number, now: number): void {
    this.openedAt = Math.min(this.openedAt, since);
    this.latest = diagnosis;
    this.lastFailureAt = now;
    this.recoveredAt = undefined;
    // A client-side error says less than a connection failure, and a closed door less than the server's words behind it.
    if (!this.isAnnounced && isVague(this.first)) this.first = this.chapter = diagnosis;
  }

  /** The opening line is due: a lost connection that cannot be made again is told as what keeps it from being made. */
  settle(): void {
    const { first, latest } = this;
    if (latest.area === first.area && !isVague(latest) && this.recoveredAt === undefined) this.first = latest;
    this.chapter = this.first;
  }

  /**
   * Whether this diagnosis begins another chapter: another part of the chain has been broken for longer than a blip. A
   * command that was lost with its connection is the same story.
   */
  turns(diagnosis: Diagnosis, now: number, blip: number): boolean {
    const { area } = diagnosis;
    if (area === this.chapter.area || isVague(diagnosis) || area === "usage") {
      if (area === this.chapter.area) this.#other = undefined;
      return false;
    }
    if (this.#other?.area !== area) this.#other = { area, since: now };
    if (now - this.#other.since < blip || this.announced.has(diagnosis.code)) return false;
    this.#other = undefined;
    this.chapter = diagnosis;
    this.announced.add(diagnosis.code);
    return true;
  }

  /** Refused writes and the like: nobody reports their end, so an interval without one is the end. */
  get passesByItself(): boolean {
    const { breaker, area } = this.isAnnounced ? this.chapter : this.latest;
    return breaker !== "read-write" && (area === "server" || area === "usage" || area === "client");
  }

  /** A circuit is open: for the first time, or still after a probe. Returns whether its line has yet to be written. */
  circuitOpened(kind: CircuitKind, cause: Diagnosis | undefined, probeAt: number | undefined, now: number): boolean {
    if (this.circuits.has(kind)) return false;
    this.#opened.set(kind, { kind, cause, probeAt, since: this.#opened.get(kind)?.since ?? now });
    return true;
  }

  circuitClosed(kind: CircuitKind): void {
    this.circuits.delete(kind);
    this.#opened.delete(kind);
  }

  /** Takes out those that have been open since `since`, to be told. */
  takeOpened(since: number): readonly OpenedCircuit[] {
    const due = [...this.#opened.values()].filter((circuit) => circuit.since <= since);
    for (const { kind } of due) {
      this.#opened.delete(kind);
      this.circuits.add(kind);
    }
    return due;
  }

  /** Since when the one has been open that is told next; `undefined`: none is to be told. */
  get openedSince(): number | undefined {
    const [first] = this.#opened.values();
    return first?.since;
  }

  numbers(): IncidentNumbers {
    const { counts, retried } = this;
    const { failed, rejected, unknownOutcome, fallbacks } = counts;
    return { failed, rejected, unknownOutcome, retried, fallbacks, codes: Object.fromEntries(counts.codes) };
  }
}
