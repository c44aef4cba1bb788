/** What the views of all nodes prove together: one finding for the cluster, then one for each node. Pure but for its words. */
import type { NextStep } from "../../failure/diagnosis.js";
import type { Context } from "../check.js";
import { doctorFor } from "../commands.js";
import { failed, ok, type Draft } from "../finding.js";
import { addressOf, type Endpoint } from "../target.js";
import { coveredBy, differences, slotsOf, type NodeLine, type View } from "./view.js";

const SLOTS = 16_384;

/** A node that somebody knows of, and what it said itself. */
export interface Asked {
  readonly line: NodeLine;
  /** Where it is reached from here. */
  readonly place: Endpoint;
  /** `undefined`: there are more nodes than are asked. */
  readonly view: View | undefined;
}

/** `first`: the view of the node that the chain has come to. */
export function judgeCluster(context: Context, first: View, asked: readonly Asked[]): Draft[] {
  const views = asked.flatMap(({ view }) => (view === undefined || view.trouble !== undefined ? [] : [view]));
  return [whole(context, first, views), ...asked.map((one) => node(context, one, first, views))];
}

function whole(context: Context, first: View, views: readonly View[]): Draft {
  const masters = first.lines.filter(isServing);
  const replicas = first.lines.filter(({ isMaster }) => !isMaster);
  // Who has heard of the highest epoch knows best.
  const best = views.reduce((one, other) => (other.epoch > one.epoch ? other : one), first);
  const covered = coveredBy(best);
  const evidence = `${String(covered)} of ${String(SLOTS)} slots, ${count(masters.length, "master")}, ${count(replicas.length, "replica")}, epoch ${String(best.epoch)}`;
  const threshold = "every slot has an owner, and every node names the same";
  if (covered < SLOTS) {
    return failed(context.classify("CLUSTERDOWN Hash slot not served"), evidence, {
      threshold,
      meaning: `${String(SLOTS - covered)} slots have no owner: commands for their keys wait, and fail.`,
      next: [
        {
          say: "See which slots are missing, and which migration has stopped half way",
          run: checkWith(context, best.node),
        },
      ],
    });
  }
  const odd = views.filter((view) => differences(view, best) > 0);
  const [one] = odd;
  if (one !== undefined) {
    return {
      status: "warn",
      evidence: `${evidence}; ${addressOf(one.node)} tells another owner of ${count(differences(one, best), "slot")}, epoch ${String(one.epoch)}`,
      threshold,
      meaning: `${count(odd.length, "node")} of ${String(views.length)} ${odd.length === 1 ? "tells" : "tell"} other owners than the rest: a change is still going round, or the nodes cannot reach each other's bus port.`,
      next: [
        { say: "Look again in a moment (healthy: all agree)", run: "npx --no ioredoubt doctor" },
        { say: "See what the nodes know of each other", run: checkWith(context, best.node) },
      ],
    };
  }
  const alone =
    replicas.length === 0 ? " None has a replica: the slots of a master that dies are gone until it is back." : "";
  return ok(evidence, `All ${count(views.length, "node")} that answered name the same owners.${alone}`, threshold);
}

/** One node in one line. */
function node(context: Context, { line, place, view }: Asked, first: View, views: readonly View[]): Draft {
  const where = addressOf(place);
  const replicas = first.lines.filter(({ masterId }) => masterId === line.id);
  const evidence = [
    `${where} ${roleOf(line, first)}`,
    ...(isServing(line) ? [count(slotsOf(line), "slot"), count(replicas.length, "replica")] : []),
    `epoch ${String(line.epoch)}`,
  ].join(", ");
  const accusers = views.filter(({ lines }) => lines.some(({ id, down }) => id === line.id && down !== undefined));
  const look: NextStep = { say: "Look at it (its verdict says which link is broken)", run: doctorFor(context, place) };
  if (view?.trouble !== undefined) {
    const meaning =
      accusers.length > 0
        ? `It gives no answer here (${view.trouble}), and is down for ${String(accusers.length)} of ${String(views.length)} other nodes.`
        : `It gives no answer here (${view.trouble}), and the other nodes reach it: the way from here is the fault, or the address that it announces.`;
    return { status: "warn", code: "CLUSTER_UNREACHABLE", evidence, meaning, next: [look] };
  }
  if (view === undefined)
    return { status: "skip", evidence, meaning: "Not asked: there are more nodes than are looked at." };
  if (accusers.length > 0) {
    const meaning = `It answers here, and is down for ${String(accusers.length)} of ${String(views.length)} nodes: they cannot reach its bus port, which is ${String(line.port + 10_000)} unless it is set.`;
    return { status: "warn", evidence, meaning, next: [{ say: "Let the nodes reach each other's bus port" }] };
  }
  const cutOff = view.lines.filter(({ isLinked, down }) => !isLinked && down === undefined);
  if (cutOff.length > 0) {
    const others = cutOff.map((other) => addressOf(other)).join(", ");
    return { status: "warn", evidence, meaning: `It has no link to ${others} on the bus.`, next: [look] };
  }
  const someHave = first.lines.some(({ isMaster }) => !isMaster);
  if (isServing(line) && replicas.length === 0 && someHave) {
    const meaning = "It has no replica, and other masters have: its slots are gone while it is away.";
    return {
      status: "warn",
      evidence,
      meaning,
      next: [{ say: "Give it a replica (redis-cli --cluster add-node … --cluster-slave)" }],
    };
  }
  return ok(evidence, "It answers, and the others see it.");
}

function isServing({ isMaster, ranges }: NodeLine): boolean {
  return isMaster && ranges.length > 0;
}

function roleOf(line: NodeLine, first: View): string {
  if (line.isMaster) return "master";
  const master = first.lines.find(({ id }) => id === line.masterId);
  return master === undefined ? "replica" : `replica of ${addressOf(master)}`;
}

function count(number: number, what: string): string {
  return `${String(number)} ${what}${number === 1 ? "" : "s"}`;
}

function checkWith({ target }: Context, { host, port }: Endpoint): string {
  const tls = target.tls === undefined ? "" : " --tls";
  const login = target.password === undefined ? "" : " --askpass";
  return `redis-cli${tls}${login} --cluster check ${host}:${String(port)}`;
}
