/**
 * What some tests need and not every machine has. Each answer is undefined where the machine has it, and the reason
 * otherwise; a test is skipped by that reason and by nothing else.
 */
import { execFileSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { mkdtempSync, rmdirSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

/** An IPv4 address of this machine that is not loopback, or undefined where there is none. */
export function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((one) => !one.internal && one.family === "IPv4")?.address;
}

export function whyNoOwnAddress(): string | undefined {
  return ownAddress() === undefined ? "this machine has no IPv4 address beside loopback" : undefined;
}

/** A network of one's own, as any user may have it, with a loopback interface and limits of its own. */
export function whyNoIsolation(): string | undefined {
  const uses = "ip link set lo up && test -w /proc/sys/net/ipv4/ip_local_port_range";
  return works("unshare", "-rnm", "sh", "-c", uses)
    ? undefined
    : "this user may not make a network of its own (unshare -rnm, ip link set lo up)";
}

/** A second machine, made of a network namespace, with a firewall. */
export function whyNoNamespace(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are a Linux feature";
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  const name = `dn-probe-${String(process.pid)}`;
  if (!works("ip", "netns", "add", name)) return "iproute2 is missing, or namespaces are not allowed here";
  try {
    const rule = ["iptables", "-A", "INPUT", "-p", "tcp", "-j", "REJECT"];
    return works("ip", "netns", "exec", name, ...rule) ? undefined : "iptables is missing, or sets no rules here";
  } finally {
    execFileSync("ip", ["netns", "del", name]);
  }
}

export function whyNoIPv6(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.some((one) => one.address === "::1") ? undefined : "this machine has no IPv6 loopback address";
}

/** `localhost` leads to both families, and both are there. */
export async function whyNoDualStack(): Promise<string | undefined> {
  const found = await lookup("localhost", { all: true });
  return whyNoIPv6() ?? (found.length > 1 ? undefined : "localhost has one address only");
}

/** A file system so small that it is soon full. */
export function whyNoSmallDisk(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), "lab-disk-"));
  const mounted = works("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir);
  if (mounted) execFileSync("umount", [dir]);
  rmdirSync(dir);
  return mounted ? undefined : "this user may not mount a small disk";
}

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
