/** Nothing listens on the port of a local target: does Redis run on another port, or not at all, and why not? */
import { isLoopback } from "../../failure/environment.js";
import type { Context } from "../check.js";
import { doctorFor } from "../commands.js";
import type { Draft } from "../finding.js";
import type { Endpoint } from "../target.js";
import { listenersOf } from "./local-cause.js";
import type { ServerProcess } from "./processes.js";
import type { TcpEntry } from "./proc-net.js";
import { lastComplaint, serviceFacts } from "./server-log.js";
import { startSteps } from "./service-steps.js";

/** Why nothing listens where the target says: another port, another place, or no server at all. */
export async function nothingListens(
  context: Context,
  listening: readonly TcpEntry[],
  processes: readonly ServerProcess[],
): Promise<Draft[]> {
  const { seen, machine, clean, target } = context;
  const { endpoint } = seen;
  if (endpoint === undefined) return [];
  // The port is the Sentinels' word: no other one is meant
  if (target.mode === "sentinel" && processes.length > 0)
    return [namedBySentinels(context, endpoint, processes, listening)];
  const port = String(endpoint.port);
  const base = { status: "fail", code: "CONNECTION_REFUSED", explains: "path" } as const;
  const elsewhere = listenersOf(processes, listening);
  if (processes.length > 0) {
    const ports = portsOf(processes, listening).sort((a, b) => rank(a, endpoint.port) - rank(b, endpoint.port));
    const [other] = ports;
    const running = processes.map((one) => `${one.name} (pid ${String(one.pid)}, state ${one.state})`).join(", ");
    return [
      {
        ...base,
        evidence: `nothing listens on ${port}; ${elsewhere.length > 0 ? few(elsewhere) : running}`,
        meaning:
          other === undefined
            ? `A Redis process runs here, but nothing listens on ${port}: it is starting, or serves only a unix socket, or this user may not see its ports.`
            : context.options.served === true
              ? `Nothing listens on ${port} any more: the Redis that served this client there has ended or is starting again. Other Redis servers listen on ${few(ports.map(String))}; none on ${port}.`
              : `Nothing listens on ${port}, while Redis listens on ${few(ports.map(String))}: the port is wrong, or the server meant for ${port} is not running.`,
        topic: other === undefined ? "2.1 Is the server running" : "1.1 Host and port",
        next: [
          ...(other === undefined
            ? []
            : [
                {
                  say: `See what Redis answers on ${String(other)} (healthy: if it is the one you mean, set the port to ${String(other)})`,
                  run: doctorFor(context, { host: endpoint.host, port: other }),
                },
              ]),
          {
            say: "See who listens where (healthy: the address and port of this client)",
            run: "ss -ltnp | grep -E 'redis|valkey'",
          },
          { say: `Or start the server that is meant to listen on ${port}` },
        ],
      },
    ];
  }
  const [service, complaint] = await Promise.all([
    context.options.passive ? undefined : serviceFacts(machine),
    lastComplaint(machine),
  ]);
  const evidence = [
    `nothing listens on ${port}, and no redis-server or valkey-server process`,
    ...(service === undefined ? [] : [`service ${service.unit} is ${service.state ?? "installed"}`]),
    ...(complaint === undefined ? [] : [`its log's last complaint: ${clean(complaint, 240)}`]),
  ].join("; ");
  const inContainer = machine.container && isLoopback(endpoint.host) && context.options.served !== true;
  return [
    {
      ...base,
      evidence,
      meaning: inContainer
        ? `Nothing listens on port ${port}, and no Redis process runs here. This process runs in a container, where ${endpoint.host} is the container itself: use the service or host name of Redis.`
        : `Redis is not running: nothing on this machine listens on port ${port}, and there is no redis-server or valkey-server process.`,
      next: inContainer
        ? [
            {
              say: "See whether the Redis service has a name here (an address: use that name as host)",
              run: "getent hosts redis",
            },
            {
              say: "On the container host: is it up, and is its port published?",
              run: "docker ps --filter name=redis",
            },
          ]
        : await startSteps(machine, service),
    },
  ];
}

function namedBySentinels(
  context: Context,
  endpoint: Endpoint,
  processes: readonly ServerProcess[],
  listening: readonly TcpEntry[],
): Draft {
  const port = String(endpoint.port);
  const elsewhere = listenersOf(processes, listening);
  return {
    status: "fail",
    code: "CONNECTION_REFUSED",
    explains: "path",
    evidence: `nothing listens on ${port}; ${few(elsewhere)}`,
    meaning: `Nothing listens on ${port}: the ${context.target.role === "slave" ? "replica" : "master"} that the Sentinels name does not run.`,
    next: [{ say: `Start the server that is meant to listen on ${port}, or let the Sentinels replace it` }],
  };
}

const SHOWN = 4;

function few(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(", ")}${more > 0 ? ` and ${String(more)} more` : ""}`;
}

/** The usual port is the likeliest to be meant, then one that differs by a digit. */
function rank(port: number, asked: number): number {
  return port === 6379 ? -1 : Math.abs(port - asked);
}

/** Where they listen, by their sockets or, where those cannot be seen, by their titles. */
function portsOf(processes: readonly ServerProcess[], listening: readonly TcpEntry[]): number[] {
  const theirs = listening.filter((listener) =>
    processes.some(
      (one) => one.sockets.has(listener.inode) || (one.sockets.size === 0 && one.port === listener.localPort),
    ),
  );
  return [...new Set(theirs.map((listener) => listener.localPort))];
}
