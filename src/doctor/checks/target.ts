/**
 * Where the target comes from, part by part, and whether it looks wrong before anything connects. What is merely unusual
 * is said and does not count as a fault: TLS on 6379 is legal.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { isLoopback } from "../../failure/environment.js";
import type { Check, Context } from "../check.js";
import { ok, type Draft } from "../finding.js";
import { addressOf } from "../target.js";

/** Whether the target looks right before anything connects. */
export const targetCheck: Check = {
  id: "target",
  title: "Target",
  topic: "1.1 Host and port",
  deadline: 500,
  chain: true,
  run: (context) => Promise.resolve(findings(context)),
};

function findings(context: Context): Draft[] {
  const { target, policy } = context;
  if (target.problems.length > 0) return target.problems.map((problem) => wrong(problem));
  const origins = originsOf(target.origins);
  const where =
    target.endpoint === undefined
      ? `${target.mode} of ${target.nodes.map((node) => addressOf(node)).join(", ")}`
      : addressOf(target.endpoint);
  const parts = [
    where,
    target.tls === undefined ? "without TLS" : "with TLS",
    ...(target.username === undefined ? [] : [`user ${target.username}`]),
    target.password === undefined ? "no password" : "with a password",
    ...(target.db === 0 ? [] : [`database ${String(target.db)}`]),
  ];
  const notes = remarks(context);
  const policyPart = policy === undefined ? "" : `; profile ${policy.profile}`;
  const from = origins === "" ? "" : ` (${origins})`;
  return [
    ok(`${parts.join(", ")}${from}${policyPart}`, "Where the doctor looks."),
    ...notes.map((note) => ok(note, "Legal, and worth knowing when the connection fails.")),
  ];
}

/** `host, port from REDIS_URL; password from REDIS_PASSWORD_FILE`. */
function originsOf(origins: ReadonlyMap<string, string>): string {
  const parts = new Map<string, string[]>();
  for (const [part, origin] of origins) parts.set(origin, [...(parts.get(origin) ?? []), part]);
  return [...parts].map(([origin, names]) => `${names.join(", ")} from ${origin}`).join("; ");
}

function wrong(problem: ConfigProblem): Draft {
  const unset = problem.missing === true;
  return {
    status: "fail",
    code: "CONFIG_INVALID",
    evidence: `${problem.path}: ${problem.given}`,
    meaning: unset
      ? `No target: ${problem.path} is not set and no address was given.`
      : `${problem.path} is wrong: it ${problem.allowed}.`,
    next: unset
      ? [
          {
            say: "Name the target (its verdict says whether that one is healthy)",
            run: "npx --no ioredoubt doctor redis://HOST:6379",
          },
          { say: `Or set it: ${problem.path} ${problem.allowed}` },
        ]
      : [
          { say: `${problem.path} ${problem.allowed}` },
          { say: "See every value and its origin (healthy: the ones you meant)", run: "npx --no ioredoubt config" },
        ],
    topic: "3.1 Client configuration",
  };
}

function remarks({ target, machine }: Context): string[] {
  const notes: string[] = [];
  if (target.nameOnly)
    notes.push(
      "A user name is given and no password: nobody is logged in. For a password alone write redis://:PASSWORD@HOST.",
    );
  if (target.tlsIgnored)
    notes.push(
      "`tls` is given and does not count behind Sentinels: the client dials the master in plain text without enableTLSForSentinelMode.",
    );
  if (target.mode === "sentinel" && target.tls !== undefined && target.sentinelTls === undefined)
    notes.push("The Sentinels are asked in plain text: TLS to them is sentinelTLS.");
  const { endpoint, tls } = target;
  if (endpoint === undefined || endpoint.path !== undefined) return notes;
  if (tls !== undefined && endpoint.port === 6379)
    notes.push("TLS is asked for on 6379, usually the plain port (TLS is often 6380).");
  if (tls === undefined && endpoint.port === 6380)
    notes.push("Port 6380 usually speaks TLS, and TLS was not asked for.");
  if (endpoint.port === 26_379) notes.push("26379 is usually a Sentinel, not a Redis server.");
  if (machine.container && isLoopback(endpoint.host))
    notes.push(`This process runs in a container, where ${endpoint.host} is the container itself.`);
  return notes;
}
