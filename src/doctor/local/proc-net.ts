/** Linux's socket tables, /proc/net/tcp and tcp6, as data. The kernel writes addresses as native 32-bit words in hex. */
import type { Machine } from "../machine.js";

/** The states of a socket that matter here. */
export type TcpState = "ESTABLISHED" | "TIME_WAIT" | "LISTEN" | "other";

/** One row of /proc/net/tcp or tcp6. */
export interface TcpEntry {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly state: TcpState;
  /** Bytes unread; for a listening socket, connections nobody has accepted yet. */
  readonly queued: number;
  readonly inode: string;
}

const STATES: Readonly<Record<string, TcpState>> = { "01": "ESTABLISHED", "06": "TIME_WAIT", "0A": "LISTEN" };

/** All TCP sockets of this network namespace, or undefined where the tables do not exist. */
export async function tcpTable(machine: Machine): Promise<readonly TcpEntry[] | undefined> {
  const [four, six] = await Promise.all([machine.read("/proc/net/tcp"), machine.read("/proc/net/tcp6")]);
  if (four === undefined && six === undefined) return undefined;
  return [...parseTcp(four ?? ""), ...parseTcp(six ?? "")];
}

/** The rows of /proc/net/tcp or tcp6; what cannot be read is left out. */
export function parseTcp(text: string): TcpEntry[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local, remote, state, queues, , , , , inode] = line.trim().split(/\s+/);
      const from = endOf(local);
      const to = endOf(remote);
      if (from === undefined || to === undefined || state === undefined || inode === undefined) return [];
      return [
        {
          localAddress: from.address,
          localPort: from.port,
          remoteAddress: to.address,
          remotePort: to.port,
          state: STATES[state] ?? "other",
          queued: Number.parseInt(queues?.split(":")[1] ?? "0", 16),
          inode,
        },
      ];
    });
}

function endOf(text: string | undefined): { readonly address: string; readonly port: number } | undefined {
  const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text ?? "");
  const [, address, port] = match ?? [];
  if (address === undefined || port === undefined) return undefined;
  return { address: addressOf(address), port: Number.parseInt(port, 16) };
}

function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((pair) => Number.parseInt(pair, 16)));
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return shortened(groups);
}

/** The longest run of zero groups becomes `::`. */
function shortened(groups: readonly string[]): string {
  const runs = [...groups.join(":").matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  const text = groups.join(":");
  return longest === undefined ? text : text.replace(longest, "::").replace(/:{3,}/, "::");
}

/** Whether a listener accepts connections to this address. */
export function accepts(listener: TcpEntry, address: string): boolean {
  if (listener.localAddress === address || listener.localAddress === "::") return true;
  return listener.localAddress === "0.0.0.0" && !address.includes(":");
}

/** `127.0.0.1:6379`, and `every address, port 6379` for a wildcard. */
export function listenerName({ localAddress, localPort }: TcpEntry): string {
  const any = localAddress === "0.0.0.0" || localAddress === "::";
  if (any) return `every address, port ${String(localPort)}`;
  return `${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${String(localPort)}`;
}
