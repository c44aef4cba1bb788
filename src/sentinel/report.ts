/** What one Sentinel said, or what kept it from saying anything. Pure: reads replies, asks nobody. */
import { ErrorReply, pairsOf, type Reply } from "../resp.js";
import type { Address } from "./address.js";

/** Which node of a set is looked for. */
export type Role = "master" | "slave";

/** A replica as Sentinel lists it: the names of its fields are Sentinel's own. */
export type Replica = Readonly<Record<string, string>>;

/** A Sentinel named a master. */
export interface Named {
  readonly kind: "named";
  readonly sentinel: Address;
  readonly master: Address;
  /** Grows with each failover; `undefined` where the Sentinel does not tell. */
  readonly epoch: number | undefined;
  /** How many Sentinels watch the set, as far as this one knows. */
  readonly sentinels: number | undefined;
}

/** A Sentinel listed the replicas that can be used, maybe none. */
export interface Listed {
  readonly kind: "listed";
  readonly sentinel: Address;
  readonly replicas: readonly Replica[];
  /** How many it listed, with those that are down. */
  readonly known: number;
}

/** A Sentinel answered, and not with what was asked. */
export interface Refused {
  /**
   * `unknown`: it knows no master of this name. `access`: it wants a password, or a right. `other`: anything else, for instance
   * because it is no Sentinel.
   */
  readonly kind: "unknown" | "access" | "other";
  readonly sentinel: Address;
  /** Its own words. */
  readonly said: string;
  /** The names that it does know, if it said so. */
  readonly knows: readonly string[];
}

/** A Sentinel did not answer. */
export interface Silent {
  readonly kind: "silent";
  readonly sentinel: Address;
  readonly error: Error;
  /** It was given up because its time was over. */
  readonly isLate: boolean;
}

export type Report = Named | Listed | Refused | Silent;

/** The questions for a role, in lower case as ioredis asks them: what stands in for a Sentinel may know no other. The first is the one that matters, the others make its answer worth more. */
export function questionsFor(role: Role, name: string, discovers: boolean): readonly (readonly string[])[] {
  const first = role === "slave" ? ["sentinel", "slaves", name] : ["sentinel", "get-master-addr-by-name", name];
  return [first, ["sentinel", "master", name], ...(discovers ? [["sentinel", "sentinels", name]] : [])];
}

/** What a Sentinel says with its answers to those questions; those that have not come are `undefined`. */
export function reportOf(role: Role, sentinel: Address, [first, master]: readonly (Reply | undefined)[]): Report {
  if (first instanceof ErrorReply) return refused(sentinel, first.message);
  if (role === "slave") {
    if (!isList(first)) return { kind: "other", sentinel, said: "an answer that is no list of replicas", knows: [] };
    const all = first.map((one) => Object.fromEntries(pairsOf(one)));
    return { kind: "listed", sentinel, replicas: all.filter(isUp), known: all.length };
  }
  if (first === null || first === undefined) return { kind: "unknown", sentinel, said: "no such master", knows: [] };
  const [host, port] = isList(first) ? first : [];
  if (typeof host !== "string" || Number.isNaN(Number(port ?? Number.NaN))) {
    return { kind: "other", sentinel, said: "an answer that is no address", knows: [] };
  }
  const facts = pairsOf(master ?? null);
  const others = numberOf(facts.get("num-other-sentinels"));
  return {
    kind: "named",
    sentinel,
    master: { host, port: Number(port) },
    epoch: numberOf(facts.get("config-epoch")),
    sentinels: others === undefined ? undefined : others + 1,
  };
}

/** The other Sentinels of the set that this one is connected to. */
export function peersIn(reply: Reply | undefined): Address[] {
  if (!isList(reply)) return [];
  return reply.flatMap((one) => {
    const { ip, port, flags = "" } = Object.fromEntries(pairsOf(one));
    return ip && port && !flags.split(",").includes("disconnected") ? [{ host: ip, port: Number(port) }] : [];
  });
}

/** The names in an answer to SENTINEL MASTERS. */
export function namesIn(reply: Reply | undefined): string[] {
  if (!isList(reply)) return [];
  return reply.flatMap((one) => pairsOf(one).get("name") ?? []);
}

function refused(sentinel: Address, said: string): Refused {
  const kind = /^ERR No such master with that name/i.test(said)
    ? "unknown"
    : /^(?:NOAUTH|WRONGPASS|NOPERM|ERR invalid password)\b/.test(said)
      ? "access"
      : "other";
  return { kind, sentinel, said, knows: [] };
}

/** As in ioredis: one without flags cannot be judged, and is not used. */
function isUp({ flags }: Replica): boolean {
  return flags !== undefined && flags !== "" && !/disconnected|s_down|o_down/.test(flags);
}

function isList(reply: Reply | undefined): reply is readonly Reply[] {
  return Array.isArray(reply);
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isInteger(number) ? number : undefined;
}
