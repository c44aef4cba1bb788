/**
 * When the lines of an incident are due, and when it is over although nobody reports its end. It remembers how the last ones
 * went: an endpoint that flaps is given more time. It sets no timer and writes nothing. All times in milliseconds.
 */
import type { Code } from "../failure/codes.js";
import type { IncidentEnding } from "./events.js";
import type { IncidentTally } from "./incident-tally.js";

export interface IncidentFacts {
  /** Milliseconds between two summary lines. */
  readonly summaryInterval: number;
  /** How many commands wait for this endpoint now. */
  readonly waiting: () => number;
  /** Its clients that want a connection and have none, or wait for a late reply. */
  readonly troubled: () => number;
  /** A write has succeeded since this moment, on the clock of the log. */
  readonly tookWrites: () => number;
}

/** Trouble that is over within this long, with no command refused, is one line at its end. */
export const BLIP = 250;
/** A circuit that opens while an incident runs, and is closed again within this long, gets no line. */
export const CIRCUIT_LASTS = 1_000;
/** While it flaps, trouble of the same code that is over within this long is gathered. */
export const LASTING = 2_000;
/** Incidents of one code that may end within one summary interval before the endpoint is said to flap. */
const FLAPS = 3;
/** What was under way when all was well again is answered, or too late, within this long: the closing line counts it. */
const SETTLES_WITHIN = 1_000;
/** Clients that share an endpoint are connected again within this long after the first of them. */
const STRAGGLERS = 2_000;
/** A server that refused commands, and has refused none for this long, takes them again. */
const TAKES_AGAIN = 2_000;

export class IncidentSchedule {
  readonly #facts: IncidentFacts;
  #endings: { readonly at: number; readonly begun: Code }[] = [];

  constructor(facts: IncidentFacts) {
    this.#facts = facts;
  }

  /** An incident has ended of which lines have told. */
  ended({ begun }: IncidentTally, now: number): void {
    this.#endings = this.#endings.filter(({ at }) => now - at < this.#facts.summaryInterval);
    this.#endings.push({ at: now, begun });
  }

  /** Incidents that began like this one come and go. */
  isFlapping({ begun }: IncidentTally, now: number): boolean {
    if (this.#endings.length < FLAPS) return false;
    const from = now - this.#facts.summaryInterval;
    return this.#endings.filter((ending) => ending.at > from && ending.begun === begun).length >= FLAPS;
  }

  /** It has lasted until `until`: whether that is longer than may pass before its opening line. */
  isOpeningDue(incident: IncidentTally, until: number, now: number): boolean {
    return until - incident.openedAt >= this.#patience(incident, now);
  }

  isSummaryDue(incident: IncidentTally, now: number): boolean {
    return incident.isAnnounced && now - incident.summarizedAt >= this.#facts.summaryInterval;
  }

  /** How long until something may be due. */
  dueIn(incident: IncidentTally, now: number): number {
    const { isAnnounced, passesByItself, chapter } = incident;
    const due = [
      isAnnounced
        ? incident.summarizedAt + this.#facts.summaryInterval
        : incident.openedAt + this.#patience(incident, now),
      passesByItself ? incident.lastFailureAt + this.#long : now + BLIP,
      passesByItself && chapter.breaker === "write" ? now + TAKES_AGAIN / 2 : Infinity,
      (incident.recoveredAt ?? Infinity) + (incident.isSettling ? SETTLES_WITHIN : STRAGGLERS),
      (incident.openedSince ?? Infinity) + CIRCUIT_LASTS,
    ].filter((at) => at > now);
    return Math.max(1, Math.min(...due) - now);
  }

  /** How the incident has ended by now, if nobody reports the end of such trouble; `undefined` while it lasts. */
  endingOf(incident: IncidentTally, now: number): IncidentEnding | undefined {
    const { recoveredAt, chapter, passesByItself, isSettling } = incident;
    const wait = isSettling ? SETTLES_WITHIN : STRAGGLERS;
    if (recoveredAt !== undefined && now - recoveredAt >= wait) return "recovered";
    if (isSettling) return undefined;
    const quiet = now - incident.lastFailureAt;
    if (passesByItself) {
      const takesWrites = quiet >= TAKES_AGAIN && this.#takesWrites(incident);
      return takesWrites || quiet >= this.#long ? "quiet" : undefined;
    }
    if (this.#facts.troubled() > 0) return undefined;
    // Replies were late, and come again on the same connection.
    if (chapter.area === "network" || chapter.area === "client") return quiet >= BLIP ? "recovered" : undefined;
    const takesAgain = chapter.area === "server" && quiet >= TAKES_AGAIN && this.#facts.waiting() === 0;
    return takesAgain ? "quiet" : undefined;
  }

  /** An interval, or so little less that the timer for it cannot come too early. */
  get #long(): number {
    return this.#facts.summaryInterval * 0.99;
  }

  /** For how long trouble may last before its opening line is written. */
  #patience(incident: IncidentTally, now: number): number {
    return this.isFlapping(incident, now) ? LASTING : BLIP;
  }

  /** A server without memory refuses some writes only: that it took another proves nothing. */
  #takesWrites({ chapter, lastFailureAt }: IncidentTally): boolean {
    const { breaker, code } = chapter;
    return breaker === "write" && code !== "OUT_OF_MEMORY" && this.#facts.tookWrites() >= lastFailureAt;
  }
}
