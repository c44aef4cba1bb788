/**
 * `ioredoubt doctor`: runs the doctor and shows what it finds, live, as JSON or as a page. Reads the same variables as
 * `fromEnv`; prints no secret.
 */
import { writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { changesBetween } from "../doctor/changes.js";
import { checksOf } from "../doctor/checks.js";
import { diagnoseConnection, type DiagnoseOptions } from "../doctor/diagnose.js";
import { renderHtml } from "../doctor/html-report.js";
import { LiveList, type Terminal } from "../doctor/live-list.js";
import { exitCodeOf, type Report } from "../doctor/report.js";
import { parseUrl, resolveTarget, tlsFromFiles, type TargetOptions } from "../doctor/target.js";
import { renderText, verdictLines, type TextStyle } from "../doctor/text-report.js";
import { checkUrl } from "../policy/input/check-url.js";
import { parseDuration } from "../policy/environment/parse.js";
import { ownVersion } from "../own-version.js";
import { variablesFrom } from "./env-file.js";
import { checkPrefix, shownPath, UsageError, usageProblem } from "./usage.js";

/** What `ioredoubt doctor --help` prints. */
export const DOCTOR_HELP = `ioredoubt doctor [url|host:port|socket]: why a connection to Redis does not work

Without a target it takes REDIS_URL and the other variables, as fromEnv does.

  --env-file <path>     read variables from a file; variables that are already
                        set take precedence over it
  --prefix <prefix>     read <prefix>REDIS_… variables
  --profile <name>      the application's profile; several joined by +
  --cluster             the application uses a Cluster client
  --replica             a replica is expected: read-only is right
  --commands <list>     commands the application uses, comma-separated; asks the
                        ACL, executes none
  --tls-ca <file>, --tls-cert <file>, --tls-key <file>, --tls-servername <name>
  --timeout <time>      for the whole run, default 5.5s; a slow or distant
                        server may need more
  --deep                also hold the server against best practices
  --json                print the report as JSON (version 1)
  --html <file>         also write the report as one self-contained page
  --watch               repeat and report changes
  --interval <time>     between two runs of --watch, default 5s

Exit code: 0 healthy or warnings only, 1 something is broken, 2 could not run.
`;

const OPTIONS = {
  "env-file": { type: "string" },
  prefix: { type: "string" },
  profile: { type: "string" },
  cluster: { type: "boolean" },
  replica: { type: "boolean" },
  commands: { type: "string" },
  "tls-ca": { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "tls-servername": { type: "string" },
  deep: { type: "boolean" },
  json: { type: "boolean" },
  html: { type: "string" },
  watch: { type: "boolean" },
  interval: { type: "string" },
  timeout: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

interface Plan {
  readonly target: string | TargetOptions | undefined;
  readonly options: DiagnoseOptions;
  readonly json: boolean;
  readonly html: string | undefined;
  /** Milliseconds between two runs; undefined: run once. */
  readonly interval: number | undefined;
}

/** Runs the command and returns its exit code. `signal` ends `--watch`; SIGINT does too. */
export async function runDoctor(
  args: readonly string[],
  out: Terminal,
  env: NodeJS.ProcessEnv = process.env,
  signal?: AbortSignal,
): Promise<number> {
  try {
    const plan = planOf(args, env);
    if (plan === undefined) {
      out.write(DOCTOR_HELP);
      return 0;
    }
    const code =
      plan.interval === undefined ? await once(plan, out, env) : await watch(plan, plan.interval, out, env, signal);
    if (out === process.stdout) leaveSoon(code);
    return code;
  } catch (error) {
    const problem = usageProblem(error, Object.keys(OPTIONS));
    if (problem === undefined) throw error;
    out.write(`${problem}\n\n${DOCTOR_HELP}`);
    return 2;
  }
}

function planOf(args: readonly string[], env: NodeJS.ProcessEnv): Plan | undefined {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  if (values.help === true) return undefined;
  if (positionals.length > 1) throw new UsageError("doctor takes one target");
  const interval = timeOf("interval", values.interval ?? "5s");
  const timeout = timeOf("timeout", values.timeout ?? "5.5s");
  const files = {
    ca: values["tls-ca"],
    cert: values["tls-cert"],
    key: values["tls-key"],
    servername: values["tls-servername"],
  };
  return {
    target: withTls(positionals[0], files),
    options: {
      ...variablesFrom(values["env-file"], env),
      prefix: checkPrefix(values.prefix),
      profile: values.profile,
      deep: values.deep,
      cluster: values.cluster,
      replica: values.replica,
      timeout,
      commands: values.commands?.split(",").filter((one) => one.trim() !== ""),
    },
    json: values.json === true,
    html: values.html,
    interval: values.watch === true ? interval : undefined,
  };
}

/** A bare number this small was meant in seconds by nearly everybody who writes it. */
const LEAST_BARE = 1000;

function timeOf(option: string, text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value <= 0) throw new UsageError(`--${option} must be a time such as 5s`);
  if (/^[\d.]+$/.test(text.trim()) && value < LEAST_BARE) {
    throw new UsageError(`--${option} needs a unit: write ${text.trim()}s or ${text.trim()}ms`);
  }
  return value;
}

/** TLS files belong to a target on the command line; in the environment they have variables of their own. */
function withTls(
  target: string | undefined,
  files: Parameters<typeof tlsFromFiles>[0],
): string | TargetOptions | undefined {
  if (Object.values(files).every((one) => one === undefined)) return target;
  if (target === undefined) throw new UsageError("--tls-… needs a target; without one use the REDIS_TLS_… variables");
  if (checkUrl(target, "argument").length > 0) return target;
  try {
    return { ...parseUrl(target), tls: tlsFromFiles(files) };
  } catch (error) {
    throw new UsageError(`cannot read a TLS file (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`);
  }
}

function styleFor(out: Terminal, env: NodeJS.ProcessEnv): TextStyle {
  return { width: out.columns, color: out.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb" };
}

async function once(plan: Plan, out: Terminal, env: NodeJS.ProcessEnv): Promise<number> {
  if (plan.json) {
    const report = await diagnoseConnection(plan.target, plan.options);
    out.write(`${JSON.stringify(report, null, 2)}\n`);
    writePage(plan.html, report);
    return exitCodeOf(report.verdict);
  }
  const style = styleFor(out, env);
  const { mode } = resolveTarget(plan.target, { ...plan.options, env: plan.options.env ?? env });
  const order = checksOf(plan.options.deep === true, mode).map((check) => check.id);
  const live = new LiveList(out, order, style);
  try {
    const report = await diagnoseConnection(plan.target, { ...plan.options, events: live });
    live.stop();
    out.write(`\n${verdictLines(report.verdict, report.elapsed, style).join("\n")}\n`);
    writePage(plan.html, report);
    return exitCodeOf(report.verdict);
  } finally {
    live.stop();
  }
}

function writePage(path: string | undefined, report: Report): void {
  if (path === undefined) return;
  try {
    writeFileSync(path, renderHtml(report, ownVersion()));
  } catch (error) {
    throw new UsageError(`cannot write ${shownPath(path)} (${(error as NodeJS.ErrnoException).code ?? "unwritable"})`);
  }
}

/** The first report in full, then what changes; with --json one report a line. */
async function watch(
  plan: Plan,
  interval: number,
  out: Terminal,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<number> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once("SIGINT", end);
  signal?.addEventListener("abort", end, { once: true });
  let last: Report | undefined;
  try {
    while (!stop.signal.aborted) {
      const report = await diagnoseConnection(plan.target, plan.options);
      writePage(plan.html, report);
      if (plan.json) out.write(`${JSON.stringify(report)}\n`);
      else if (last === undefined) out.write(renderText(report, styleFor(out, env)));
      else for (const line of changesBetween(last, report)) out.write(`${report.startedAt.slice(11, 19)} ${line}\n`);
      last = report;
      await setTimeout(interval, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    process.off("SIGINT", end);
    signal?.removeEventListener("abort", end);
  }
  return last === undefined ? 2 : exitCodeOf(last.verdict);
}

/** A name lookup that hangs cannot be cancelled and would hold the process for half a minute. */
function leaveSoon(code: number): void {
  void setTimeout(100, undefined, { ref: false }).then(() => process.exit(code));
}
