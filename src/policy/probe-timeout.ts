import type { Policy } from "./shape.js";

/** Where the breaker, whose probe it is, is off. Milliseconds. */
const WITHOUT_BREAKER = 1_000;

/** How long a question of the client's own may stay unanswered: a probe, a look for a writer, a PING for readiness. */
export function probeTimeoutOf({ breaker }: Policy): number {
  return breaker === false ? WITHOUT_BREAKER : breaker.probeTimeout;
}
