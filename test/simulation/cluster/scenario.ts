/** What a scenario says of a cluster. */

export interface ClusterData {
  /** Masters; each has one replica. */
  readonly shards: number;
  /** What keys have between braces: each is a slot. */
  readonly tags: readonly string[];
  /** A node hears of a change up to so much later than the one that makes it. Milliseconds. */
  readonly gossip: number;
  /** Each node's share of the latency, shard by shard, the master first; 1 where nothing is said. */
  readonly nearness?: readonly number[] | undefined;
  /** While a shard has no master nobody is served. */
  readonly needsAll: boolean;
}

/** Which node of a shard: as it is when the fault comes. */
export type NodeRole = "master" | "replica";

/** Each has its own end: with the world healed, everything is over. Milliseconds. */
export type ClusterAction =
  | {
      /** The slot of a tag moves to another shard, key by key. */
      readonly do: "migrate";
      readonly tag: string;
      readonly to: number;
      /** Between two keys. */
      readonly gap: number;
      /** From the last key to the end. */
      readonly pause: number;
    }
  | {
      /** CLUSTER FAILOVER: the master stands still for so long, and nothing is lost. */
      readonly do: "hand-over";
      readonly shard: number;
      readonly ms: number;
    }
  | {
      /** A process is killed, or stops. */
      readonly do: "kill" | "stop";
      readonly shard: number;
      readonly role: NodeRole;
      /** For so long it is away. */
      readonly ms: number;
      /** A master that is away for longer is replaced by its replica. */
      readonly timeout: number;
    };
