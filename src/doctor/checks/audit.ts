/** The guide's best practices, held against a server that answers. Only with `deep`: advice, never a failure. */
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { denied, ok, skip, type Draft } from "../finding.js";
import { isLocalTarget } from "../local/is-local.js";
import { numberIn, readServerFacts, type ServerFacts } from "../server-facts.js";
import type { Reply } from "../wire/resp.js";
import { errorOf, type RespClient } from "../wire/resp-client.js";

/** Best practices; only with `deep`. */
export const auditCheck: Check = {
  id: "audit",
  title: "Best practices",
  topic: "6 Best practices",
  needs: ["session"],
  after: ["topology", "answers"],
  deadline: 3000,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { client } = context.seen;
  if (client === undefined) return [];
  context.seen.facts ??= readServerFacts(client, context.seen.hello.get("version"));
  const facts = await context.seen.facts;
  return [
    access(context),
    encryption(context),
    ...settings(facts, context),
    idle(facts, context),
    await dangerous(client, context),
    ...(await kernel(context)),
  ];
}

function warn(evidence: string, meaning: string, say: string, run?: string): Draft {
  return { status: "warn", evidence, meaning, next: [run === undefined ? { say } : { say, run }] };
}

function access(context: Context): Draft {
  if (context.target.password !== undefined) return ok("logged in with a password", "Access is guarded.");
  return warn(
    "no password was needed",
    "Anybody who reaches the port may read and change everything.",
    "Set a password or ACL users",
    `${cliOf(context)} acl setuser default on '>PASSWORD'`,
  );
}

function encryption(context: Context): Draft {
  if (context.target.tls !== undefined) return ok("TLS", "Nobody between can read along.");
  if (isLocalTarget(context))
    return ok("plain, on this machine", "Between processes of one machine TLS is not needed.");
  return warn(
    "plain, over the network",
    "Passwords and data cross the network readable.",
    "Give the server a tls-port and use rediss://",
  );
}

function settings(facts: ServerFacts, context: Context): Draft[] {
  const refused = facts.refused.get("CONFIG");
  if (refused !== undefined) return [denied(`CONFIG GET: ${context.clean(refused, 120)}`)];
  const { settings: set } = facts;
  const bind = set.get("bind") ?? "";
  const open = bind === "" || /(?:^|\s)(?:\*|0\.0\.0\.0)/.test(bind);
  const limit = numberIn(facts, "maxmemory") ?? 0;
  const durable = set.get("appendonly") === "yes" || (set.get("save") ?? "") !== "";
  return [
    set.get("protected-mode") === "no" && open && context.target.password === undefined
      ? warn(
          `bind "${bind}", protected-mode no`,
          "The server is open to every network it has.",
          "Bind to the private address and set a password",
        )
      : ok(`bind "${bind}", protected-mode ${set.get("protected-mode") ?? "unknown"}`, "Not open to everybody."),
    limit === 0
      ? warn(
          "maxmemory 0",
          "Without a limit Redis grows until the kernel kills it.",
          "Set maxmemory to three quarters of the machine's memory, and a policy",
        )
      : ok(`maxmemory set, policy ${set.get("maxmemory-policy") ?? "unknown"}`, "Memory is bounded."),
    durable
      ? ok(`appendonly ${set.get("appendonly") ?? "?"}, save "${set.get("save") ?? ""}"`, "Data survives a restart.")
      : warn(
          "no snapshot and no append-only file",
          "A restart loses all data: right for a cache only.",
          "Set appendonly yes, if the data matters",
        ),
  ];
}

/** A server that closes idle clients needs a heartbeat that is quicker. */
function idle(facts: ServerFacts, { policy }: Context): Draft {
  const timeout = Number(facts.settings.get("timeout") ?? Number.NaN);
  const keepAlive = facts.settings.get("tcp-keepalive") ?? "unknown";
  if (Number.isNaN(timeout)) return denied("CONFIG GET timeout is not allowed");
  const heartbeat =
    policy === undefined ? undefined : policy.heartbeat === false ? Infinity : policy.heartbeat.interval / 1000;
  const evidence = `timeout ${String(timeout)} s, tcp-keepalive ${keepAlive} s${heartbeat === undefined ? "" : `, heartbeat ${String(heartbeat)} s`}`;
  if (timeout > 0 && (heartbeat === undefined || heartbeat >= timeout)) {
    return warn(
      evidence,
      `The server closes clients that are idle for ${String(timeout)} s.`,
      "Keep the heartbeat below that, or set timeout 0",
    );
  }
  return ok(evidence, "Idle connections are kept.");
}

const RISKY = [
  ["FLUSHALL"],
  ["KEYS", "*"],
  ["CONFIG", "SET", "a", "b"],
  ["DEBUG", "SLEEP", "0"],
  ["SHUTDOWN"],
] as const;

/** Asked by ACL DRYRUN, which executes nothing. */
async function dangerous(client: RespClient, context: Context): Promise<Draft> {
  const user = context.target.username ?? "default";
  const ask = (command: readonly string[]): Promise<Reply> => client.send("ACL", "DRYRUN", user, ...command);
  const [first, ...others] = RISKY;
  const reply = await ask(first);
  const refused = errorOf(reply);
  if (refused !== undefined)
    return skip(
      `ACL DRYRUN: ${context.clean(refused, 120)}`,
      "This user may not ask, or the server is older than 7.0.",
    );
  const replies = [reply, ...(await Promise.all(others.map(ask)))];
  const allowed = RISKY.filter((_, i) => replies[i] === "OK").map(([name]) => name);
  if (allowed.length === 0)
    return ok(
      `${user} may run none of ${RISKY.map(([name]) => name).join(", ")}`,
      "Dangerous commands are out of reach.",
    );
  return warn(
    `${user} may run ${allowed.join(", ")}`,
    "A mistake or an injection in the application could wipe or stall the server.",
    "Give the application a user of its own",
    `${cliOf(context)} acl setuser app on '>PASSWORD' '~*' '&*' '+@all' '-@dangerous' '+info'`,
  );
}

async function kernel(context: Context): Promise<Draft[]> {
  const { machine } = context;
  if (!isLocalTarget(context) || machine.platform !== "linux")
    return [skip("kernel settings: the server is on another machine")];
  const [overcommit, huge] = await Promise.all([
    machine.read("/proc/sys/vm/overcommit_memory"),
    machine.read("/sys/kernel/mm/transparent_hugepage/enabled"),
  ]);
  const pages = /\[(\w+)\]/.exec(huge ?? "")?.[1];
  return [
    overcommit === undefined
      ? skip("overcommit_memory cannot be read")
      : overcommit.trim() === "1"
        ? ok("vm.overcommit_memory 1", "Snapshots can fork under load.")
        : warn(
            `vm.overcommit_memory ${overcommit.trim()}`,
            "A snapshot's fork may be refused when memory is tight.",
            "Allow it",
            "sysctl -w vm.overcommit_memory=1",
          ),
    pages === undefined
      ? skip("transparent huge pages: not known")
      : pages === "always"
        ? warn(
            "transparent huge pages: always",
            "Huge pages make forks slow and copies large.",
            "Use madvise",
            "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
          )
        : ok(`transparent huge pages: ${pages}`, "As Redis wants it."),
  ];
}
