/**
 * Policy values from `IOREDOUBT_*` variables. Strict: one that cannot be read, or whose name is a near miss, is an error with a
 * suggestion, because a misspelt limit that is silently ignored is found out during an outage. A name that resembles none is
 * a warning: it may belong to a newer version, and a rollback must start.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { profileAdvice } from "../input/check-resilience.js";
import { FIELDS, variableOf } from "../fields.js";
import { LOG_LEVELS, logLevel } from "../log-level.js";
import type { PolicyWarning } from "../warning.js";
import { fieldsMeant } from "../meant.js";
import { exampleOf, parseSwitch, parseValue } from "./parse.js";
import { profileNames } from "../profiles.js";
import { closest, suggestion } from "../../suggest.js";
import { mistakeIn, shapeOf } from "../input/value-shape.js";

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Values of the variables of one beginning, with or without the prefix. */
export interface EnvironmentValues {
  readonly values: ReadonlyMap<string, unknown>;
  /** Path to the name of the variable. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Policy values as the environment gives them, each with the variable it came from. */
export interface EnvironmentPolicy {
  /** The later over the earlier: the variables without the prefix, then those with it. */
  readonly layers: readonly EnvironmentValues[];
  readonly profile: { readonly names: readonly string[]; readonly variable: string } | undefined;
  /** Path of the policy file. */
  readonly file: { readonly path: string; readonly variable: string } | undefined;
  readonly problems: readonly ConfigProblem[];
  /** Variables that nothing here reads and that resemble none. */
  readonly warnings: readonly PolicyWarning[];
}

const FAMILY = "IOREDOUBT_";
const LOG_LEVEL = "IOREDOUBT_LOG_LEVEL";
/** On: every client of the process is plain ioredis. It has no prefix: whoever suspects this package suspects all of it. */
export const OFF = "IOREDOUBT_OFF";
const byVariable = new Map(
  FIELDS.filter((f) => f.kind !== "part" || f.off === true).map((f) => [variableOf(f.path), f]),
);

/** Every `IOREDOUBT_*` variable this package knows, without a prefix. */
export const POLICY_VARIABLES: readonly string[] = [
  "IOREDOUBT_PROFILE",
  "IOREDOUBT_CONFIG",
  LOG_LEVEL,
  OFF,
  ...byVariable.keys(),
];

/**
 * Reads the policy variables. With a prefix (`CACHE_`), `CACHE_IOREDOUBT_DEADLINE` takes precedence over `IOREDOUBT_DEADLINE`, so that one
 * Redis of several can differ from the rest.
 */
export function readPolicyVariables(env: Environment, prefix: string = ""): EnvironmentPolicy {
  const layers: EnvironmentValues[] = [];
  const problems: ConfigProblem[] = [];
  const warnings: PolicyWarning[] = [];
  let profile: EnvironmentPolicy["profile"];
  let file: EnvironmentPolicy["file"];
  for (const start of prefix === "" ? [""] : ["", prefix]) {
    const values = new Map<string, unknown>();
    const origins = new Map<string, string>();
    for (const variable of Object.keys(env)) {
      const text = env[variable];
      if (text === undefined || !variable.startsWith(start)) continue;
      const name = variable.slice(start.length);
      if (!name.startsWith(FAMILY)) {
        problems.push(...misspeltFamily(variable, name, start));
        continue;
      }
      const mistake = mistakeIn(text);
      if (text.trim() === "") {
        problems.push({ path: variable, given: "is set but empty", allowed: "give it a value or remove it" });
      } else if (mistake !== undefined) {
        problems.push({ path: variable, given: shapeOf(text), allowed: mistake });
      } else if (name === "IOREDOUBT_PROFILE") {
        profile = { names: text.split(/[+,]/).map((s) => s.trim()), variable };
      } else if (name === "IOREDOUBT_CONFIG") {
        file = { path: text.trim(), variable };
      } else if (name === LOG_LEVEL) {
        problems.push(...checkLogLevel(variable, text, start));
      } else if (name === OFF) {
        const isOn = parseSwitch(text);
        if (start !== "")
          problems.push({
            path: variable,
            given: "is not a known variable",
            allowed: `must be ${OFF}, without the prefix`,
          });
        else if (isOn === undefined)
          problems.push({ path: variable, given: shapeOf(text), allowed: "must be on or off" });
        else if (isOn)
          warnings.push({
            path: variable,
            says: "is on: clients are plain ioredis, and nothing of this policy applies",
          });
      } else if (byVariable.has(name)) {
        problems.push(...readOne(variable, name, text, values, origins, start));
      } else {
        const advice = nearMiss(name, start);
        if (advice === undefined) warnings.push({ path: variable, says: RESEMBLES_NONE });
        else problems.push({ path: variable, given: "is not a known variable", allowed: advice });
      }
    }
    problems.push(...setInsideOff(values, origins));
    layers.push({ values, origins });
  }
  for (const name of profile?.names ?? []) problems.push(...checkName(name, profile?.variable ?? ""));
  return { layers, profile, file, problems, warnings };
}

/** `IOREDUBT_DEADLINE`: the mistake is in the beginning, by which everything else here is recognised. */
function misspeltFamily(variable: string, name: string, start: string): ConfigProblem[] {
  const end = name.indexOf("_") + 1;
  const meant = FAMILY + name.slice(end).toUpperCase();
  if (end === 0 || !POLICY_VARIABLES.includes(meant) || closest(name.slice(0, end), [FAMILY]) === undefined) return [];
  return [{ path: variable, given: "is not a known variable", allowed: `did you mean ${start}${meant}?` }];
}

/** A part that is off and yet has a value set: one of the two was not meant. */
function setInsideOff(values: ReadonlyMap<string, unknown>, origins: ReadonlyMap<string, string>): ConfigProblem[] {
  return [...values.keys()].flatMap((path) => {
    const off = [...values].find(([part, value]) => value === false && path.startsWith(`${part}.`))?.[0];
    if (off === undefined) return [];
    return [
      {
        path: origins.get(path) ?? path,
        given: `is set while ${origins.get(off) ?? off} is off`,
        allowed: "remove one of the two",
      },
    ];
  });
}

function readOne(
  variable: string,
  name: string,
  text: string,
  values: Map<string, unknown>,
  origins: Map<string, string>,
  start: string,
): ConfigProblem[] {
  const field = byVariable.get(name);
  if (field === undefined) return [];
  const value = parseValue(field, text);
  if (value === undefined) {
    const inside = field.kind === "part" ? `; its values are ${variablesUnder(field.path, start).join(", ")}` : "";
    return [{ path: variable, given: shapeOf(text), allowed: `write ${exampleOf(field)}${inside}` }];
  }
  values.set(field.path, value);
  origins.set(field.path, variable);
  return [];
}

const PARTS = FIELDS.filter((field) => field.kind === "part").map((field) => variableOf(field.path));
const IN_CODE = ["NAME", "FALLBACK", "LOGGER", "DOCTOR"];
const RESEMBLES_NONE =
  "is not a variable of this version and does nothing; the list is in docs/policy.md, and `ioredoubt config` shows what applies";

/** What a name that is not known was probably meant to be; `undefined` where it resembles none. */
function nearMiss(name: string, start: string): string | undefined {
  const rest = name.slice(FAMILY.length).toUpperCase();
  if (IN_CODE.includes(rest)) return `set resilience.${rest.toLowerCase()} in code; there is no variable for it`;
  if (PARTS.includes(FAMILY + rest)) return `known here are ${variablesUnder(rest.toLowerCase(), start).join(", ")}`;
  const near = closest(
    rest,
    POLICY_VARIABLES.map((v) => v.slice(FAMILY.length)),
  );
  const meant = near === undefined ? fieldsMeant(rest).map(variableOf) : [FAMILY + near];
  return meant.length === 0 ? undefined : `did you mean ${meant.map((v) => start + v).join(" or ")}?`;
}

/** One logger serves all clients of a process that were given none, so the level has no prefix. */
function checkLogLevel(variable: string, text: string, start: string): ConfigProblem[] {
  if (start !== "") {
    const allowed = `must be ${LOG_LEVEL}, without the prefix: one default logger serves the whole process`;
    return [{ path: variable, given: "is not a known variable", allowed }];
  }
  if (logLevel(text) !== undefined) return [];
  const names = Object.keys(LOG_LEVELS);
  return [
    { path: variable, given: shapeOf(text), allowed: `must be one of ${names.join(", ")}${suggestion(text, names)}` },
  ];
}

function variablesUnder(path: string, start: string): readonly string[] {
  return FIELDS.filter((field) => field.path.startsWith(`${path}.`)).map((field) => start + variableOf(field.path));
}

function checkName(name: string, variable: string): ConfigProblem[] {
  if (profileNames().includes(name)) return [];
  return [{ path: variable, given: shapeOf(name), allowed: profileAdvice(name, ", several joined by +") }];
}
