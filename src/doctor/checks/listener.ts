/**
 * The server's side, when it is on this machine: who listens where, in which state the process is, what its service and
 * log say, and what the firewall does. Turns "refused" and "silent" into a cause.
 */
import type { Check, Context } from "../check.js";
import { shellQuoted } from "../../failure/template.js";
import { ok, skip, type Draft } from "../finding.js";
import { isLocalTarget } from "../local/is-local.js";
import { blockedBy, silentCause } from "../local/local-cause.js";
import { nothingListens } from "../local/nothing-listens.js";
import { ownerOf, serverProcesses, type ServerProcess } from "../local/processes.js";
import { serviceFacts } from "../local/server-log.js";
import { startSteps } from "../local/service-steps.js";
import { accepts, listenerName, tcpTable, type TcpEntry } from "../local/proc-net.js";

/** Who listens, when the server is on this machine. */
export const listenerCheck: Check = {
  id: "listener",
  title: "Listener",
  topic: "2.1 Is the server running",
  needs: ["name"],
  after: ["path", "first-bytes", "tls"],
  deadline: 2500,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { seen, machine } = context;
  const { endpoint, path } = seen;
  if (endpoint === undefined || path === undefined) return [skip("no address is known")];
  if (!isLocalTarget(context)) {
    // An own rule may be what keeps the packets in
    return path === "silent" || path === "unreachable" || path === "refused"
      ? [
          ...(await blockedBy(context, "own")),
          skip("the server is on another machine", "Its sockets cannot be seen from here."),
        ]
      : [skip("the server is on another machine", "Its sockets cannot be seen from here.")];
  }
  const table = await tcpTable(machine);
  if (table === undefined) return [skip(`${machine.platform} has no /proc/net/tcp`)];
  const listening = table.filter((one) => one.state === "LISTEN");
  const processes = await serverProcesses(machine);
  if (endpoint.path !== undefined) return unixSocket(context, path === "connected", processes, endpoint.path);
  const onPort = listening.filter((one) => one.localPort === endpoint.port);
  const addresses = seen.addresses.map((one) => one.address);
  const mine = onPort.filter((one) => addresses.some((address) => accepts(one, address)));
  const found = { listening, processes, onPort, mine };
  if (path === "connected") return connected(context, found);
  if (mine.length > 0) {
    const cause = path === "silent" ? await silentCause(context, mine, processes) : undefined;
    return cause === undefined ? blockedBy(context, "listens") : [cause];
  }
  if (onPort.length > 0) return [boundElsewhere(context, onPort)];
  return nothingListens(context, listening, processes);
}

interface Found {
  readonly processes: readonly ServerProcess[];
  readonly mine: readonly TcpEntry[];
}

async function connected(context: Context, { processes, mine }: Found): Promise<readonly Draft[]> {
  const [listener] = mine;
  if (context.seen.mute) {
    const cause = await silentCause(context, mine, processes);
    if (cause !== undefined) return [{ ...cause, explains: context.target.tls === undefined ? "first-bytes" : "tls" }];
  }
  if (listener === undefined)
    return [
      ok(
        "connected, without a listener in this network namespace",
        "The port is published from another namespace, as containers do.",
      ),
    ];
  const owner = processes.find(
    (one) => one.sockets.has(listener.inode) || (one.sockets.size === 0 && one.port === listener.localPort),
  );
  const name =
    owner === undefined ? await ownerOf(context.machine, listener) : `${owner.name} (pid ${String(owner.pid)})`;
  return [
    ok(
      `${name ?? "a process of another user"} listens on ${listenerName(listener)}`,
      "The listening socket fits the target.",
    ),
  ];
}

function boundElsewhere({ seen }: Context, onPort: readonly TcpEntry[]): Draft {
  const where = [...new Set(onPort.map(listenerName))].join(", ");
  const wanted = seen.addresses.map((one) => one.address).join(", ");
  const port = String(seen.endpoint?.port ?? 0);
  const loopback = onPort.every((one) => /^(?:127\.|::1$)/.test(one.localAddress));
  return {
    status: "fail",
    code: "CONNECTION_REFUSED",
    explains: "path",
    evidence: `listening: ${where}; asked for: ${wanted}`,
    meaning: `The server listens on ${where} only; you ask for ${wanted}.`,
    topic: "2.3 Bind address",
    next: [
      {
        say: `See what it is told to bind: ${wanted} should be among it`,
        run: `redis-cli -h ${shellQuoted(onPort[0]?.localAddress ?? "127.0.0.1")} -p ${port} config get bind`,
      },
      loopback
        ? {
            say: `Clients on this machine can use 127.0.0.1:${port}; for others add the private address to \`bind\`, keep protected mode on and set a password.`,
          }
        : { say: `Use ${where} as the target, or add the address to \`bind\`.` },
      {
        say: "See who listens there (healthy: redis-server with your address or *)",
        run: `ss -ltnp 'sport = :${port}'`,
      },
    ],
  };
}

async function unixSocket(
  { machine }: Context,
  connectedThere: boolean,
  processes: readonly ServerProcess[],
  path: string,
): Promise<Draft[]> {
  const names = processes.map((one) => `${one.name} (pid ${String(one.pid)})`).join(", ");
  if (connectedThere) return [ok(names === "" ? "a process of another user listens" : names, "The socket is served.")];
  const none = processes.length === 0;
  return [
    {
      status: "fail",
      explains: "path",
      evidence: none ? "no redis-server or valkey-server process" : `running: ${names}`,
      meaning: none
        ? `No Redis process runs here, so nothing serves ${path}.`
        : `A Redis process runs here, and it does not serve ${path}: its \`unixsocket\` is another path, or not set.`,
      next: none
        ? await startSteps(machine, await serviceFacts(machine))
        : [
            {
              say: "See which sockets it has (healthy: the path that this client uses)",
              run: "ss -lxp | grep -E 'redis|valkey'",
            },
          ],
    },
  ];
}
