/** The replication link of a replica, and enough replicas for a master that insists on them. */
import type { Check, Context } from "../check.js";
import { cliOf, doctorFor } from "../commands.js";
import { failed, type Draft } from "../finding.js";
import { numberIn, type ServerFacts } from "../server-facts.js";
import { addressOf } from "../target.js";
import { serverCheck } from "./server-check.js";

/** Whether replicas follow. */
export const serverReplicationCheck: Check = serverCheck({
  id: "server/replication",
  title: "Server: replication",
  topic: "5 Topology",
  judge,
});

function judge(facts: ServerFacts, context: Context): readonly Draft[] {
  const replica = facts.info.get("role") === "slave";
  if (replica) return [replicaLink(facts, context)];
  const connected = numberIn(facts, "connected_slaves") ?? 0;
  const wanted = Number(facts.settings.get("min-replicas-to-write") ?? 0);
  const good = numberIn(facts, "min_slaves_good_slaves") ?? connected;
  const evidence = `master with ${String(connected)} replicas${wanted === 0 ? "" : `, ${String(good)} of at least ${String(wanted)} good ones`}`;
  if (wanted > 0 && good < wanted) {
    const diagnosis = context.classify("NOREPLICAS Not enough good replicas to write.");
    return [
      failed(diagnosis, evidence, {
        threshold: `min-replicas-to-write ${String(wanted)}`,
        meaning: `The master has ${String(good)} good replicas, wants ${String(wanted)} and refuses writes until then.`,
      }),
    ];
  }
  return [
    { status: "ok", evidence, meaning: connected === 0 ? "A master without replicas." : "The replicas are connected." },
  ];
}

function replicaLink(facts: ServerFacts, context: Context): Draft {
  const link = facts.info.get("master_link_status") ?? "unknown";
  const master = { host: facts.info.get("master_host") ?? "?", port: numberIn(facts, "master_port") ?? 0 };
  const evidence = `replica of ${addressOf(master)}, link ${link}`;
  if (link === "up") return { status: "ok", evidence, meaning: "The replica follows its master." };
  // -1: it never stood
  const since = numberIn(facts, "master_link_down_since_seconds") ?? -1;
  return {
    status: "warn",
    code: "MASTER_DOWN",
    evidence: since < 0 ? evidence : `${evidence} for ${String(since)} s`,
    meaning: "The replica has lost its master: what it serves is old.",
    next: [
      { say: "Look at the master (its verdict says whether it is healthy)", run: doctorFor(context, master) },
      { say: "See the state of the link (healthy: master_link_status:up)", run: `${cliOf(context)} info replication` },
    ],
  };
}
