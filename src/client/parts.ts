/**
 * All connections of one client: its own, its lanes, and those that its pool opens and ends. What is counted on any of them
 * is the client's.
 */
import type { Role } from "../engine/connections.js";
import type { Absence } from "../engine/downtime.js";
import type { Engine } from "../engine/engine.js";
import { addCounters, zeroCounters } from "../engine/counters.js";
import { LatencyHistogram } from "../engine/latency.js";
import type { Refusal } from "../engine/failure-snapshot.js";
import { Outcomes } from "../engine/outcomes.js";
import type { EngineCounters } from "../engine/ports.js";
import type { IORedisTransport } from "../ioredis/transport.js";

/** One connection of a client. */
export interface Part {
  readonly engine: Engine;
  readonly transport: IORedisTransport;
  /** What it is for; `own` is the client's own. */
  readonly role: Role | "own";
}

export interface Totals {
  readonly counters: EngineCounters;
  readonly outcomes: Outcomes;
  readonly latency: LatencyHistogram;
}

export class ClientParts {
  readonly #parts = new Set<Part>();
  /** What was counted on connections that have ended. */
  readonly #ended: Totals = nothing();

  add(part: Part): void {
    this.#parts.add(part);
  }

  /** It has ended for good. */
  end(part: Part): void {
    if (this.#parts.delete(part)) addTo(this.#ended, part.engine);
  }

  all(): readonly Part[] {
    return [...this.#parts];
  }

  /** A connection that has been away for too long, if there is one: what is meant for it is refused, however well the others are. */
  away(): (Part & Absence) | undefined {
    for (const part of this.#parts) {
      const { absence, standing } = part.engine;
      // Before it has been connected, nothing is meant for a lane.
      if (part.role === "lane" && !standing.wasConnected) continue;
      if (absence !== undefined) return { ...part, ...absence };
    }
    return undefined;
  }

  /** A connection on which the server refuses commands for a passing reason, so that they wait; of several the first. */
  refused(): (Part & { readonly refusal: Refusal }) | undefined {
    let first: (Part & { readonly refusal: Refusal }) | undefined = undefined;
    for (const part of this.#parts) {
      const { refusal } = part.engine;
      if (refusal !== undefined && (first === undefined || refusal.since < first.refusal.since))
        first = { ...part, refusal };
    }
    return first;
  }

  /** The connection that has owed a reply for longest, of those that carry what anybody issues. */
  silent(now: number): (Part & { readonly silence: number }) | undefined {
    let longest: (Part & { readonly silence: number }) | undefined = undefined;
    for (const part of this.#parts) {
      const silence = part.role === "own" || part.role === "lane" ? part.transport.owedFor(now) : 0;
      if (silence > (longest?.silence ?? 0)) longest = { ...part, silence };
    }
    return longest;
  }

  totals(): Totals {
    const sum = nothing();
    addTo(sum, this.#ended);
    for (const { engine } of this.#parts) addTo(sum, engine);
    return sum;
  }
}

/** Counts of a client that has done nothing. */
export function nothing(): Totals {
  return { counters: zeroCounters(), outcomes: new Outcomes(), latency: new LatencyHistogram() };
}

function addTo(sum: Totals, more: { readonly [K in keyof Totals]: Readonly<Totals[K]> }): void {
  addCounters(sum.counters, more.counters);
  sum.outcomes.addAll(more.outcomes as Outcomes);
  sum.latency.addAll(more.latency as LatencyHistogram);
}
