/**
 * One run of the doctor: resolves the target, runs the checks, draws the verdict. Stands beside the resilient client and
 * uses none of it, so that it works where the client does not.
 */
import { classify } from "../failure/classify.js";
import type { Diagnosis, EndpointInfo } from "../failure/diagnosis.js";
import { ConfigError } from "../failure/errors.js";
import { redactText } from "../failure/redact.js";
import type { Policy } from "../policy/shape.js";
import { resolveSources } from "../policy/resolve.js";
import type { CheckOptions, Context, Seen } from "./check.js";
import { checksOf, PASSIVE_CHECKS } from "./checks.js";
import { thisMachine, type Machine } from "./machine.js";
import type { Report, ReportTarget } from "./report.js";
import { runChecks, USUAL_TIME, type RunEvents } from "./run-checks.js";
import { withLogin } from "./login.js";
import { addressOf, resolveTarget, type Target, type TargetOptions } from "./target.js";
import { verdictOf } from "./verdict.js";

/** Options of `diagnoseConnection`. Times are milliseconds. */
export interface DiagnoseOptions {
  /** Where variables are read when no target is given. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What a variable is called as the origin of a value, for one that was read from a file for instance. Default: its name. */
  readonly originOf?: ((variable: string) => string) | undefined;
  /** `CACHE` reads `CACHE_REDIS_URL` and so on. */
  readonly prefix?: string | undefined;
  /** Profile of the application; several joined by `+`. Its heartbeat is held against the server's `timeout`. */
  readonly profile?: string | undefined;
  /** Also hold the server against best practices. Default false. */
  readonly deep?: boolean | undefined;
  /** The application uses a Cluster client. Default: as the environment says. */
  readonly cluster?: boolean | undefined;
  /** A replica is expected: read-only is right. Default false. */
  readonly replica?: boolean | undefined;
  /** Commands the application uses (`get`, or a whole line such as `set app:1 x`), asked of the ACL; not executed. */
  readonly commands?: readonly string[] | undefined;
  /** Milliseconds for one connection attempt. Default 2000: a retransmitted SYN fits in. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds for one reply. Default 1500. */
  readonly replyTimeout?: number | undefined;
  /**
   * Milliseconds for the whole run. Default 5500. What is not done by then is reported as not looked at, and the verdict says
   * so. A far or slow server may need more: a full look takes about ten round trips, over TLS fifteen.
   */
  readonly timeout?: number | undefined;
  /** Told about each check as it starts and ends. */
  readonly events?: RunEvents | undefined;
  /** Parts of the machine to replace, for tests and unusual resolvers. */
  readonly machine?: Partial<Machine> | undefined;
}

const CONNECT_TIMEOUT = 2000;
const REPLY_TIMEOUT = 1500;

/**
 * Walks the chain from the target's address to a healthy server, and reports what was seen, what it proves and what to do.
 * Read-only at the server, bounded in time by `timeout`, without secrets in any field.
 *
 * @param target a URL, `host:port`, socket path or ioredis options; left out, the environment as `fromEnv` reads it.
 * @returns the report; a wrong target is a finding in it, not an exception.
 */
export async function diagnoseConnection(
  target?: string | TargetOptions,
  options: DiagnoseOptions = {},
): Promise<Report> {
  return examine(target, options, false);
}

/** The same with `passive`: only name, path and what the server says unasked. */
export async function examine(
  given: string | TargetOptions | undefined,
  options: DiagnoseOptions & Pick<CheckOptions, "served">,
  passive: boolean,
): Promise<Report> {
  const startedAt = new Date();
  const start = performance.now();
  const env = options.env ?? process.env;
  const login = typeof given === "object" ? await withLogin(given, options.timeout ?? USUAL_TIME) : undefined;
  const target = resolveTarget(login?.options ?? given, { ...options, env });
  const { policy, problems } = policyOf(target, options, env);
  const machine = { ...thisMachine(env), ...options.machine };
  const timeout = options.timeout ?? USUAL_TIME;
  const left = (): number => start + timeout - performance.now();
  const context = contextOf(
    { ...target, problems: [...target.problems, ...(login?.problems ?? []), ...problems] },
    machine,
    policy,
    left,
    {
      replica: options.replica === true || target.role === "slave",
      commands: options.commands ?? [],
      connectTimeout: options.connectTimeout ?? CONNECT_TIMEOUT,
      replyTimeout: options.replyTimeout ?? REPLY_TIMEOUT,
      timeout,
      passive,
      served: options.served,
    },
  );
  try {
    const checks = passive ? PASSIVE_CHECKS : checksOf(options.deep === true, target.mode);
    const { reports, faulty, unreached } = await runChecks(checks, context, options.events);
    const address = addressOf(context.seen.endpoint ?? target.endpoint ?? target.nodes[0]);
    return {
      version: 1,
      verdict: verdictOf(reports, address, { faulty, unreached, timeout }),
      target: targetReport(target, address),
      startedAt: startedAt.toISOString(),
      elapsed: Math.round(performance.now() - start),
      checks: reports,
      runtime: { node: process.versions.node, platform: machine.platform },
    };
  } finally {
    context.seen.client?.close();
  }
}

function targetReport(target: Target, address: string): ReportTarget {
  return {
    address,
    mode: target.mode,
    tls: target.tls !== undefined,
    ...(target.username === undefined ? {} : { username: target.username }),
    db: target.db,
    origins: Object.fromEntries(target.origins),
  };
}

function policyOf(
  target: Target,
  { profile, prefix, originOf = (variable) => variable }: DiagnoseOptions,
  env: Readonly<Record<string, string | undefined>>,
): { readonly policy: Policy | undefined; readonly problems: ConfigError["problems"] } {
  try {
    const host = target.endpoint?.host;
    const { policy } = resolveSources({
      // Names are checked there; a wrong one comes back as a problem with a suggestion
      resilience: profile === undefined ? {} : { profile: profile.split(/[+,]/) as unknown as "production" },
      redis: host === undefined ? {} : { host },
      env,
      prefix: prefix ?? "",
    });
    return { policy, problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { policy: undefined, problems: error.problems.map((one) => ({ ...one, path: originOf(one.path) })) };
  }
}

function contextOf(
  target: Target,
  machine: Machine,
  policy: Policy | undefined,
  left: Context["left"],
  options: CheckOptions,
): Context {
  const secrets = [target.password, target.sentinelPassword].filter((one) => one !== undefined && one.length >= 4);
  const seen: Seen = {
    endpoint: undefined,
    sentinels: [],
    addresses: [],
    reachable: undefined,
    path: undefined,
    localAddress: undefined,
    mute: false,
    firstTrip: undefined,
    mayPing: true,
    client: undefined,
    hello: new Map(),
    role: undefined,
    facts: undefined,
  };
  // What is wrong with an address on which nobody was ever served is not what is wrong here.
  const connection = options.served === true ? { everReady: true } : undefined;
  return {
    target,
    machine,
    options,
    policy,
    seen,
    left,
    classify: (error, more = {}) =>
      fromInside(classify(error, { endpoint: endpointInfo(target, seen), environment: machine, connection, ...more })),
    clean: (text, limit) => {
      let shown = text;
      for (const secret of secrets) shown = shown.replaceAll(secret ?? "", "***");
      return redactText(shown, limit);
    },
  };
}

/** Whoever reads the doctor's report is not sent to the doctor, nor to a log line. */
function fromInside(diagnosis: Diagnosis): Diagnosis {
  const next = diagnosis.next.filter(({ run }) => run?.startsWith("npx --no ioredoubt doctor") !== true);
  if (diagnosis.code !== "UNKNOWN") return { ...diagnosis, next };
  return {
    ...diagnosis,
    title: `No failure that is known here says this: ${diagnosis.seen}.`,
    why: [],
    next: [
      { say: "Look these words up in the documentation of the server, or of the proxy in front of it" },
      ...next.filter(({ run }) => run !== undefined),
    ],
  };
}

function endpointInfo(target: Target, { endpoint }: Seen): EndpointInfo {
  return {
    ...(endpoint?.path === undefined ? { host: endpoint?.host, port: endpoint?.port } : { path: endpoint.path }),
    tls: target.tls !== undefined,
    username: target.username,
    authenticates: target.password !== undefined,
    db: target.db,
    sentinelName: target.mode === "sentinel" ? (target.sentinelName ?? "mymaster") : undefined,
    sentinels: target.mode === "sentinel" ? target.nodes.map((node) => addressOf(node)) : undefined,
    sentinelAccess: {
      tls: target.sentinelTls !== undefined,
      username: target.sentinelUsername,
      authenticates: target.sentinelPassword !== undefined,
    },
    cluster: target.mode === "cluster",
  };
}
