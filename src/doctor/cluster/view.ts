/** The cluster as one of its nodes sees it, read from its own words. Pure. */
import { parseInfo } from "../../command/info.js";
import type { Endpoint } from "../target.js";

const SLOTS = 16_384;

/** A node, as another one (or itself) describes it. */
export interface NodeLine {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly isMyself: boolean;
  readonly isMaster: boolean;
  /** The node that it is a replica of. */
  readonly masterId: string | undefined;
  /** `fail`: a majority takes it for down. `fail?`: the one that describes it does. */
  readonly down: "fail" | "fail?" | undefined;
  readonly epoch: number;
  /** The bus between the two is up. */
  readonly isLinked: boolean;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** What a node said when it was asked, or why it said nothing. */
export interface View {
  /** Where it was asked. */
  readonly node: Endpoint;
  readonly trouble: string | undefined;
  readonly lines: readonly NodeLine[];
  /** `cluster_state`. */
  readonly state: string | undefined;
  /** The highest epoch that it has heard of. */
  readonly epoch: number;
}

/** Reads replies to CLUSTER NODES and CLUSTER INFO. */
export function readView(node: Endpoint, nodes: string, info: string): View {
  const facts = parseInfo(info);
  return {
    node,
    trouble: undefined,
    lines: readNodes(nodes),
    state: facts.get("cluster_state"),
    epoch: Number(facts.get("cluster_current_epoch") ?? 0),
  };
}

function readNodes(text: string): readonly NodeLine[] {
  return text.split("\n").flatMap((line) => {
    const [id, address = "", flags = "", master = "-", , , epoch, link, ...slots] = line.trim().split(" ");
    const match = /^(.*):(\d+)(?:@|$)/.exec(address);
    const names = flags.split(",");
    if (id === undefined || match === null || names.includes("noaddr") || names.includes("handshake")) return [];
    return [
      {
        id,
        host: match[1] ?? "",
        port: Number(match[2]),
        isMyself: names.includes("myself"),
        isMaster: names.includes("master"),
        masterId: master === "-" ? undefined : master,
        down: names.includes("fail") ? "fail" : names.includes("fail?") ? "fail?" : undefined,
        epoch: Number(epoch),
        isLinked: names.includes("myself") || link === "connected",
        ranges: slots.flatMap((slot) => rangeOf(slot)),
      } satisfies NodeLine,
    ];
  });
}

/** `0-5460` or `7000`; what is on its way (`[93->-…]`) belongs to its owner still. */
function rangeOf(slot: string): (readonly [number, number])[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(slot);
  return match === null ? [] : [[Number(match[1]), Number(match[2] ?? match[1])]];
}

/** How many slots a node serves, as a line of CLUSTER NODES says. */
export function slotsOf({ ranges }: Pick<NodeLine, "ranges">): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

/** Slots that have an owner in this view, out of all. */
export function coveredBy({ lines }: View): number {
  return lines.reduce((sum, line) => sum + slotsOf(line), 0);
}

/** How many slots have another owner in one view than in the other, or none in one of them. */
export function differences(one: View, other: View): number {
  const owners = ownersIn(one);
  const theirs = ownersIn(other);
  let count = 0;
  for (let slot = 0; slot < SLOTS; slot++) if (owners[slot] !== theirs[slot]) count++;
  return count;
}

function ownersIn({ lines }: View): readonly (string | undefined)[] {
  const owners = new Array<string | undefined>(SLOTS).fill(undefined);
  for (const { id, ranges } of lines) for (const [from, to] of ranges) owners.fill(id, from, to + 1);
  return owners;
}
