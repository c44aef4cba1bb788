/**
 * What a cluster client listens to. Channels and patterns are heard on one connection, to any node that is well; shard channels
 * on one connection for each node that serves their slots. When a node is gone, says nothing or has lost a slot, another
 * connection takes over and says for how long nobody listened.
 */
import type { Command } from "ioredis";
import { setUnrefTimeout, clock, type Timer } from "../clock.js";
import type { Client } from "../client/host.js";
import type { BatchStream, CallOptions, Dispatcher } from "../engine/ports.js";
import { slotOfCommand } from "../ioredis/commands.js";
import type { Layout } from "./layout.js";
import { Listener } from "./listener.js";
import type { ClusterNode } from "./node.js";
import { anyOf } from "./read-preference.js";

export interface SubscriptionsParts {
  readonly layout: Layout;
  /** A client for the address of a node that does nothing but listen. */
  readonly open: (node: ClusterNode) => Client;
  readonly deliver: (event: string, args: readonly unknown[]) => void;
  /** The table may be old. */
  readonly refresh: () => void;
}

const SHARDED: ReadonlySet<string> = new Set(["ssubscribe", "sunsubscribe"]);
/** A lost connection may come back by itself for this long before another node is chosen, while it has one. Milliseconds. */
const PATIENCE = 100;

export class Subscriptions implements Dispatcher {
  readonly #parts: SubscriptionsParts;
  #listener: Listener | undefined = undefined;
  #node: ClusterNode | undefined = undefined;
  readonly #shards = new Map<ClusterNode, Listener>();
  /** Which node's connection hears the shard channels of a slot. */
  readonly #homes = new Map<number, { readonly node: ClusterNode; readonly channels: Set<string> }>();
  #timer: Timer | undefined = undefined;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  dispatch(command: Command, _stream: BatchStream | undefined, options: CallOptions | undefined): void {
    const isSharded = SHARDED.has(command.name.toLowerCase());
    const listener = isSharded ? this.#shardOf(command) : (this.#listener ?? this.#start());
    if (listener === undefined) command.reject(new Error("No subscriber for the cluster"));
    else listener.dispatch(command, options);
  }

  /** The connection on which channels are heard, for code that looks at it. */
  get client(): Client | null {
    return this.#listener?.client ?? null;
  }

  /** A new table: connections to nodes that are no longer in it move, and so do slots that have another owner. */
  changed(): void {
    const { layout } = this.#parts;
    const isGone = this.#node !== undefined && layout.node(this.#node.key) !== this.#node;
    if (isGone) this.#move();
    for (const [slot, { node, channels }] of [...this.#homes]) {
      const owner = layout.owners[slot];
      if (owner !== undefined && owner !== node) this.#moveShard(slot, node, owner, channels);
    }
    for (const [node, listener] of this.#shards) {
      if (!listener.isIdle || [...this.#homes.values()].some((home) => home.node === node)) continue;
      this.#shards.delete(node);
      listener.end();
    }
  }

  end(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#listener?.end();
    this.#listener = this.#node = undefined;
    for (const listener of this.#shards.values()) listener.end();
    this.#shards.clear();
    this.#homes.clear();
  }

  // ---- channels and patterns

  #start(): Listener | undefined {
    const node = this.#choose(undefined);
    if (node === undefined) return undefined;
    this.#node = node;
    return (this.#listener = this.#listenerFor(node, () => this.#lost()));
  }

  #choose(not: ClusterNode | undefined): ClusterNode | undefined {
    const nodes = this.#parts.layout.all.filter((node) => node !== not);
    return anyOf(nodes.filter((node) => node.isWell)) ?? anyOf(nodes);
  }

  #lost(): void {
    this.#parts.refresh();
    this.#timer ??= setUnrefTimeout(() => {
      this.#timer = undefined;
      if (this.#listener?.isWell === false) this.#move();
    }, PATIENCE);
  }

  #move(): void {
    const from = this.#listener;
    const node = this.#choose(this.#node);
    if (from === undefined || node === undefined) return;
    this.#node = node;
    const to = (this.#listener = this.#listenerFor(node, () => this.#lost()));
    void this.#takeOver(to, from);
  }

  async #takeOver(to: Listener, from: Listener): Promise<void> {
    const heard = await to.takeOver(from).catch(() => undefined);
    const count = heard === undefined ? 0 : heard.channels.length + heard.patterns.length;
    if (count > 0 && this.#listener === to) this.#parts.deliver("resubscribed", [heard]);
  }

  // ---- shard channels

  #shardOf(command: Command): Listener | undefined {
    const slot = slotOfCommand(command);
    const owner = this.#parts.layout.owners[slot];
    if (owner === undefined) return undefined;
    const home = this.#homes.get(slot) ?? { node: owner, channels: new Set<string>() };
    this.#homes.set(slot, home);
    const channels = command.args.map(String);
    for (const channel of channels) {
      if (command.name.toLowerCase() === "ssubscribe") home.channels.add(channel);
      else home.channels.delete(channel);
    }
    if (home.channels.size === 0) this.#homes.delete(slot);
    return this.#shard(home.node);
  }

  #shard(node: ClusterNode): Listener {
    let listener = this.#shards.get(node);
    if (listener === undefined) {
      this.#shards.set(node, (listener = this.#listenerFor(node, () => this.#parts.refresh())));
    }
    return listener;
  }

  #moveShard(slot: number, from: ClusterNode, to: ClusterNode, channels: Set<string>): void {
    this.#homes.set(slot, { node: to, channels });
    const old = this.#shards.get(from);
    const since = old?.isWell === true ? clock.now() : (old?.lastReadAt ?? clock.now());
    const names = [...channels];
    old?.remove("ssubscribe", names);
    void this.#shard(to)
      .add("ssubscribe", names)
      .then(
        () => {
          const gap = Math.max(0, Math.round(clock.now() - since));
          this.#parts.deliver("resubscribed", [{ channels: [], patterns: [], shardChannels: names, gap }]);
        },
        () => this.#parts.refresh(),
      );
  }

  #listenerFor(node: ClusterNode, lost: () => void): Listener {
    return new Listener(this.#parts.open(node), { deliver: this.#parts.deliver, lost });
  }
}
