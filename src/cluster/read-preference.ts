/** `scaleReads`: which node a command goes to that only reads. */
import { clock } from "../clock.js";
import { effectOf } from "../command/effect.js";
import { factsOf } from "../command/facts.js";
import type { Command, Redis as IORedis } from "ioredis";
import type { Layout } from "./layout.js";
import type { ClusterNode } from "./node.js";

/** ioredis's own function form: the nodes of the slot, its master first. */
export type ChooseNode = (nodes: IORedis[], command: Command) => IORedis | IORedis[] | null | undefined;
export type ScaleReads = "master" | "slave" | "all" | ChooseNode;

export class ReadPreference {
  readonly #layout: Layout;
  readonly #scaleReads: ScaleReads;
  /** Everything goes to masters. Read for every command. */
  readonly isMasterOnly: boolean;

  constructor(layout: Layout, scaleReads: ScaleReads) {
    this.#layout = layout;
    this.#scaleReads = scaleReads;
    this.isMasterOnly = scaleReads === "master";
  }

  /** Whether a replica may answer it. */
  allows(command: Command): boolean {
    return !this.isMasterOnly && isRead(command);
  }

  /** A node that may answer; `undefined` for the master. */
  choose(slot: number, command: Command): ClusterNode | undefined {
    if (!this.allows(command)) return undefined;
    const master = this.#layout.owners[slot];
    const replicas = this.#layout.replicasOf(slot);
    if (typeof this.#scaleReads === "function") {
      const nodes = master === undefined ? [...replicas] : [master, ...replicas];
      const chosen = this.#scaleReads(
        nodes.map(({ client }) => client),
        command,
      );
      const client = Array.isArray(chosen) ? anyOf(chosen) : chosen;
      return nodes.find((node) => node.client === client);
    }
    const candidates = this.#scaleReads === "all" && master !== undefined ? [master, ...replicas] : replicas;
    // Nobody waits for a replica that is away or says nothing while another node can answer.
    return anyOf(candidates.filter((node) => node.isWell || node.isIdle));
  }
}

function isRead(command: Command): boolean {
  if ((command as { readonly isReadOnly?: boolean }).isReadOnly === true) return true;
  const { dispatch } = factsOf(command.name);
  return (dispatch === "plain" || dispatch === "blocking") && effectOf(command.name, command.args).kind === "read";
}

export function anyOf<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(clock.random() * list.length)];
}
