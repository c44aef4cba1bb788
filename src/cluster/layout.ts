/**
 * The nodes of one client, and which of them serves which slot. It keeps them; what a change means for commands is the
 * router's business.
 */
import type { ClusterNode } from "./node.js";
import { keyOf, SLOTS, type NodeAddress, type SlotRange } from "./slot-ranges.js";

export interface LayoutHooks {
  create(address: NodeAddress, isReplica: boolean): ClusterNode;
  /** How the address that the cluster announces is reached from here. */
  mapped(address: NodeAddress): NodeAddress;
}

/** What a new table changes. */
export interface LayoutChange {
  /** Slots that these nodes do not own any more. */
  readonly leaving: ReadonlyMap<ClusterNode, readonly number[]>;
  /** They are in no range any more. */
  readonly gone: readonly ClusterNode[];
  /** Replicas that serve in the place of their masters. */
  readonly takeovers: readonly { readonly from: ClusterNode; readonly to: ClusterNode }[];
}

const NOBODY: readonly ClusterNode[] = [];

export class Layout {
  /** Read for every command. */
  readonly owners: (ClusterNode | undefined)[] = new Array<ClusterNode | undefined>(SLOTS).fill(undefined);
  readonly #hooks: LayoutHooks;
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #replicas: (readonly ClusterNode[])[] = new Array<readonly ClusterNode[]>(SLOTS).fill(NOBODY);
  #masters: readonly ClusterNode[] = [];
  /** Whose replica each replica was in the last table. */
  #followed: ReadonlyMap<ClusterNode, ClusterNode> = new Map();

  constructor(hooks: LayoutHooks) {
    this.#hooks = hooks;
  }

  get all(): readonly ClusterNode[] {
    return [...this.#nodes.values()];
  }

  /** Nodes that own slots. Read for every command without keys. */
  get masters(): readonly ClusterNode[] {
    return this.#masters;
  }

  node(key: string): ClusterNode | undefined {
    return this.#nodes.get(key);
  }

  replicasOf(slot: number): readonly ClusterNode[] {
    return this.#replicas[slot] ?? NOBODY;
  }

  /** Replicas of this master, in the last table. */
  followersOf(node: ClusterNode): readonly ClusterNode[] {
    return [...this.#followed].filter(([, master]) => master === node).map(([replica]) => replica);
  }

  slotsOf(node: ClusterNode): ReadonlySet<number> {
    const slots = new Set<number>();
    this.owners.forEach((owner, slot) => {
      if (owner === node) slots.add(slot);
    });
    return slots;
  }

  /** Slots that nobody owns, out of all. */
  get unserved(): number {
    let count = 0;
    for (const owner of this.owners) if (owner === undefined) count++;
    return count;
  }

  /** The node at an address as the cluster announces it; made if it is not known. */
  at(address: NodeAddress, isReplica = false): ClusterNode {
    const mapped = this.#hooks.mapped(address);
    const key = keyOf(mapped);
    let node = this.#nodes.get(key);
    if (node === undefined) this.#nodes.set(key, (node = this.#hooks.create(mapped, isReplica)));
    return node;
  }

  /** One slot has another owner, as a node says that does not serve it. Returns who owned it. */
  moved(slot: number, to: ClusterNode): ClusterNode | undefined {
    const before = this.owners[slot];
    this.owners[slot] = to;
    to.setReplica(false);
    if (!this.#masters.includes(to)) this.#masters = [...this.#masters, to];
    return before;
  }

  apply(ranges: readonly SlotRange[]): LayoutChange {
    const before = [...this.owners];
    const masters = new Set<ClusterNode>();
    const followed = this.#followed;
    const following = new Map<ClusterNode, ClusterNode>();
    this.#followed = following;
    const wanted = new Set<ClusterNode>();
    this.owners.fill(undefined);
    this.#replicas.fill(NOBODY);
    for (const { master } of ranges) masters.add(this.at(master));
    for (const { from, to, master, replicas } of ranges) {
      const owner = this.at(master);
      owner.setReplica(false);
      const others = replicas.map((address) => this.at(address, true)).filter((node) => !masters.has(node));
      for (const node of others) {
        node.setReplica(true);
        following.set(node, owner);
      }
      for (const node of [owner, ...others]) wanted.add(node);
      this.owners.fill(owner, from, to + 1);
      this.#replicas.fill(others, from, to + 1);
    }
    this.#masters = [...masters];
    const gone = this.all.filter((node) => !wanted.has(node));
    for (const node of gone) this.#nodes.delete(node.key);
    return {
      leaving: leavingFrom(before, this.owners),
      gone,
      takeovers: [...masters].flatMap((to) => {
        const from = followed.get(to);
        return from === undefined || masters.has(from) ? [] : [{ from, to }];
      }),
    };
  }

  /** Its client has ended: it is made anew when the table names it again. */
  drop(node: ClusterNode): void {
    if (this.#nodes.get(node.key) !== node) return;
    this.#nodes.delete(node.key);
    this.#masters = this.#masters.filter((other) => other !== node);
    this.owners.forEach((owner, slot) => {
      if (owner === node) this.owners[slot] = undefined;
    });
    this.#replicas.forEach((nodes, slot) => {
      if (nodes.includes(node)) this.#replicas[slot] = nodes.filter((other) => other !== node);
    });
  }

  /** Forgets them all; returns them. */
  clear(): readonly ClusterNode[] {
    const { all } = this;
    this.#nodes.clear();
    this.owners.fill(undefined);
    this.#replicas.fill(NOBODY);
    this.#masters = [];
    return all;
  }
}

function leavingFrom(
  before: readonly (ClusterNode | undefined)[],
  now: readonly (ClusterNode | undefined)[],
): ReadonlyMap<ClusterNode, readonly number[]> {
  const leaving = new Map<ClusterNode, number[]>();
  before.forEach((owner, slot) => {
    if (owner === undefined || now[slot] === owner) return;
    const slots = leaving.get(owner);
    if (slots === undefined) leaving.set(owner, [slot]);
    else slots.push(slot);
  });
  return leaving;
}
