/** Profiles of your own: a name, what it lies over, and the values it changes. */
import { isDeepStrictEqual } from "node:util";
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import { checkProfile } from "./input/check-resilience.js";
import { flatten } from "./layers.js";
import { isBuiltInProfile, profileNamed, registerProfile } from "./profiles.js";
import type { PolicyValues, Profile, ProfileChoice } from "./shape.js";
import { checkValues } from "./input/schema.js";
import { shapeOf } from "./input/value-shape.js";

/** What `defineProfile` takes: policy values, and the profiles they lie over. */
export interface ProfileDefinition extends PolicyValues {
  readonly extends?: ProfileChoice | readonly ProfileChoice[] | undefined;
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * Makes a profile, frozen. Pass what it returns as `resilience.profile`; its name also works in `IOREDOUBT_PROFILE` and in a
 * policy file, once this has run. Defining the same name with the same values again changes nothing.
 *
 * @throws {ConfigError} when the name is built in, taken by a profile with other values, or not made of lower-case
 * letters, digits and dashes, or when a value is wrong; with every problem.
 */
export function defineProfile(name: string, definition: ProfileDefinition): Profile {
  const problems = [
    ...checkName(name),
    ...checkDefinition(definition, NAME.test(name) ? `profile ${name}` : "profile"),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  const { extends: below, ...values } = definition;
  const list: readonly ProfileChoice[] = below === undefined ? [] : isList(below) ? below : [below];
  // A copy: what the caller does to its own objects later was never checked.
  const profile: Profile = frozen({ name, extends: [...list], values: structuredClone(values) });
  const before = profileNamed(name);
  if (before !== undefined && !isSame(before, profile)) {
    throw new ConfigError([
      { path: `profile ${name}`, given: "is defined already, with other values", allowed: "choose another name" },
    ]);
  }
  registerProfile(profile);
  return profile;
}

function checkName(name: unknown): ConfigProblem[] {
  if (typeof name !== "string" || !NAME.test(name)) {
    const allowed = "must be lower-case letters, digits and dashes, the first one a letter";
    return [{ path: "profile name", given: shapeOf(name), allowed }];
  }
  if (!isBuiltInProfile(name)) return [];
  return [{ path: "profile name", given: name, allowed: "is built in; choose another name and extend it" }];
}

function checkDefinition(definition: unknown, source: string): ConfigProblem[] {
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) {
    return [{ path: source, given: shapeOf(definition), allowed: "must be an object such as { deadline: 450 }" }];
  }
  const { extends: below, ...values } = definition as Record<string, unknown>;
  const at = (path: string): string => (path === "" ? source : `${source}: ${path}`);
  const problems = [...checkProfile(below, at("extends")), ...checkValues(values, { at, ownKeys: ["extends"] })];
  if (values["provider"] !== undefined) {
    const allowed = "belongs in resilience or IOREDOUBT_PROVIDER: it goes with the address, not with a profile";
    problems.push({ path: at("provider"), given: "is set in a profile", allowed });
  }
  return problems;
}

function isList(value: ProfileChoice | readonly ProfileChoice[]): value is readonly ProfileChoice[] {
  return Array.isArray(value);
}

/** Whatever the order in which the values were written. */
function isSame(one: Profile, other: Profile): boolean {
  return isDeepStrictEqual(one.extends, other.extends) && isDeepStrictEqual(flatten(one.values), flatten(other.values));
}

/** Frozen to the bottom. */
function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) frozen(inner as object);
  return Object.freeze(value);
}
