/** Profiles of your own: a name, what it lies over, and the values it changes. */
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import { checkProfile } from "./check-resilience.js";
import { isBuiltInProfile, registerProfile, type PolicyValues, type Profile, type ProfileChoice } from "./profiles.js";
import { checkValues } from "./schema.js";
import { shapeOf } from "./shape.js";

/** What `defineProfile` takes: policy values, and the profiles they lie over. */
export interface ProfileDefinition extends PolicyValues {
  readonly extends?: ProfileChoice | readonly ProfileChoice[] | undefined;
}

/**
 * Makes a profile. Pass what it returns as `resilience.profile`; its name also works in `IOREDOUBT_PROFILE` and in a policy
 * file, once this has run.
 *
 * @throws {ConfigError} when the name is built in or not made of lower-case letters, digits and dashes, or a value is wrong.
 */
export function defineProfile(name: string, definition: ProfileDefinition): Profile {
  const { extends: below, ...values } = definition;
  const problems: ConfigProblem[] = [];
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    problems.push({
      path: "profile name",
      given: shapeOf(name),
      allowed: "must be lower-case letters, digits and dashes",
    });
  } else if (isBuiltInProfile(name)) {
    problems.push({ path: "profile name", given: name, allowed: "is built in; choose another name and extend it" });
  }
  problems.push(...checkProfile(below, `profile ${name}: extends`), ...checkValues(values, `profile ${name}`));
  if (problems.length > 0) throw new ConfigError(problems);
  const list: readonly ProfileChoice[] = below === undefined ? [] : isList(below) ? below : [below];
  const profile: Profile = Object.freeze({
    name,
    extends: Object.freeze([...list]),
    values: Object.freeze({ ...values }),
  });
  registerProfile(profile);
  return profile;
}

function isList(value: ProfileChoice | readonly ProfileChoice[]): value is readonly ProfileChoice[] {
  return Array.isArray(value);
}
