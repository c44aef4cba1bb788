/**
 * Which of several shared connections a command belongs on, so that commands of one key stay in their order: the lane of
 * its key's hash slot. What touches several lanes, or no key in particular, must have the others to itself for a moment.
 * Pure; knows commands, not connections.
 */
import { Command } from "ioredis";
import { blockingTimeoutOf } from "../command/blocking.js";

/** Where to. `alone`: everything issued before must be answered first, and what comes later waits for it. */
export type Place =
  | { readonly lane: number; readonly alone: boolean }
  /** Its state would be on one connection, its effect expected on all. */
  | { readonly refused: string };

/** Keyless commands whose order towards commands of keys cannot matter. */
const APART: ReadonlySet<string> = new Set([
  ...["ping", "echo", "time", "info", "publish", "spublish", "lastsave", "role", "pubsub", "client", "config"],
  ...["acl", "latency", "slowlog", "command", "lolwut", "hello", "auth", "multi", "exec"],
]);

/** Messages are heard on the client's own connection, the first, also those of sharded channels, which count as keys. */
const LISTENING: ReadonlySet<string> = new Set([
  ...["subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"],
]);

const REFUSED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    select: "Choose the database with the `db` option, or SELECT inside `withConnection`.",
    wait: "WAIT speaks of the writes of one connection only: use it inside `withConnection`.",
    waitaof: "WAITAOF speaks of the writes of one connection only: use it inside `withConnection`.",
    watch: "Use `transaction`, or `withConnection`.",
    unwatch: "Use `transaction`, or `withConnection`.",
    discard: "Use `withConnection` for an interactive MULTI.",
    reset: "Use `withConnection`.",
  }),
);

export function placeOf(command: Command, size: number): Place {
  const name = command.name.toLowerCase();
  const refused = refusalOf(name);
  if (refused !== undefined) return { refused };
  if (name === "multi" || name === "exec") {
    return {
      refused: `An interactive ${name.toUpperCase()} would mix with the commands of others. Use \`withConnection\`.`,
    };
  }
  if (LISTENING.has(name)) return { lane: 0, alone: false };
  const lanes = lanesOf(command, size);
  // The first connection hands it on, and waits for all lanes itself.
  if (blockingTimeoutOf(name, command.args) !== undefined) return { lane: 0, alone: false };
  const [lane = 0] = lanes;
  return { lane, alone: lanes.size > 1 || (lanes.size === 0 && !APART.has(name)) };
}

/** A pipeline or MULTI batch goes to one lane as a whole: that of its first key, or the first if it subscribes to something. */
export function placeOfBatch(commands: readonly Command[], size: number): Place {
  const all = new Set<number>();
  let touchesAll = false;
  let listens = false;
  for (const command of commands) {
    const name = command.name.toLowerCase();
    const refused = refusalOf(name);
    if (refused !== undefined) return { refused };
    if (LISTENING.has(name)) {
      listens = true;
      continue;
    }
    const lanes = lanesOf(command, size);
    for (const lane of lanes) all.add(lane);
    if (lanes.size === 0 && !APART.has(name)) touchesAll = true;
  }
  const [first = 0] = all;
  const lane = listens ? 0 : first;
  return { lane, alone: touchesAll || all.size > 1 || (all.size === 1 && lane !== first) };
}

function refusalOf(name: string): string | undefined {
  const advice = REFUSED.get(name);
  return advice === undefined
    ? undefined
    : `${name.toUpperCase()} was not sent: with \`pool.size\` above 1 it would concern one of several connections. ${advice}`;
}

/** The lanes of all keys, that of the first one first. */
function lanesOf(command: Command, size: number): Set<number> {
  const lanes = new Set<number>();
  const keys = command.getKeys();
  if (keys.length === 0) return lanes;
  lanes.add(command.getSlot() % size);
  for (let at = 1; at < keys.length && lanes.size < size; at++) {
    const key = keys[at];
    if (key !== undefined) lanes.add(new Command("get", [key]).getSlot() % size);
  }
  return lanes;
}
