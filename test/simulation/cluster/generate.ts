/**
 * From a seed to a scenario with a cluster: the program of the same seed for one server, its keys spread over a few slots, and
 * faults of a cluster's own. So the seeds of single servers mean what they meant.
 */
import { scenarioOf } from "../program/generate.js";
import type { Action, ClientData, CommandData, Scenario, Step } from "../program/scenario.js";
import { Random } from "../random.js";
import { clusterFaults, endOf } from "./faults.js";
import type { ClusterData } from "./scenario.js";
import { slotOf, SLOTS } from "./slots.js";

/** One in so many: batches that must stay whole, with keys of several slots. */
const TORN = 0.03;
const LETTERS = "abcdefghijklmnopqrst".split("");

export function clusterScenarioOf(seed: number, commands = 200): Scenario {
  const plain = scenarioOf(seed, commands, 0);
  const random = new Random(seed).fork("cluster");
  const shards = random.int(2, 3);
  const cluster: ClusterData = {
    shards,
    tags: tagsFor(random, shards),
    gossip: random.scale(1, 800),
    needsAll: random.chance(0.5),
    nearness: nearnessOf(new Random(seed).fork("nearness"), shards),
  };
  const span = Math.max(1, ...plain.steps.map(({ at }) => at));
  // Nothing happens to servers that are not there yet.
  const faults = clusterFaults(random.fork("faults"), plain.world, span, cluster).map((fault) => ({
    ...fault,
    at: fault.at + plain.serverStartsAt,
  }));
  const placed = new Places(random.fork("keys"), cluster.tags);
  return {
    ...plain,
    cluster,
    clients: plain.clients.map((client) => clientOf(random, client)),
    steps: plain.steps.flatMap((step) => placed.step(step)),
    faults,
    healsAt: Math.max(span, plain.serverStartsAt, ...faults.map(endOf)) + 100,
  };
}

function clientOf(random: Random, client: ClientData): ClientData {
  const where = random.weighted({ master: 8, slave: 1, all: 1 });
  const own = { ...client, database: undefined, lanes: undefined };
  return where === "master" ? own : { ...own, scaleReads: where };
}

/** Half of the clusters are in one place; in the others the way to some nodes takes a fraction of the time. */
function nearnessOf(random: Random, shards: number): readonly number[] | undefined {
  if (random.chance(0.5)) return undefined;
  return Array.from({ length: shards * 2 }, () => (random.chance(0.5) ? 1 : random.scale(0.02, 1)));
}

/** One of each shard's at least, and some more. */
function tagsFor(random: Random, shards: number): readonly string[] {
  const tags = new Map<string, number>();
  for (let shard = 0; shard < shards; shard++) {
    const own = LETTERS.filter((letter) => Math.floor((slotOf(letter) * shards) / SLOTS) === shard);
    tags.set(random.pick(own), shard);
  }
  const more = random.int(0, 3);
  for (let i = 0; i < more; i++) tags.set(random.pick(LETTERS), 0);
  return [...tags.keys()];
}

class Places {
  readonly #random: Random;
  readonly #tags: readonly string[];

  constructor(random: Random, tags: readonly string[]) {
    this.#random = random;
    this.#tags = tags;
  }

  step(step: Step): readonly Step[] {
    const action = this.#action(step.action);
    return action === undefined ? [] : [{ ...step, action }];
  }

  #tag(): string {
    return this.#random.pick(this.#tags);
  }

  /** The same for a cluster; `undefined` for what a cluster refuses. */
  #action(action: Action): Action | undefined {
    switch (action.do) {
      case "command":
        return { ...action, command: placed(action.command, this.#tag()) };
      case "pipeline":
        return { ...action, commands: action.commands.map((command) => placed(command, this.#tag())) };
      case "interactive":
        return { do: "multi", commands: this.#together(action.commands) };
      case "multi":
        return { ...action, commands: this.#together(action.commands) };
      case "transaction": {
        const tag = this.#tag();
        return { ...action, key: keyIn(action.key, tag), other: keyIn(action.other, tag) };
      }
      case "lease": {
        const tag = this.#tag();
        const commands = action.commands.map((command) => placed(command, tag));
        return { do: "lease", commands, gap: action.gap, key: keyIn("any", tag) };
      }
      case "block":
      case "pop":
        return { ...action, key: keyIn(action.key, this.#tag()) };
      case "script":
        return { ...action, command: placed(action.command, this.#tag()) };
      case "select":
        return undefined;
      default:
        return action;
    }
  }

  #together(commands: readonly CommandData[]): readonly CommandData[] {
    const tag = this.#tag();
    const isTorn = this.#random.chance(TORN);
    return commands.map((command) => placed(command, isTorn ? this.#tag() : tag));
  }
}

function placed(command: CommandData, tag: string): CommandData {
  const isKey = (arg: string): boolean => command.keys.includes(arg) || arg.startsWith("tag:");
  return {
    ...command,
    keys: command.keys.map((key) => keyIn(key, tag)),
    args: command.args.map((arg) => (isKey(arg) ? keyIn(arg, tag) : arg)),
  };
}

function keyIn(key: string, tag: string): string {
  return `${key}{${tag}}`;
}
