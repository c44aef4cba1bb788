/**
 * Which of several shared connections a command belongs on, so that commands of one key stay in their order: the lane of
 * its key's hash slot. What touches several lanes, or no key in particular, must have the others to itself for a moment.
 * Pure; knows commands, not connections.
 */
import { blockingTimeoutOf } from "../command/blocking.js";
import { factsOf } from "../command/facts.js";

/** Where to. `alone`: everything issued before must be answered first, and what comes later waits for it. */
export type Place =
  | { readonly lane: number; readonly alone: boolean }
  /** Its state would be on one connection, its effect expected on all. */
  | { readonly refused: string };

/** The part of ioredis's Command that decides its place. */
export interface Routed {
  readonly name: string;
  readonly args: readonly unknown[];
  getKeys(): readonly (string | Buffer)[];
}

/** The hash slot of a key, as Redis Cluster counts them. */
export type SlotOf = (key: string | Buffer) => number;

export function placeOf(command: Routed, size: number, slotOf: SlotOf): Place {
  const { name, lane, session } = factsOf(command.name);
  const refused = refusalOf(name);
  if (refused !== undefined) return { refused };
  if (session === "multi" || session === "exec") {
    return {
      refused: `An interactive ${name.toUpperCase()} would mix with the commands of others. Use \`withConnection\`.`,
    };
  }
  if (lane === "first") return { lane: 0, alone: false };
  // The first connection hands it on, and waits for all lanes itself.
  if (blockingTimeoutOf(name, command.args) !== undefined) return { lane: 0, alone: false };
  const lanes = lanesOf(command, size, slotOf);
  const [first = 0] = lanes;
  return { lane: first, alone: lanes.size > 1 || (lanes.size === 0 && lane === "keys") };
}

/** A pipeline or MULTI batch goes to one lane as a whole: that of its first key, or the first if it subscribes to something. */
export function placeOfBatch(commands: readonly Routed[], size: number, slotOf: SlotOf): Place {
  const all = new Set<number>();
  let touchesAll = false;
  let listens = false;
  for (const command of commands) {
    const { name, lane } = factsOf(command.name);
    const refused = refusalOf(name);
    if (refused !== undefined) return { refused };
    if (lane === "first") {
      listens = true;
      continue;
    }
    const lanes = lanesOf(command, size, slotOf);
    for (const one of lanes) all.add(one);
    if (lanes.size === 0 && lane === "keys") touchesAll = true;
  }
  const [first = 0] = all;
  const lane = listens ? 0 : first;
  return { lane, alone: touchesAll || all.size > 1 || (all.size === 1 && lane !== first) };
}

function refusalOf(name: string): string | undefined {
  const { lane } = factsOf(name);
  return typeof lane === "string"
    ? undefined
    : `${name.toUpperCase()} was not sent: with \`pool.size\` above 1 it would concern one of several connections. ${lane.refused}`;
}

/** The lanes of all keys, that of the first one first. */
function lanesOf(command: Routed, size: number, slotOf: SlotOf): Set<number> {
  const lanes = new Set<number>();
  for (const key of command.getKeys()) {
    lanes.add(slotOf(key) % size);
    if (lanes.size === size) break;
  }
  return lanes;
}
