/**
 * Checks what callers pass to a method of a client: limits, signals, counts. A wrong one would not fail by itself: a deadline of NaN
 * never ends, and one beyond what a timer holds ends at once.
 */
import { ConfigError, type ConfigProblem } from "../../failure/errors.js";
import { allowedBy, fieldAt, LONGEST_TIMER } from "../fields.js";
import { numberOrShape, shapeOf } from "./value-shape.js";

type Check = (value: unknown, path: string) => ConfigProblem | undefined;

const RETRIES_LIMIT = 1_000_000_000;

const deadline: Check = (value, path) =>
  value === false || isWithin(value, LONGEST_TIMER)
    ? undefined
    : {
        path,
        given: numberOrShape(value),
        allowed: `must be a number of milliseconds, 0 to ${String(LONGEST_TIMER)}, or false for no limit`,
      };

const drain: Check = (value, path) =>
  value === Infinity || isWithin(value, LONGEST_TIMER)
    ? undefined
    : {
        path,
        given: numberOrShape(value),
        allowed: `must be a number of milliseconds, 0 to ${String(LONGEST_TIMER)}, or Infinity`,
      };

const retries: Check = (value, path) =>
  value === Infinity || (isWithin(value, RETRIES_LIMIT) && Number.isInteger(value))
    ? undefined
    : { path, given: numberOrShape(value), allowed: "must be a whole number of at least 0, or Infinity" };

const signal: Check = (value, path) =>
  isSignal(value) ? undefined : { path, given: shapeOf(value), allowed: "must be an AbortSignal" };

const ambiguous: Check = (value, path) => {
  const field = fieldAt("retry.ambiguous");
  if (field === undefined || (typeof value === "string" && field.choices?.includes(value) === true)) return undefined;
  return { path, given: shapeOf(value), allowed: allowedBy(field) };
};

/** What each method takes, and how it is checked. Keys beside these are nobody's. */
const METHODS = {
  with: { deadline, signal, ambiguous },
  withConnection: { signal },
  transaction: { retries, signal },
  close: { drain },
} satisfies Readonly<Record<string, Readonly<Record<string, Check>>>>;

/**
 * Checks the options of a method before anything is done with them.
 *
 * @throws {ConfigError} naming each wrong field, the shape of what was given, and what is allowed.
 */
export function checkMethodOptions(method: keyof typeof METHODS, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    const fields = Object.keys(METHODS[method]).join(", ");
    throw new ConfigError([
      { path: `${method}()`, given: shapeOf(options), allowed: `must be an object with ${fields}` },
    ]);
  }
  const problems: ConfigProblem[] = [];
  for (const [key, check] of Object.entries<Check>(METHODS[method])) {
    const value = (options as Readonly<Record<string, unknown>>)[key];
    const problem = value === undefined ? undefined : check(value, `${method}({ ${key} })`);
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}

/** By shape: a signal may come from another realm or a polyfill. */
function isSignal(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "aborted" in value &&
    typeof value.aborted === "boolean" &&
    "addEventListener" in value &&
    typeof value.addEventListener === "function" &&
    "removeEventListener" in value &&
    typeof value.removeEventListener === "function"
  );
}
