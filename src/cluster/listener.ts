/**
 * One connection that listens: for the channels and patterns of a cluster, which every node delivers, or for the shard channels
 * of one node. It remembers what was asked for, so that another connection can take over when its node is gone or says nothing.
 */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import type { Client } from "../client/host.js";
import { STATE } from "../client/state.js";
import type { CallOptions } from "../engine/ports.js";
import { ADAPTER } from "../ioredis/adapter.js";
import { makeCommand } from "../ioredis/commands.js";
import type { Resubscribed } from "../ioredis/resubscription.js";

export type Kind = "subscribe" | "psubscribe" | "ssubscribe";
export type Wishes = ReadonlyMap<Kind, ReadonlySet<string>>;

/** Events with which a connection delivers messages. */
const MESSAGES = ["message", "messageBuffer", "pmessage", "pmessageBuffer", "smessage", "smessageBuffer"] as const;
const KIND_OF: Readonly<Record<string, Kind>> = {
  subscribe: "subscribe",
  unsubscribe: "subscribe",
  psubscribe: "psubscribe",
  punsubscribe: "psubscribe",
  ssubscribe: "ssubscribe",
  sunsubscribe: "ssubscribe",
};

export interface ListenerHooks {
  /** A message, or `resubscribed`. */
  deliver(event: string, args: readonly unknown[]): void;
  /** The connection is lost. */
  lost(): void;
}

export class Listener {
  readonly client: Client;
  readonly #hooks: ListenerHooks;
  readonly #wishes = new Map<Kind, Set<string>>([
    ["subscribe", new Set()],
    ["psubscribe", new Set()],
    ["ssubscribe", new Set()],
  ]);
  #isOver = false;

  constructor(client: Client, hooks: ListenerHooks) {
    this.client = client;
    this.#hooks = hooks;
    for (const event of MESSAGES) client.on(event, (...args: unknown[]) => this.#deliver(event, args));
    client.on("resubscribed" as "message", (...args: unknown[]) => this.#deliver("resubscribed", args));
    client.on("error", ignore);
    client.on("close", () => {
      if (!this.#isOver) hooks.lost();
    });
  }

  get isWell(): boolean {
    const { engine } = this.client[STATE];
    return engine.isReady && !engine.isPausedBy("silence");
  }

  /** When something came from the server last, on the monotonic clock. */
  get lastReadAt(): number {
    return this.client[ADAPTER].transport.lastReadAt;
  }

  get wishes(): Wishes {
    return this.#wishes;
  }

  get isIdle(): boolean {
    for (const wished of this.#wishes.values()) if (wished.size > 0) return false;
    return this.client[STATE].engine.isIdle;
  }

  dispatch(command: Command, options: CallOptions | undefined): void {
    this.#note(command);
    this.client[STATE].dispatcher.dispatch(command, undefined, options);
  }

  /** Listens to these too. Resolves when the server has agreed. */
  async add(kind: Kind, channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    const command = makeCommand(kind, channels);
    this.dispatch(command, undefined);
    await command.promise;
  }

  /** Listens to these no longer. */
  remove(kind: Kind, channels: readonly string[]): void {
    const wished = this.#wishes.get(kind);
    const known = channels.filter((channel) => wished?.delete(channel) === true);
    if (known.length === 0 || !this.isWell) return;
    const command = makeCommand(kind === "ssubscribe" ? "sunsubscribe" : kind.replace("sub", "unsub"), known);
    this.client[STATE].dispatcher.dispatch(command, undefined, undefined);
    command.promise.catch(ignore);
  }

  /**
   * Takes the place of another one: hears all that it was to hear, and sends what waited there. Resolves to what is heard again once
   * the server has agreed.
   */
  async takeOver(from: Listener): Promise<Resubscribed> {
    const deafSince = from.lastReadAt;
    const wished = [...from.wishes].map(([kind, channels]) => [kind, [...channels]] as const);
    const { engine } = from.client[STATE];
    const waiting = engine.waitingCalls().map((call) => engine.owner.handOver(call));
    const heard = Promise.all(wished.map(([kind, channels]) => this.add(kind, channels)));
    for (const handover of waiting) {
      this.#note(handover.command);
      this.client[STATE].engine.adopt(handover, false);
    }
    from.end();
    await heard;
    const of = (kind: Kind): readonly string[] => wished.find(([name]) => name === kind)?.[1] ?? [];
    return {
      channels: of("subscribe"),
      patterns: of("psubscribe"),
      shardChannels: of("ssubscribe"),
      gap: Math.max(0, Math.round(clock.now() - deafSince)),
    };
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.client.disconnect();
  }

  #deliver(event: string, args: readonly unknown[]): void {
    if (!this.#isOver) this.#hooks.deliver(event, args);
  }

  /** What is asked for counts from now on: whoever takes over asks again. */
  #note(command: Command): void {
    const name = command.name.toLowerCase();
    const kind = KIND_OF[name];
    const wished = kind && this.#wishes.get(kind);
    if (wished === undefined) return;
    const channels = command.args.map(String);
    if (name === kind) {
      const fresh = channels.filter((channel) => !wished.has(channel));
      for (const channel of fresh) wished.add(channel);
      command.promise.catch(() => {
        for (const channel of fresh) wished.delete(channel);
      });
    } else if (channels.length === 0) wished.clear();
    else for (const channel of channels) wished.delete(channel);
  }
}

function ignore(): void {
  // Whoever subscribed is told; the connection's own failures are its node's.
}
