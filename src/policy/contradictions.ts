/**
 * Pairs of values that exclude each other. Only a pair that the user wrote on both sides is an error; where one side is a
 * profile's, `lint.ts` warns instead, because lowering one value alone is a normal thing to do.
 */
import type { ConfigProblem } from "../failure/errors.js";
import type { Effective } from "./layers.js";

interface Pair {
  readonly low: string;
  readonly high: string;
  readonly why: string;
}

/** `low` must not be above `high`. */
export const ORDERED_PAIRS: readonly Pair[] = [
  { low: "retry.minTimeout", high: "retry.maxTimeout", why: "the first backoff is above its own cap" },
  { low: "retry.minTimeout", high: "deadline", why: "no retry would fit inside the deadline" },
  { low: "reconnect.minTimeout", high: "reconnect.maxTimeout", why: "the first backoff is above its own cap" },
  { low: "breaker.resetTimeout", high: "breaker.maxResetTimeout", why: "the first wait is above its own cap" },
  { low: "pool.min", high: "pool.max", why: "more connections are kept open than are allowed" },
];

/** A pair that does not hold, with its effective values; both parts must be switched on. */
export function brokenPairs(
  values: ReadonlyMap<string, Effective>,
): readonly (Pair & { low: string; lowValue: Effective; highValue: Effective })[] {
  return ORDERED_PAIRS.flatMap((pair) => {
    const lowValue = values.get(pair.low);
    const highValue = values.get(pair.high);
    if (lowValue === undefined || highValue === undefined || isOff(pair.low, values) || isOff(pair.high, values))
      return [];
    if (typeof lowValue.value !== "number" || typeof highValue.value !== "number") return [];
    return lowValue.value > highValue.value ? [{ ...pair, lowValue, highValue }] : [];
  });
}

/** The contradictions that are errors: both values come from the user. */
export function checkContradictions(values: ReadonlyMap<string, Effective>): ConfigProblem[] {
  return brokenPairs(values)
    .filter((pair) => pair.lowValue.explicit && pair.highValue.explicit)
    .map((pair) => ({
      path: pair.low,
      given: `${String(pair.lowValue.value)} (${pair.lowValue.origin})`,
      allowed: `must not be above ${pair.high}, which is ${String(pair.highValue.value)} (${pair.highValue.origin}): ${pair.why}`,
    }));
}

function isOff(path: string, values: ReadonlyMap<string, Effective>): boolean {
  const dot = path.indexOf(".");
  return dot > 0 && values.get(path.slice(0, dot))?.value === false;
}
