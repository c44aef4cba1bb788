/**
 * Checks the query of a connection string. ioredis takes any option there, as text and without a word: a switch that says
 * `false` is on. What is a number is made one before anybody uses it.
 */
import { isWithin } from "./check-redis-options.js";
import { BOOLEAN_OPTIONS, NUMBER_OPTIONS, STRING_OPTIONS } from "./option-kinds.js";
import { fieldsUnder, variableOf } from "../fields.js";
import { closest } from "../../suggest.js";

const POLICY_KEYS = ["resilience", "profile", ...fieldsUnder("").map((field) => field.path)];
const KNOWN = [...Object.keys(NUMBER_OPTIONS), ...BOOLEAN_OPTIONS, ...STRING_OPTIONS, "host", "family", "keyPrefix"];

/** What is wrong with a query, or `undefined`. Names options only: the rest of it may be a secret. */
export function queryAdvice(query: URLSearchParams): string | undefined {
  for (const [key, value] of query) {
    const advice = adviceFor(key, value);
    if (advice !== undefined) return advice;
  }
  return undefined;
}

function adviceFor(key: string, value: string): string | undefined {
  if (key === "tls" || key === "ssl") return "must begin with rediss:// for TLS, not carry it in the query";
  if (POLICY_KEYS.includes(key)) {
    const variable = key === "profile" ? "IOREDOUBT_PROFILE" : variableOf(key);
    return `has ${key} in its query: that belongs in resilience${key === "resilience" ? "" : ` or ${variable}`}`;
  }
  const range = NUMBER_OPTIONS[key];
  if (range !== undefined) {
    return isWithin(value, range, true)
      ? undefined
      : `has ${key} in its query, which must be a whole number from ${range.min} to ${range.max}`;
  }
  if (key === "family")
    return ["0", "4", "6"].includes(value) ? undefined : "has family in its query: 4, 6, or 0 for both";
  if (BOOLEAN_OPTIONS.includes(key)) {
    return value === "true" ? undefined : `has ${key} in its query, where every text means true: pass it as an option`;
  }
  if (KNOWN.includes(key)) return undefined;
  const near = closest(key, KNOWN);
  return near === undefined ? undefined : `has an unknown option in its query: did you mean ${near}?`;
}
