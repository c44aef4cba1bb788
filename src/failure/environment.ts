/**
 * What this process can tell about its own surroundings without asking anybody: whether it runs in a container or in
 * Kubernetes, which decides what 127.0.0.1 means, and what starts services here, which decides what may be advised. Looked
 * up once.
 */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** What surrounds this process. */
export interface Environment {
  readonly container: boolean;
  readonly kubernetes: boolean;
  /** systemd runs; that its tools are installed does not say so. */
  readonly systemd: boolean;
  /** As `process.platform`. */
  readonly platform: string;
}

let detected: Environment | undefined;

/** The surroundings of this process, looked up once. Never throws. */
export function environment(): Environment {
  detected ??= detect();
  return detected;
}

function detect(): Environment {
  const kubernetes = process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
  return {
    kubernetes,
    container: kubernetes || isThere("/.dockerenv") || isThere("/run/.containerenv"),
    systemd: isThere("/run/systemd/system"),
    platform: process.platform,
  };
}

function isThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    // Node's permission model refuses the question itself.
    return false;
  }
}

/** Whether the host can only be this machine (or this container). */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIP(name) === 4) return name.startsWith("127.") || name === "0.0.0.0";
  return name === "::1" || name === "::" || name.startsWith("::ffff:127.");
}

/** How long the list of this machine's addresses is good for, in milliseconds: a VPN may come and go. */
const ADDRESSES_FRESH = 30_000;
let own: { readonly addresses: ReadonlySet<string>; readonly until: number } | undefined;

/** Whether an address belongs to one of this machine's interfaces. A name is never looked up. */
export function isOwnAddress(host: string): boolean {
  const address = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (isIP(address) === 0) return false;
  const now = performance.now();
  if (own === undefined || now >= own.until) {
    const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    own = { addresses: new Set(interfaces.map((one) => one.address)), until: now + ADDRESSES_FRESH };
  }
  return own.addresses.has(address);
}
