/** Which replica a client of the replicas gets, and what the map of addresses makes of it: as in ioredis. */
import { clock } from "../clock.js";
import type { Address } from "./address.js";
import type { Replica } from "./report.js";

interface Preferred {
  readonly ip: string;
  readonly port: string;
  readonly prio?: number;
}

/** ioredis's `preferredSlaves`. */
export type PreferredReplicas =
  | readonly Preferred[]
  | Preferred
  | ((replicas: Replica[]) => { readonly ip: string; readonly port: string | number } | null);

/** ioredis's `natMap`. */
export type NatMap = Readonly<Record<string, Address>> | ((key: string) => Address | null | undefined);

/** One of these replicas: the preferred one that is up, any if none is; `undefined` if there are none. */
export function chooseReplica(replicas: readonly Replica[], preferred: unknown): Address | undefined {
  if (replicas.length === 0) return undefined;
  const choice = preferredOf(replicas, preferred as PreferredReplicas | null | undefined) ?? anyOf(replicas);
  return choice === undefined ? undefined : { host: choice.ip, port: Number(choice.port) };
}

/** Where an address that the Sentinels name is reached from here. */
export function mapped(address: Address, natMap: unknown): Address {
  const key = `${address.host}:${String(address.port)}`;
  const map = natMap as NatMap | null | undefined;
  if (typeof map === "function") return map(key) || address;
  return (map ?? {})[key] || address;
}

interface Choice {
  readonly ip: string;
  readonly port: string | number;
}

function preferredOf(
  replicas: readonly Replica[],
  preferred: PreferredReplicas | null | undefined,
): Choice | null | undefined {
  if (typeof preferred === "function") return preferred([...replicas]);
  if (preferred === null || typeof preferred !== "object") return undefined;
  const wishes = Array.isArray(preferred) ? [...(preferred as readonly Preferred[])] : [preferred as Preferred];
  wishes.sort((a, b) => (a.prio ?? 1) - (b.prio ?? 1));
  for (const { ip, port } of wishes)
    if (replicas.some((one) => one["ip"] === ip && one["port"] === port)) return { ip, port };
  return undefined;
}

function anyOf(replicas: readonly Replica[]): Choice | undefined {
  const { ip, port } = replicas[Math.floor(clock.random() * replicas.length)] ?? {};
  return ip === undefined || port === undefined ? undefined : { ip, port };
}
