/** What the Sentinels together say of a set: whose word counts, where the client goes, and what keeps a failover from happening. */
import { formatDuration } from "../../format.js";
import { chooseReplica } from "../../sentinel/replicas.js";
import type { Replica } from "../../sentinel/report.js";
import { addressOf, type Endpoint } from "../target.js";
import type { Fields, Said } from "./said.js";

/** Said by a Sentinel that names a master. */
export type Naming = Said & { readonly master: Endpoint };

/** Those who name a master, the one whose word counts first: the highest configuration epoch, then what most of them say. */
export function naming(said: readonly Said[]): readonly Naming[] {
  const all = said.filter((one): one is Naming => one.master !== undefined);
  const votes = (one: Naming): number => all.filter((other) => sameMaster(one, other)).length;
  return [...all].sort((a, b) => epochOf(b) - epochOf(a) || votes(b) - votes(a));
}

/** Whether two Sentinels name the same master. */
export function sameMaster(a: Naming, b: Naming): boolean {
  return addressOf(a.master) === addressOf(b.master);
}

/** The configuration epoch; 0 where it is not known. */
export function epochOf({ about }: Said): number {
  return numberOf(about, "config-epoch") ?? 0;
}

/** A number that Sentinel lists, or undefined. */
export function numberOf(fields: Fields, name: string): number | undefined {
  const text = fields.get(name);
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

const DOWN = /s_down|o_down|disconnected/;

/** The replica that a client would use: the preferred one of those that are up, or any. */
export function replicaFor({ replicas }: Said, preferred: unknown): Endpoint | undefined {
  const up = replicas.filter((one) => one.has("flags") && !DOWN.test(one.get("flags") ?? ""));
  return chooseReplica(
    up.map((one): Replica => Object.fromEntries(one)),
    preferred,
  );
}

/** Whether a Sentinel takes the master for down, by itself or with the others. */
export function seesDown({ about }: Said): boolean {
  return /s_down|o_down/.test(about.get("flags") ?? "");
}

/** Why a replica cannot take over, or undefined where it can. */
function unfit(replica: Fields): string | undefined {
  if (DOWN.test(replica.get("flags") ?? "")) return "down";
  if (replica.get("slave-priority") === "0") return "replica-priority 0";
  return undefined;
}

/** One reason why no failover happens, as a clause, and which setting or node it is about. */
export interface Reason {
  readonly about: "replicas" | "priority" | "quorum" | "tilt" | "time";
  readonly says: string;
}

/** Why none of a master's replicas could take its place. Undefined: one could, or nothing is known of them. */
export function withoutSuccessor(one: Said): Reason | undefined {
  const { about, replicas } = one;
  if (replicas.length === 0) {
    // A Sentinel that may not be asked has not said that there is none
    return numberOf(about, "num-slaves") === 0 ? { about: "replicas", says: "it has no replica" } : undefined;
  }
  const reasons = replicas.map(unfit);
  if (reasons.includes(undefined)) return undefined;
  const priority = reasons.includes("replica-priority 0");
  const each = [...new Set(reasons)].join(", ");
  const says = `${replicas.length === 1 ? "its only replica" : `none of its ${String(replicas.length)} replicas`} ${replicas.length === 1 ? "may not" : "may"} take over (${each})`;
  return { about: priority ? "priority" : "replicas", says };
}

/** Why a master that is down has not been replaced, the likeliest reason first. */
export function whyNoFailover(said: readonly Said[], best: Naming): readonly Reason[] {
  const quorum = numberOf(best.about, "quorum");
  const observers = said.filter(seesDown).length;
  const successor = withoutSuccessor(best);
  const noQuorum = said.find((one) => one.noQuorum !== undefined)?.noQuorum;
  const reasons: Reason[] = [];
  if (successor !== undefined) reasons.push(successor);
  if (noQuorum !== undefined) reasons.push({ about: "quorum", says: `the Sentinels say ${noQuorum}` });
  else if (quorum !== undefined && observers < quorum) {
    const says = `${String(observers)} of the Sentinels asked ${observers === 1 ? "takes" : "take"} it for down, and the quorum is ${String(quorum)}`;
    reasons.push({ about: "quorum", says });
  }
  if (said.some(({ tilt }) => tilt))
    reasons.push({ about: "tilt", says: "a Sentinel is in TILT mode and starts nothing" });
  const again = (numberOf(best.about, "failover-timeout") ?? 180_000) * 2;
  reasons.push({
    about: "time",
    says: `after an attempt that failed they wait ${formatDuration(again)} (twice failover-timeout)`,
  });
  return reasons;
}
