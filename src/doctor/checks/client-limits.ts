/** Limits on this side: open files, ephemeral ports, and how many sockets go to the endpoint. Linux only. */
import type { Check, Context } from "../check.js";
import { skip, type Draft } from "../finding.js";
import { socketsOf } from "../local/processes.js";
import { tcpTable, type TcpEntry } from "../local/proc-net.js";
import type { Machine } from "../machine.js";

/** Limits of this process and machine. */
export const clientLimitsCheck: Check = {
  id: "client-limits",
  title: "Client limits",
  topic: "3.3 Client connections",
  needs: ["target"],
  after: ["path"],
  deadline: 1500,
  run,
};

const FULL = 0.8;
const MANY = 100;

async function run(context: Context): Promise<readonly Draft[]> {
  const { machine } = context;
  if (machine.platform !== "linux") return [skip(`${machine.platform} has no /proc`)];
  const [files, table, sockets] = await Promise.all([
    openFiles(machine),
    tcpTable(machine),
    socketsOf(machine, "self"),
  ]);
  return [files, ...(table === undefined ? [] : [await ports(context, table), own(context, table, sockets)])];
}

async function openFiles(machine: Machine): Promise<Draft> {
  const [limits, list] = await Promise.all([machine.read("/proc/self/limits"), machine.list("/proc/self/fd")]);
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(limit)) return skip("/proc/self/limits cannot be read");
  const evidence = `${String(list.length)} of ${String(limit)} open files in this process`;
  const threshold = `${String(FULL * 100)} %`;
  if (list.length < limit * FULL) return { status: "ok", evidence, threshold, meaning: "New sockets can be opened." };
  return {
    status: "warn",
    code: "TOO_MANY_OPEN_FILES",
    evidence,
    threshold,
    meaning: "This process has nearly as many files open as it may.",
    next: [
      {
        say: "See which processes have the most open (count and process; one far ahead of the rest leaks)",
        run: 'for p in /proc/[0-9]*; do echo "$(ls "$p/fd" 2>/dev/null | wc -l) ${p#/proc/}"; done | sort -rn | head -n 5',
      },
    ],
  };
}

/** An ephemeral port is used up per remote end: only those towards this endpoint count. */
async function ports({ machine, seen }: Context, table: readonly TcpEntry[]): Promise<Draft> {
  const [low, high] = ((await machine.read("/proc/sys/net/ipv4/ip_local_port_range")) ?? "")
    .trim()
    .split(/\s+/)
    .map(Number);
  if (low === undefined || high === undefined || Number.isNaN(low)) return skip("ip_local_port_range cannot be read");
  const size = high - low + 1;
  const towards = table.filter((one) => isTowards(seen, one) && one.localPort >= low && one.localPort <= high);
  const waiting = towards.filter((one) => one.state === "TIME_WAIT").length;
  const evidence = `${String(towards.length)} of ${String(size)} ephemeral ports of this machine go there, ${String(waiting)} in TIME_WAIT`;
  const threshold = `${String(FULL * 100)} %`;
  if (towards.length < size * FULL)
    return { status: "ok", evidence, threshold, meaning: "There are ports for new connections." };
  return {
    status: "warn",
    code: "PORTS_EXHAUSTED",
    evidence,
    threshold,
    meaning: "The ephemeral ports towards this endpoint are nearly used up: something connects anew for every request.",
    next: [
      { say: "See who (the address behind most lines)", run: "ss -tanp state time-wait | head" },
      { say: "Share one client per process" },
    ],
  };
}

function own({ seen }: Context, table: readonly TcpEntry[], sockets: ReadonlySet<string>): Draft {
  const open = table.filter((one) => one.state === "ESTABLISHED" && isTowards(seen, one));
  const mine = open.filter((one) => sockets.has(one.inode)).length;
  const noun = mine === 1 ? "connection" : "connections";
  const evidence = `${String(mine)} ${noun} of this process, ${String(open.length)} of this machine`;
  if (mine < MANY)
    return {
      status: "ok",
      evidence,
      threshold: `${String(MANY)} per process`,
      meaning: "No sign of a connection leak in this process.",
    };
  return {
    status: "warn",
    evidence,
    threshold: `${String(MANY)} per process`,
    meaning: "This process holds very many connections to one server: is a client created per request?",
    next: [{ say: "Create one client per process and share it" }],
  };
}

function isTowards(seen: Context["seen"], entry: TcpEntry): boolean {
  return entry.remotePort === seen.endpoint?.port && seen.addresses.some((one) => one.address === entry.remoteAddress);
}
