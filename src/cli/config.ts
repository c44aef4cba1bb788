/**
 * `ioredoubt config`: where a client made from this environment connects and its policy, where each value comes from and what
 * it means. What looks wrong comes first. Offline; prints no secret.
 */
import { parseArgs } from "node:util";
import { ConfigError, type ConfigProblem } from "../failure/errors.js";
import { checkProfile } from "../policy/input/check-resilience.js";
import { explainResolved, type PolicyExplanation } from "../policy/explain-policy.js";
import { optionsInUrl } from "../policy/input/check-url.js";
import { fieldAt } from "../policy/fields.js";
import { clusterProblems, normalPrefix, readTarget, type EnvironmentTarget } from "../policy/environment/target.js";
import type { ProfileName, ResilienceOptions } from "../policy/shape.js";
import { resolveSources } from "../policy/resolve.js";
import type { UserRedisOptions } from "../policy/translate.js";
import { resolveTarget } from "../doctor/target.js";
import { connectionRows, type ConnectionRow } from "./connection-rows.js";
import { variablesFrom, type Variables } from "./env-file.js";
import { wrap } from "../wrap.js";
import { checkPrefix, UsageError, usageProblem } from "./usage.js";

/** Where a command of the CLI writes. `columns` is the width of the terminal, if it is one. */
export interface Output {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

/** What `ioredoubt config --help` prints. */
export const CONFIG_HELP = `ioredoubt config: address, user, database, TLS and the effective policy, and
where each value comes from

  --env-file <path>     read variables from a file; variables that are already
                        set take precedence over it, as in node --env-file
  --profile <name>      use this built-in profile; several joined by +
  --prefix <prefix>     read <prefix>REDIS_… and <prefix>IOREDOUBT_… variables
  --json                print JSON
  --diff <a> <b>        show two profiles side by side, without the environment

Exit code: 0, or 1 when the configuration is wrong, or 2 when this command was
called wrongly.
`;

const OPTIONS = {
  "env-file": { type: "string" },
  profile: { type: "string" },
  prefix: { type: "string" },
  json: { type: "boolean" },
  diff: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Runs the command and returns its exit code. */
export function runConfig(args: readonly string[], out: Output, env: NodeJS.ProcessEnv = process.env): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: OPTIONS,
    });
    if (values.help === true) {
      out.write(CONFIG_HELP);
      return 0;
    }
    if (values.diff === true) return runDiff(positionals, values.json === true, out);
    if (positionals.length > 0) throw new UsageError("config takes no arguments besides its options");
    const explanation = explain(variablesFrom(values["env-file"], env), checkPrefix(values.prefix), values.profile);
    out.write(values.json === true ? asJson(explanation) : asText(explanation, out.columns ?? Infinity));
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) {
      out.write(`The configuration is wrong:\n${error.message.replace(/^/gm, "  ")}\n`);
      return 1;
    }
    const problem = usageProblem(error, Object.keys(OPTIONS));
    if (problem === undefined) throw error;
    out.write(`${problem}\n\n${CONFIG_HELP}`);
    return 2;
  }
}

/** Profiles as they stand on the command line; `where` names the place in problems. */
function profilesIn(text: string, where: string): { profile: ResilienceOptions["profile"]; problems: ConfigProblem[] } {
  const names = text.split(/[+,]/);
  const problems = names.flatMap((name) => checkProfile(name, where));
  return { profile: problems.length > 0 ? undefined : (names as readonly string[] as ProfileName[]), problems };
}

/** A policy explained, with the connection it is for. */
type Explained = PolicyExplanation & { readonly connection: readonly ConnectionRow[] };

function explain({ env, originOf }: Variables, prefix: string | undefined, profile: string | undefined): Explained {
  const start = normalPrefix(prefix);
  const target = readTarget(env, start);
  // Without any address the policy can still be shown; every other mistake is reported.
  const problems = [...target.problems.filter((p) => p.missing !== true), ...clusterProblems(target)];
  const redis: UserRedisOptions = { ...target.options, ...optionsInUrl(target.url) };
  const given = profile === undefined ? undefined : profilesIn(profile, "--profile");
  problems.push(...(given?.problems ?? []));
  try {
    const resolved = resolveSources({ resilience: { profile: given?.profile }, redis, env, prefix: start });
    if (problems.length === 0) {
      const connection = connectionRows(resolveTarget(undefined, { env, prefix: start, originOf }));
      return { ...withOrigins(explainResolved(resolved, redis), target.warnings, originOf), connection };
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  throw new ConfigError(problems.map((problem) => ({ ...problem, path: originOf(problem.path) })));
}

function withOrigins(
  explanation: PolicyExplanation,
  warnings: EnvironmentTarget["warnings"],
  originOf: Variables["originOf"],
): PolicyExplanation {
  const { profile, values } = explanation;
  return {
    ...explanation,
    profile: { ...profile, origin: originOf(profile.origin) },
    values: values.map((value) => ({ ...value, origin: originOf(value.origin) })),
    warnings: [...warnings, ...explanation.warnings].map(({ path, says }) => ({ path: originOf(path), says })),
  };
}

function asJson(explanation: Explained): string {
  const infinite = (_key: string, value: unknown): unknown => (value === Infinity ? "Infinity" : value);
  return `${JSON.stringify(explanation, infinite, 2)}\n`;
}

/** Sentences keep to `width`; tables do not: they are there to be compared, and a pipe gets whole lines. */
function asText(explanation: Explained, width: number): string {
  const { connection, profile, provider, fingerprint, values, meaning, warnings } = explanation;
  const sentence = (text: string): string[] => wrap(`  ${text}`, width, "    ");
  const lines =
    warnings.length === 0 ? [] : ["Warnings", ...warnings.flatMap((w) => sentence(`${w.path} ${w.says}`)), ""];
  lines.push("Connection", ...table(connection.map((row) => [`  ${row.name}`, row.text, `← ${row.origin}`])));
  lines.push("", `profile ${profile.name} ← ${profile.origin}`, `fingerprint ${fingerprint}`);
  if (provider !== undefined) lines.push(`provider ${provider.name}`);
  lines.push("", ...table(values.map((v) => [v.path, v.text, `← ${v.origin}`])), "", "What it means");
  lines.push(...meaning.flatMap(sentence));
  if (provider !== undefined) lines.push("", `Known about ${provider.name}`, ...provider.notes.flatMap(sentence));
  return `${lines.join("\n")}\n`;
}

function runDiff(names: readonly string[], json: boolean, out: Output): number {
  const [a, b] = names;
  if (a === undefined || b === undefined || names.length > 2) throw new UsageError("--diff takes two profiles");
  const given = [profilesIn(a, "--diff, first"), profilesIn(b, "--diff, second")];
  const problems = given.flatMap((one) => one.problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const [left, right] = given.map(({ profile }) =>
    explainResolved(resolveSources({ resilience: { profile }, env: {} })),
  );
  if (left === undefined || right === undefined) return 2;
  const paths = [...new Set([...left.values, ...right.values].map((v) => v.path))];
  const textOf = (side: PolicyExplanation, path: string): string =>
    side.values.find((v) => v.path === path)?.text ?? (fieldAt(path)?.kind === "part" ? "on" : "-");
  const rows = paths
    .map((path) => [path, textOf(left, path), textOf(right, path)] as const)
    .filter(([, one, other]) => one !== other);
  if (json)
    out.write(
      `${JSON.stringify(
        rows.map(([path, one, other]) => ({ path, [a]: one, [b]: other })),
        null,
        2,
      )}\n`,
    );
  else if (rows.length === 0) out.write(`${a} and ${b} are the same\n`);
  else out.write(`${table([["", a, b], ...rows]).join("\n")}\n`);
  return 0;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
