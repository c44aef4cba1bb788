/** Redis processes of this machine and what /proc tells about them; also who owns a listening socket. Linux only. */
import type { Machine } from "../machine.js";
import type { TcpEntry } from "./proc-net.js";

/** A Redis or Valkey server process of this machine. */
export interface ServerProcess {
  readonly pid: number;
  readonly name: string;
  /** R running, S sleeping, D waits for the disk, T stopped, Z dead. */
  readonly state: string;
  /** Inodes of its sockets; none where this user may not look. */
  readonly sockets: ReadonlySet<string>;
  /** The port in its title (`redis-server *:6379`), which every user may read. */
  readonly port: number | undefined;
}

const SERVERS = new Set(["redis-server", "valkey-server", "redis-sentinel", "keydb-server", "dragonfly", "memurai"]);
const PROCESS_LIMIT = 4000;

/** Every process whose name is that of a Redis server. */
export async function serverProcesses(machine: Machine): Promise<readonly ServerProcess[]> {
  const pids = await allPids(machine);
  const found = await Promise.all(
    pids.map(async (pid): Promise<ServerProcess | undefined> => {
      const name = (await machine.read(`/proc/${String(pid)}/comm`))?.trim();
      if (name === undefined || !SERVERS.has(name)) return undefined;
      const [stat, title, sockets] = await Promise.all([
        machine.read(`/proc/${String(pid)}/stat`),
        machine.read(`/proc/${String(pid)}/cmdline`),
        socketsOf(machine, String(pid)),
      ]);
      return { pid, name, state: stateOf(stat), sockets, port: titlePort(title) };
    }),
  );
  return found.filter((one) => one !== undefined).filter((one) => one.state !== "Z");
}

/** How long a process is watched, in milliseconds. */
const WATCH = 300;
/** Processor time in that while that no idle server needs: two ticks of 10 ms. */
const BUSY_TICKS = 2;

/**
 * Whether a process computes: it uses processor time. That it is runnable at one moment says nothing, on a busy machine an idle
 * server's next tick waits for a processor just like everybody else.
 */
export async function isComputing(machine: Machine, pid: number): Promise<boolean> {
  const before = ticksOf(await machine.read(`/proc/${String(pid)}/stat`));
  await new Promise((resolve) => setTimeout(resolve, WATCH));
  return ticksOf(await machine.read(`/proc/${String(pid)}/stat`)) - before >= BUSY_TICKS;
}

/** User and system time, in clock ticks. */
function ticksOf(stat: string | undefined): number {
  const text = stat ?? "";
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** Inodes of a process's sockets; `self` for this one. */
export async function socketsOf(machine: Machine, pid: string): Promise<ReadonlySet<string>> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all((await machine.list(folder)).map((fd) => machine.link(`${folder}/${fd}`)));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link ?? "")?.[1] ?? []));
}

/** Name and pid of the process behind a listener, where this user may see it. */
export async function ownerOf(machine: Machine, listener: TcpEntry): Promise<string | undefined> {
  for (const pid of await allPids(machine)) {
    const sockets = await socketsOf(machine, String(pid));
    if (!sockets.has(listener.inode)) continue;
    const name = (await machine.read(`/proc/${String(pid)}/comm`))?.trim() ?? "a process";
    return `${name} (pid ${String(pid)})`;
  }
  return undefined;
}

async function allPids(machine: Machine): Promise<number[]> {
  const names = await machine.list("/proc");
  return names
    .filter((name) => /^\d+$/.test(name))
    .slice(0, PROCESS_LIMIT)
    .map(Number);
}

/** Only the port is taken: a command line may hold a password. */
function titlePort(title: string | undefined): number | undefined {
  const port = /^\S+ \S*:(\d{1,5})(?:[\s\0]|$)/.exec(title ?? "")?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The state stands behind the name, which may itself hold brackets and spaces. */
function stateOf(stat: string | undefined): string {
  const text = stat ?? "";
  return text.slice(text.lastIndexOf(")") + 2).charAt(0) || "?";
}
