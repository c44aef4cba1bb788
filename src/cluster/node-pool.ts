/** The nodes in the shape of ioredis's pool of connections, for its own methods and for code that looks at it. */
import type { Redis as IORedis } from "ioredis";
import type { PoolOfNodes } from "../ioredis/cluster-internals.js";
import type { Layout } from "./layout.js";
import type { ClusterNode } from "./node.js";
import { anyOf } from "./read-preference.js";

type Role = "all" | "master" | "slave";

export class NodePool implements PoolOfNodes {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  get nodes(): PoolOfNodes["nodes"] {
    const named = (role: Role): Record<string, IORedis> =>
      Object.fromEntries(this.#of(role).map(({ key, client }) => [key, client]));
    return { all: named("all"), master: named("master"), slave: named("slave") };
  }

  getNodes(role: Role = "all"): IORedis[] {
    return this.#of(role).map(({ client }) => client);
  }

  getInstanceByKey(key: string): IORedis | undefined {
    return this.#layout.node(key)?.client;
  }

  getSampleInstance(role: Role): IORedis | undefined {
    return anyOf(this.#of(role))?.client;
  }

  #of(role: Role): readonly ClusterNode[] {
    const { all } = this.#layout;
    return role === "all" ? all : all.filter(({ isReplica }) => isReplica === (role === "slave"));
  }
}
