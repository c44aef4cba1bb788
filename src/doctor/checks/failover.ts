/**
 * A master that the Sentinels name and that does not serve: do they see it too, and why has nobody taken its place? Turns
 * "refused" behind Sentinels into the fault of the set, which is where it is to be mended.
 */
import { formatDuration } from "../../format.js";
import type { NextStep } from "../../failure/diagnosis.js";
import { shellQuoted } from "../../failure/template.js";
import type { Check, Context } from "../check.js";
import { sentinelCli } from "../commands.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import { isLocalTarget } from "../local/is-local.js";
import { naming, numberOf, seesDown, whyNoFailover, type Naming, type Reason } from "../sentinel/set.js";
import { addressOf, type Endpoint } from "../target.js";

/** Why no failover happened. */
export const failoverCheck: Check = {
  id: "failover",
  title: "Failover",
  topic: "5 Topology",
  needs: ["discovery"],
  after: ["name", "path", "tls", "first-bytes"],
  deadline: 500,
  run: (context) => Promise.resolve([judge(context)]),
};

/** Sentinels ping every second: without an answer for longer than this they do not reach it either. */
const UNANSWERED = 2000;

function judge(context: Context): Draft {
  const { seen, target } = context;
  const [best] = naming(seen.sentinels);
  if (best === undefined || target.role === "slave") return skip("only asked about a master");
  const broken = brokenLink(context);
  const isDown = seesDown(best);
  if (broken === undefined)
    return isDown ? seenDownOnly(context, best) : ok(flagsOf(best), "The Sentinels take it for up, too.");
  const base = { explains: broken, evidence: `${flagsOf(best)}${since(best)}` };
  if (isDown) return { ...failed(MASTER_DOWN(context), base.evidence, base), ...notReplaced(context, best) };
  const silence = numberOf(best.about, "last-ok-ping-reply");
  if (silence === undefined) return skip("the Sentinels may not be asked for more than the address");
  if (silence > UNANSWERED)
    return { ...failed(MASTER_DOWN(context), base.evidence, base), ...notYet(context, best, silence) };
  if (isLocalTarget(context)) return ok(base.evidence, "The Sentinels had an answer from it a moment ago.");
  return { ...failed(MASTER_DOWN(context), base.evidence, base), ...onlyFromHere(context, best) };
}

const MASTER_DOWN = (context: Context): ReturnType<Context["classify"]> =>
  context.classify("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");

/** The first link behind the Sentinels that does not hold, if it is one that a failover would mend. */
function brokenLink({ seen, target }: Context): string | undefined {
  if (seen.addresses.length === 0) return "name";
  if (seen.path !== "connected") return "path";
  if (seen.mute) return target.tls === undefined ? "first-bytes" : "tls";
  return undefined;
}

function flagsOf({ about, node }: Naming): string {
  return `${addressOf(node)} says flags ${about.get("flags") ?? "unknown"}`;
}

function since({ about }: Naming): string {
  const time = numberOf(about, "s-down-time");
  return time === undefined ? "" : ` for ${formatDuration(time)}`;
}

function names(context: Context, { master }: Naming): string {
  return `The Sentinels name ${addressOf(master)} as master of ${nameOf(context)}`;
}

function notReplaced(context: Context, best: Naming): Pick<Draft, "meaning" | "next"> {
  const start = `${names(context, best)}, and it is down for them, too.`;
  if (/failover_in_progress/.test(best.about.get("flags") ?? "")) {
    return {
      meaning: `${start} A failover is under way.`,
      next: [again(context, best, "Ask in a moment who the master is (another address: it is done)")],
    };
  }
  const [reason] = whyNoFailover(context.seen.sentinels, best);
  if (reason === undefined) return { meaning: start, next: [] };
  return { meaning: `${start} No failover: ${reason.says}.`, next: stepsFor(context, best, reason) };
}

function stepsFor(context: Context, best: Naming, { about }: Reason): NextStep[] {
  const name = shellQuoted(nameOf(context));
  const cli = sentinelCli(context, best.node);
  const replicas = {
    say: "See the replicas (healthy: flags slave alone, and a priority above 0)",
    run: `${cli} sentinel replicas ${name}`,
  };
  const restart = {
    say: `Or bring the master back: start the server that is meant to listen at ${addressOf(best.master)}`,
  };
  switch (about) {
    case "priority":
      return [
        replicas,
        { say: "Give one of them a replica-priority above 0 (config set replica-priority 100)" },
        restart,
      ];
    case "replicas":
      return [restart, replicas];
    case "quorum":
      return [
        { say: "Start the missing Sentinels, and ask again (healthy: OK)", run: `${cli} sentinel ckquorum ${name}` },
        { say: "Or promote a replica without asking the others", run: `${cli} sentinel failover ${name}` },
        restart,
      ];
    case "tilt":
      return [{ say: "Wait for the end of TILT (sentinel_tilt:0)", run: `${cli} info sentinel` }, restart];
    case "time":
      return [
        again(context, best, "Ask again later (another address: it is done)"),
        { say: "On the Sentinels' machines: read the log of the leader, which says why (-failover-abort-…)" },
        replicas,
      ];
  }
}

function notYet(context: Context, best: Naming, silence: number): Pick<Draft, "meaning" | "next"> {
  const limit = numberOf(best.about, "down-after-milliseconds");
  const wait = limit === undefined ? "down-after-milliseconds" : `${formatDuration(limit)} (down-after-milliseconds)`;
  return {
    meaning: `${names(context, best)}, and have had no answer from it for ${formatDuration(silence)}; they wait ${wait} before they call it down.`,
    next: [again(context, best, "Ask in a moment who the master is (another address: it is done)")],
  };
}

function onlyFromHere(context: Context, best: Naming): Pick<Draft, "meaning" | "next"> {
  const dialled = addressOf(context.seen.endpoint);
  return {
    meaning: `The Sentinels reach the master, and this machine does not reach ${dialled}: the address that they announce belongs to another network (containers, NAT), or a firewall is between.`,
    next: [
      { say: "If it is NAT, translate the address: natMap in the client, or replica-announce-ip on the servers" },
      again(context, best, "See the announced address (healthy: one that this machine can reach)"),
    ],
  };
}

function seenDownOnly(context: Context, best: Naming): Draft {
  return {
    status: "warn",
    evidence: `${flagsOf(best)}${since(best)}`,
    meaning: `The Sentinels take ${addressOf(best.master)} for down, and it answers here: they are cut off from it, or their password for it (auth-pass) is wrong. A failover may follow.`,
    next: [again(context, best, "Look again (healthy: flags master)")],
  };
}

function again(context: Context, { node }: { readonly node: Endpoint }, say: string): NextStep {
  return { say, run: `${sentinelCli(context, node)} sentinel master ${shellQuoted(nameOf(context))}` };
}

function nameOf({ target }: Context): string {
  return target.sentinelName ?? "mymaster";
}
