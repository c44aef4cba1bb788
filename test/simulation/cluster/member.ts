/** One node of a cluster beside its data: what it believes of the others, and what it says of slots that it does not serve. */
import { Fault, type Reply } from "../server/resp.js";
import type { Asked, Membership, Server } from "../server/server.js";
import { slotOf, type SlotTable } from "./slots.js";

const PORT = 6379;

export class Member implements Membership {
  readonly server: Server;
  readonly shard: number;
  table: SlotTable;
  /** Slots that are on their way from here, and to whom; and those on their way here. */
  readonly migrating = new Map<number, Server>();
  readonly importing = new Set<number>();
  /** A shard is known to have no master, and the cluster serves nobody without it. */
  isDown = false;
  readonly #all: () => readonly Member[];

  constructor(server: Server, shard: number, table: SlotTable, all: () => readonly Member[]) {
    this.server = server;
    this.shard = shard;
    this.table = table;
    this.#all = all;
  }

  /** In the order of Redis 7.0's `getNodeByQuery`. */
  redirect({ keys, isAsking, isReading, exists }: Asked): string | undefined {
    const [first] = keys;
    if (first === undefined) return undefined;
    const slot = slotOf(first);
    if (keys.some((key) => slotOf(key) !== slot)) return "CROSSSLOT Keys in request don't hash to the same slot";
    const owner = this.table.ownerOf(slot);
    if (owner === undefined) return "CLUSTERDOWN Hash slot not served";
    if (this.isDown) return "CLUSTERDOWN The cluster is down";
    const isOwn = owner === this.server;
    const missing = keys.filter((key) => !exists(key)).length;
    const next = isOwn ? this.migrating.get(slot) : undefined;
    if (next !== undefined && missing > 0) {
      return missing < keys.length ? TRYAGAIN : `ASK ${String(slot)} ${next.address}:${String(PORT)}`;
    }
    if (!isOwn && isAsking && this.importing.has(slot)) {
      return keys.length > 1 && missing > 0 ? TRYAGAIN : undefined;
    }
    if (isOwn || (isReading && this.server.role === "slave" && this.table.shardOf(slot) === this.shard))
      return undefined;
    return `MOVED ${String(slot)} ${owner.address}:${String(PORT)}`;
  }

  answer([word = ""]: readonly string[]): Reply {
    switch (word.toLowerCase()) {
      case "slots":
        return this.#slots();
      case "info":
        return `cluster_enabled:1\r\ncluster_state:${this.isDown ? "fail" : "ok"}\r\ncluster_slots_assigned:16384\r\n`;
      case "myid":
        return idOf(this.server);
      default:
        return new Fault(`ERR unknown subcommand '${word}'. Try CLUSTER HELP.`);
    }
  }

  /** Over the bus: everybody's subscribers hear it. */
  spread(channel: string, message: string): void {
    for (const { server } of this.#all()) {
      if (server === this.server) continue;
      server.clock.after(1, () => server.whenRunning(() => server.tell("message", channel, message)));
    }
  }

  #slots(): Reply {
    return this.table.ranges().map(({ from, to, shard }): Reply => {
      const master = this.table.masters[shard];
      const others = this.#all()
        .filter((member) => member.shard === shard && member.server !== master && member.server.door === "up")
        .map(({ server }) => server);
      const nodes = master === undefined ? others : [master, ...others];
      return [from, to, ...nodes.map((server): Reply => [server.address, PORT, idOf(server), []])];
    });
  }
}

const TRYAGAIN = "TRYAGAIN Multiple keys request during rehashing of slot";

function idOf({ address }: Server): string {
  return address.replaceAll(".", "").padEnd(40, "0");
}
