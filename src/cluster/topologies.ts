/** The topologies of this process: clients with the same start nodes and credentials share one. */
import { Topology, type TopologyMember, type TopologyOptions } from "./topology.js";

const topologies = new Map<string, Topology>();

/** One client's place in the topology that it shares. */
export class TopologyMembership {
  readonly #key: string;
  readonly #options: TopologyOptions;
  readonly #member: TopologyMember;
  #topology: Topology;
  #isIn = false;

  constructor(key: string, options: TopologyOptions, member: TopologyMember) {
    this.#key = key;
    this.#options = options;
    this.#member = member;
    this.#topology = this.#find();
  }

  /** The one it belongs to now, or belonged to last. */
  get topology(): Topology {
    return this.#topology;
  }

  join(): void {
    if (this.#isIn) return;
    this.#isIn = true;
    this.#topology = this.#find();
    topologies.set(this.#key, this.#topology);
    this.#topology.join(this.#member);
  }

  leave(): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    if (this.#topology.leave(this.#member)) topologies.delete(this.#key);
  }

  #find(): Topology {
    return topologies.get(this.#key) ?? new Topology(this.#options);
  }
}
