/**
 * Policy values from `IOREDOUBT_*` variables. Strict: a variable with this prefix that is not known, or cannot be read,
 * is an error with a suggestion, because a misspelt limit that is silently ignored is found out during an outage.
 */
import type { ConfigProblem } from "../failure/errors.js";
import { FIELDS, variableOf } from "./fields.js";
import { exampleOf, parseValue } from "./parse.js";
import { profileNames } from "./profiles.js";
import { closest, shapeOf, suggestion } from "./shape.js";

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
}

const FAMILY = "IOREDOUBT_";
const byVariable = new Map(
  FIELDS.filter((f) => f.path !== "reconnect" && f.path !== "pool").map((f) => [variableOf(f.path), f]),
);

/** Every `IOREDOUBT_*` variable this package knows, without a prefix. */
export const POLICY_VARIABLES: readonly string[] = ["IOREDOUBT_PROFILE", "IOREDOUBT_CONFIG", ...byVariable.keys()];

/**
 * Reads the policy variables. With a prefix (`CACHE_`), `CACHE_IOREDOUBT_DEADLINE` goes over `IOREDOUBT_DEADLINE`, so that one
 * Redis of several can differ from the rest.
 */
export function readPolicyVariables(env: Environment, prefix: string = ""): EnvironmentPolicy {
  const layers: EnvironmentValues[] = [];
  const problems: ConfigProblem[] = [];
  let profile: EnvironmentPolicy["profile"];
  let file: EnvironmentPolicy["file"];
  for (const start of prefix === "" ? [""] : ["", prefix]) {
    const values = new Map<string, unknown>();
    const origins = new Map<string, string>();
    for (const variable of Object.keys(env)) {
      const text = env[variable];
      if (text === undefined || !variable.startsWith(start)) continue;
      const name = variable.slice(start.length);
      if (!name.startsWith(FAMILY)) problems.push(...slipInFamily(variable, name, start));
      else if (text.trim() === "") {
        problems.push({ path: variable, given: "is set but empty", allowed: "give it a value or remove it" });
      } else if (name === "IOREDOUBT_PROFILE") {
        profile = { names: text.split(/[+,]/).map((s) => s.trim()), variable };
      } else if (name === "IOREDOUBT_CONFIG") {
        file = { path: text.trim(), variable };
      } else problems.push(...readOne(variable, name, text, values, origins));
    }
    problems.push(...setInsideOff(values, origins));
    layers.push({ values, origins });
  }
  for (const name of profile?.names ?? []) problems.push(...checkName(name, profile?.variable ?? ""));
  return { layers, profile, file, problems };
}

/** `IOREDUBT_DEADLINE`: the slip is in the beginning, by which everything else here is recognised. */
function slipInFamily(variable: string, name: string, start: string): ConfigProblem[] {
  const end = name.indexOf("_");
  const meant = FAMILY + name.slice(end + 1).toUpperCase();
  if (end < 0 || !POLICY_VARIABLES.includes(meant)) return [];
  if (closest(name.slice(0, end + 1), [FAMILY]) === undefined) return [];
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
): ConfigProblem[] {
  const field = byVariable.get(name);
  if (field === undefined) {
    return [{ path: variable, given: "is not a known variable", allowed: unknownAdvice(name) }];
  }
  const value = parseValue(field, text);
  if (value === undefined) {
    return [{ path: variable, given: shapeOf(text), allowed: `write ${exampleOf(field)}` }];
  }
  values.set(field.path, value);
  origins.set(field.path, variable);
  return [];
}

function unknownAdvice(name: string): string {
  const near = suggestion(
    name.slice(FAMILY.length),
    POLICY_VARIABLES.map((v) => v.slice(FAMILY.length)),
  );
  return near === "" ? "see docs/policy.md for the list" : near.replace("; did you mean ", `did you mean ${FAMILY}`);
}

function checkName(name: string, variable: string): ConfigProblem[] {
  const names = profileNames();
  if (names.includes(name)) return [];
  return [
    {
      path: variable,
      given: shapeOf(name),
      allowed: `must be one of ${names.join(", ")}, several joined by +${suggestion(name, names)}`,
    },
  ];
}
