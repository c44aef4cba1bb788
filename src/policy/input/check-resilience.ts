/**
 * Checks the `resilience` option whole: its own keys here, the policy values by the schema. Reports every problem at
 * once and shows no string it was given.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { isProfile, profileNamed, profileNames } from "../profiles.js";
import { checkValues } from "./schema.js";
import { suggestion } from "../../suggest.js";
import { shapeOf } from "./value-shape.js";

const LOGGER_METHODS = ["debug", "info", "warn", "error"];
/** The keys of the option that are no policy values. */
const OWN_KEYS = ["profile", "name", "fallback", "logger", "doctor"];

/** Every problem in a `resilience` option; empty when it is right or absent. */
export function checkResilience(input: unknown, path: string = "resilience"): ConfigProblem[] {
  if (input === undefined) return [];
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return [{ path, given: shapeOf(input), allowed: 'must be an object such as { profile: "production" }' }];
  }
  const { profile, name, fallback, logger, doctor, ...values } = input as Record<string, unknown>;
  return [
    ...checkProfile(profile, `${path}.profile`),
    ...checkName(name, `${path}.name`),
    ...checkCode(fallback, logger, doctor, path),
    ...checkValues(dropUndefined(values), {
      at: (inner) => (inner === "" ? path : `${path}.${inner}`),
      ownKeys: OWN_KEYS,
    }),
  ];
}

/** Every problem in a choice of profiles. */
export function checkProfile(choice: unknown, path: string): ConfigProblem[] {
  if (choice === undefined) return [];
  if (Array.isArray(choice)) {
    if (choice.length === 0)
      return [{ path, given: "an empty array", allowed: "name at least one profile, or leave it out" }];
    return choice.flatMap((one: unknown, i) =>
      one === undefined
        ? [{ path: `${path}[${i}]`, given: "undefined", allowed: "must be a profile" }]
        : checkProfile(one, `${path}[${i}]`),
    );
  }
  if (typeof choice === "string") {
    if (profileNamed(choice) !== undefined) return [];
    const several = /[+,]/.test(choice) ? '; several are an array: ["production", "cache"]' : "";
    return [{ path, given: shapeOf(choice), allowed: profileAdvice(choice, several) }];
  }
  if (isProfile(choice)) return [];
  return [{ path, given: shapeOf(choice), allowed: "must be a profile's name or what defineProfile returned" }];
}

/** Which names there are, and the one that was probably meant: by a slip, or cut short as in `prod`. */
export function profileAdvice(name: string, several: string): string {
  const names = profileNames();
  const longer = name.length < 3 ? undefined : names.find((one) => one.startsWith(name.toLowerCase()));
  const meant = longer === undefined ? suggestion(name, names) : `; did you mean ${longer}?`;
  return `must be one of ${names.join(", ")}${several}${meant}`;
}

/** It stands in every log line, so it can be neither a URL nor a page of text. */
function checkName(name: unknown, path: string): ConfigProblem[] {
  if (name === undefined || (typeof name === "string" && /^[\w.-]{1,64}$/.test(name))) return [];
  return [{ path, given: shapeOf(name), allowed: "must be letters, digits, dots, dashes and underscores, 64 at most" }];
}

function checkCode(fallback: unknown, logger: unknown, doctor: unknown, path: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (fallback !== undefined && typeof fallback !== "function") {
    problems.push({ path: `${path}.fallback`, given: shapeOf(fallback), allowed: "must be a function" });
  }
  if (doctor !== undefined && typeof doctor !== "boolean") {
    problems.push({ path: `${path}.doctor`, given: shapeOf(doctor), allowed: "must be true or false" });
  }
  if (logger !== undefined && logger !== false && !isLogger(logger)) {
    problems.push({
      path: `${path}.logger`,
      given: shapeOf(logger),
      allowed: "must be a pino-shaped logger with debug, info, warn and error, or false for silence",
    });
  }
  return problems;
}

function isLogger(value: unknown): boolean {
  if (typeof value !== "object" && typeof value !== "function") return false;
  if (value === null) return false;
  const methods = value as Record<string, unknown>;
  return LOGGER_METHODS.every((name) => typeof methods[name] === "function");
}

function dropUndefined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
