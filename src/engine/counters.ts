/** The counters of engines, and their sums. */
import type { EngineCounters } from "./ports.js";

/** Of one that has done nothing. */
export function zeroCounters(): EngineCounters {
  const sent = { answered: 0, retried: 0, lost: 0, connectionsLost: 0 };
  return { ...sent, failed: 0, rejected: 0, unknownOutcomes: 0, deadlines: 0, fallbacks: 0 };
}

export function addCounters(sum: EngineCounters, more: Readonly<EngineCounters>): void {
  for (const name of Object.keys(sum) as (keyof EngineCounters)[]) sum[name] += more[name];
}
