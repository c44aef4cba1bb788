/** A listener is there and yet nobody gets through: a stopped or starved process, a full accept queue, or a firewall. */
import type { Context } from "../check.js";
import { cliOf } from "../commands.js";
import type { Draft } from "../finding.js";
import { addressOf } from "../target.js";
import { firewallFacts } from "./firewall.js";
import { firewallSteps } from "./firewall-steps.js";
import { isComputing, type ServerProcess } from "./processes.js";
import { listenerName, type TcpEntry } from "./proc-net.js";

/** Why a server that listens here does not answer, if the process shows it. */
export async function silentCause(
  context: Context,
  listeners: readonly TcpEntry[],
  processes: readonly ServerProcess[],
): Promise<Draft | undefined> {
  const owner = ownerAmong(listeners, processes);
  const queued = Math.max(0, ...listeners.map((one) => one.queued));
  const evidence = [
    ...(owner === undefined ? [] : [`${owner.name} (pid ${String(owner.pid)}) is in state ${owner.state}`]),
    `${String(queued)} connections wait to be accepted`,
  ].join("; ");
  const base = { status: "fail", code: "HANDSHAKE_TIMEOUT", evidence, explains: "path" } as const;
  const target = addressOf(context.seen.endpoint);
  if (owner?.state === "T" || owner?.state === "t") {
    return {
      ...base,
      meaning: `The process behind ${target} is stopped (state ${owner.state}): the kernel accepts connections and nobody answers.`,
      next: [
        { say: "Let it go on (healthy: no output)", run: `kill -CONT ${String(owner.pid)}` },
        {
          say: "Find who stopped it: a debugger, a SIGSTOP, a frozen cgroup or a paused container",
          run: `cat /proc/${String(owner.pid)}/status`,
        },
      ],
    };
  }
  // Busy for a moment is no news; together with an unanswered PING it is
  if (context.options.passive) return undefined;
  if (owner?.state === "D") {
    return {
      ...base,
      meaning: `The process behind ${target} waits for the disk (state D): slow storage, swapping, or a blocked fsync.`,
      next: [
        { say: "See what the disk does (healthy: %util well below 100)", run: "iostat -x 1 3" },
        { say: "See what the process waits for (healthy: 0 or ep_poll)", run: `cat /proc/${String(owner.pid)}/wchan` },
      ],
    };
  }
  if (owner?.state === "R" && (await isComputing(context.machine, owner.pid))) {
    return {
      ...base,
      meaning: `The process behind ${target} computes without a pause (state R): a slow command or a script occupies it.`,
      next: [
        {
          say: "Wait for it, then see which commands take long (the third number of an entry is its microseconds)",
          run: `${cliOf(context)} slowlog get 5`,
        },
        { say: "See what it does (a thread near 100 % CPU is busy)", run: `top -H -b -n 1 -p ${String(owner.pid)}` },
      ],
    };
  }
  return undefined;
}

/** By its sockets; without the right to see them, by the port in its title. */
function ownerAmong(listeners: readonly TcpEntry[], processes: readonly ServerProcess[]): ServerProcess | undefined {
  return (
    processes.find((one) => listeners.some((listener) => one.sockets.has(listener.inode))) ??
    processes.find((one) => one.sockets.size === 0 && listeners.some((listener) => listener.localPort === one.port))
  );
}

/** Rules that may be the cause. `listens`: a local listener is proof that somebody refuses on the way. */
export async function blockedBy(context: Context, proof: "listens" | "own"): Promise<Draft[]> {
  const { seen, machine, options, clean } = context;
  const { endpoint, path } = seen;
  if (endpoint === undefined || options.passive || machine.platform !== "linux") return [];
  const { asked, rules } = await firewallFacts(machine, endpoint.port);
  const target = addressOf(endpoint);
  const how = path === "silent" ? "drops" : "rejects";
  const named = rules.filter((rule) => new RegExp(`\\b${String(endpoint.port)}\\b`).test(rule));
  if (proof === "own" && named.length === 0) return [];
  const tools = asked.length === 0 ? "no firewall tool answered" : `asked: ${asked.join(", ")}`;
  const evidence = rules.length === 0 ? tools : `${rules.map((rule) => clean(rule, 200)).join("; ")} (${tools})`;
  return [
    {
      status: "fail",
      code: path === "silent" ? "CONNECT_TIMEOUT" : path === "unreachable" ? "HOST_UNREACHABLE" : "CONNECTION_REFUSED",
      explains: "path",
      topic: "1.2 Firewalls",
      evidence,
      meaning:
        proof === "listens"
          ? `A firewall ${how} the connection: a server listens at ${target} on this machine, and still the way is closed.`
          : `A firewall rule of this machine names port ${String(endpoint.port)} and ${how} what goes to ${target}.`,
      next: await firewallSteps(machine, asked, endpoint.port, proof === "own" ? endpoint.host : undefined),
    },
  ];
}

/** Names of listeners for evidence. */
export function listenersOf(processes: readonly ServerProcess[], listening: readonly TcpEntry[]): string[] {
  const names = processes.flatMap((one) =>
    listening
      .filter((listener) => one.sockets.has(listener.inode))
      .map((listener) => `${one.name} (pid ${String(one.pid)}) on ${listenerName(listener)}`),
  );
  return [...new Set(names)];
}
