/** The findings about the Sentinels themselves: the answer the client would get, then one line for each of them. */
import { shellQuoted } from "../../failure/template.js";
import type { Context } from "../check.js";
import { ok, type Draft } from "../finding.js";
import { mapped } from "../../sentinel/replicas.js";
import { addressOf } from "../target.js";
import { askSentinel } from "./ask.js";
import type { Said, TroubleKind } from "./said.js";
import { epochOf, naming, numberOf, sameMaster, replicaFor, withoutSuccessor, type Naming } from "./set.js";
import { ask, explained } from "./troubles.js";

/** Asks every Sentinel and leaves in `seen` where the client would go. */
export async function judgeSentinels(context: Context): Promise<Draft[]> {
  const { target, seen } = context;
  const name = target.sentinelName ?? "mymaster";
  const said = await Promise.all(target.nodes.map((node) => askSentinel(context, node, name)));
  seen.sentinels = said;
  const all = naming(said);
  const [best] = all;
  if (best === undefined)
    return [noMaster(context, said, name), ...said.map((one) => line(context, one, undefined, name))];
  const place = target.role === "slave" ? replicaFor(best, target.preferredSlaves) : best.master;
  const lines = said.map((one) => line(context, one, best, name));
  if (place === undefined) return [noReplica(context, best, name), ...lines];
  seen.endpoint = mapped(place, target.natMap);
  return [summary(context, said, all, best, name), ...lines, ...readiness(context, said, best, name)];
}

function summary(context: Context, said: readonly Said[], all: readonly Naming[], best: Naming, name: string): Draft {
  const { target, seen } = context;
  const master = addressOf(best.master);
  const agree = all.filter((one) => sameMaster(one, best)).length;
  const chosen = addressOf(seen.endpoint);
  const goes =
    target.role === "slave"
      ? ` The client reads from the replica ${chosen}.`
      : chosen === master
        ? ""
        : ` natMap makes ${chosen} of it.`;
  const named = `name ${master} as master of ${name}`;
  const evidence = [
    `master ${master}`,
    ...fact(best, "config-epoch", "epoch"),
    ...fact(best, "quorum", "quorum"),
    ...fact(best, "num-slaves", "replicas"),
  ].join(", ");
  const threshold = "every Sentinel names the same master";
  const count = `${String(agree)} of ${String(said.length)} Sentinels ${named}`;
  if (agree === said.length) {
    const everyone =
      said.length === 1 ? "The only Sentinel that is listed names" : `All ${String(said.length)} Sentinels name`;
    return ok(evidence, `${everyone} ${master} as master of ${name}.${goes}`, threshold);
  }
  if (agree === all.length) return ok(evidence, `${count}; the others are of no help.${goes}`, threshold);
  const odd = all.find((one) => !sameMaster(one, best)) ?? best;
  return {
    status: "warn",
    evidence: `${evidence}; ${addressOf(odd.node)} names ${addressOf(odd.master)}, epoch ${String(epochOf(odd))}`,
    threshold,
    meaning: `${count}, and others name another: the highest epoch counts.${goes}`,
    next: [
      ask(
        context,
        odd.node,
        `sentinel master ${shellQuoted(name)}`,
        "Ask the one that differs (healthy: the ip and port of the others)",
      ),
    ],
  };
}

function fact({ about }: Said, field: string, word: string): string[] {
  const value = numberOf(about, field);
  return value === undefined ? [] : [`${word} ${String(value)}`];
}

/** One Sentinel in one line. */
function line(context: Context, one: Said, best: Naming | undefined, name: string): Draft {
  const where = addressOf(one.node);
  if (one.trouble !== undefined) {
    const { meaning, next } = explained(context, one, one.trouble, name);
    return { status: "warn", evidence: `${where}: ${one.trouble.words}`, meaning, next };
  }
  const others = numberOf(one.about, "num-other-sentinels");
  const facts = [
    `names ${addressOf(one.master)}`,
    ...fact(one, "config-epoch", "epoch"),
    ...(one.about.has("flags") ? [`flags ${context.clean(one.about.get("flags") ?? "", 60)}`] : []),
    ...(others === undefined ? [] : [`sees ${String(others)} other Sentinels`]),
  ].join(", ");
  const differs = best !== undefined && one.master !== undefined && addressOf(one.master) !== addressOf(best.master);
  return ok(`${where}: ${facts}`, differs ? "It knows of another master than the others." : "It answers.");
}

/** The kind that says most, where the Sentinels are of no help for different reasons: an answer proves more than silence. */
const TELLING: readonly TroubleKind[] = ["unknown", "access", "tls", "plain", "certificate", "other-server"];

function noMaster(context: Context, said: readonly Said[], name: string): Draft {
  const diagnosis = context.classify(new Error("All sentinels are unreachable and retry is disabled."));
  const evidence = said.map((one) => `${addressOf(one.node)}: ${one.trouble?.words ?? "silent"}`).join("; ");
  const kinds = said.map((one) => one.trouble?.kind);
  const kind =
    TELLING.find((one) => kinds.includes(one)) ?? (kinds.every((one) => one === kinds[0]) ? kinds[0] : undefined);
  const witness = said.find((one) => one.trouble?.kind === kind);
  const common = kind === "unreachable" || kind === "silent" || kind === "other" ? undefined : kind;
  if (witness?.trouble === undefined) {
    return { status: "fail", code: diagnosis.code, evidence, meaning: diagnosis.title, next: diagnosis.next };
  }
  const { meaning, next } = explained(context, witness, witness.trouble, name);
  return {
    status: "fail",
    code: kind === "unknown" ? "SENTINEL_NAME_UNKNOWN" : kind === "access" ? "SENTINEL_ACCESS" : diagnosis.code,
    evidence,
    meaning: common === undefined ? `${diagnosis.title} ${meaning}` : meaning,
    next,
  };
}

function noReplica(context: Context, best: Naming, name: string): Draft {
  const listed = best.replicas.map((one) => `${one.get("name") ?? "?"}: ${one.get("flags") ?? "?"}`).join("; ");
  return {
    status: "fail",
    code: "SENTINEL_NO_REPLICA",
    evidence: listed === "" ? "the Sentinels list no replica" : context.clean(listed, 300),
    meaning: `The Sentinels know no replica of ${name} that can be used, and this client reads from one (role: "slave").`,
    next: [
      ask(
        context,
        best.node,
        `sentinel replicas ${shellQuoted(name)}`,
        "See the replicas (healthy: flags slave alone)",
      ),
    ],
  };
}

/** Whether a failover could happen if the master ended now. */
function readiness(context: Context, said: readonly Said[], best: Naming, name: string): Draft[] {
  const findings: Draft[] = [];
  const short = said.find((one) => one.noQuorum !== undefined);
  if (short !== undefined) {
    findings.push({
      status: "warn",
      evidence: `${addressOf(short.node)}: ${short.noQuorum ?? ""}`,
      threshold: "quorum and majority of the Sentinels",
      meaning: "Too few Sentinels see each other: a master that ends now is not replaced.",
      next: [
        ask(
          context,
          short.node,
          `sentinel ckquorum ${shellQuoted(name)}`,
          "Start the missing ones, and ask again (healthy: OK)",
        ),
      ],
    });
  }
  const tilted = said.find(({ tilt }) => tilt);
  if (tilted !== undefined) {
    findings.push({
      status: "warn",
      evidence: `${addressOf(tilted.node)}: sentinel_tilt:1`,
      meaning: "A Sentinel is in TILT mode: its clock jumped or it stood still, and for 30 s it starts no failover.",
      next: [ask(context, tilted.node, "info sentinel", "Look again (healthy: sentinel_tilt:0)")],
    });
  }
  const lonely = withoutSuccessor(best);
  if (lonely !== undefined) {
    const meaning = `If the master ends, nothing takes its place: ${lonely.says}.`;
    const evidence = `${String(best.replicas.length)} replicas known to ${addressOf(best.node)}`;
    findings.push(
      lonely.about === "replicas" && best.replicas.length === 0
        ? ok(evidence, meaning)
        : {
            status: "warn",
            evidence,
            meaning,
            next: [
              ask(
                context,
                best.node,
                `sentinel replicas ${shellQuoted(name)}`,
                "See the replicas (healthy: flags slave alone, and a priority above 0)",
              ),
            ],
          },
    );
  }
  return findings;
}
