/**
 * Which profiles apply: the option, then `IOREDOUBT_PROFILE`, then the policy file, then `NODE_ENV` when it names a profile, then
 * `production`. A profile brings those it extends, below itself.
 */
import type { Environment } from "./environment/policy-variables.js";
import type { Profile, ProfileName, ResilienceOptions } from "./shape.js";
import { isProfile, profileNamed } from "./profiles.js";

/** The profiles that apply and who chose them. */
export interface ProfileSelection {
  /** From the bottom up, ancestors included. */
  readonly profiles: readonly Profile[];
  /** Names of the chosen ones, joined by `+`. */
  readonly name: string;
  readonly origin: string;
  /** The profile that NODE_ENV seems to mean where it names none and none was chosen, with the variable as it is set. */
  readonly meant: MeantProfile | undefined;
}

/** A profile that NODE_ENV seems to mean without naming it. */
export interface MeantProfile {
  readonly name: ProfileName;
  readonly written: string;
}

/** What else NODE_ENV is called. Other names of production and staging need no remark: those values apply. */
const ALSO_CALLED: ReadonlyMap<string, ProfileName> = new Map([
  ["dev", "development"],
  ["devel", "development"],
  ["develop", "development"],
  ["development", "development"],
  ["local", "development"],
  ["test", "test"],
  ["testing", "test"],
  ["ci", "test"],
]);

/** Chooses the profiles. The names must have been checked. */
export function selectProfiles(
  option: ResilienceOptions["profile"],
  variable: { readonly names: readonly string[]; readonly variable: string } | undefined,
  inFile: unknown,
  fileName: string,
  env: Environment,
): ProfileSelection {
  // `set NODE_ENV=test && …` in a Windows shell leaves a space, a file with its line ends a CR.
  const nodeEnv = (env["NODE_ENV"] ?? "").trim();
  const [chosen, origin]: [readonly unknown[], string] =
    option !== undefined
      ? [list(option), "option"]
      : variable !== undefined
        ? [variable.names, variable.variable]
        : inFile !== undefined
          ? [list(inFile), fileName]
          : profileNamed(nodeEnv) !== undefined
            ? [[nodeEnv], "NODE_ENV"]
            : [["production"], "default"];
  const otherName = ALSO_CALLED.get(nodeEnv.toLowerCase());
  const meant = origin === "default" && otherName !== undefined ? { name: otherName, written: nodeEnv } : undefined;
  const named = chosen.map(profileOf);
  return { profiles: withAncestors(named), name: named.map((p) => p.name).join("+"), origin, meant };
}

function list(choice: unknown): readonly unknown[] {
  return Array.isArray(choice) ? choice : [choice];
}

function profileOf(choice: unknown): Profile {
  const profile = typeof choice === "string" ? profileNamed(choice) : isProfile(choice) ? choice : undefined;
  if (profile === undefined) throw new TypeError("the profile was not checked");
  return profile;
}

function withAncestors(profiles: readonly Profile[]): Profile[] {
  const ordered = new Set<Profile>();
  const add = (profile: Profile): void => {
    for (const below of profile.extends) add(profileOf(below));
    ordered.add(profile);
  };
  profiles.forEach(add);
  return [...ordered];
}
