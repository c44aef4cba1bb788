/**
 * A scenario is data: everything that a run does and suffers, and nothing that happens by itself. A seed makes one; the
 * shrinker takes parts out of it; a kept one is a test.
 */
import type { ClusterAction, ClusterData } from "../cluster/scenario.js";
import type { RefusalCode } from "../server/server.js";
import type { Conditions } from "../world/network.js";

/** A command with an identity: its number is in its arguments, so that the server's log tells which call was executed. */
export interface CommandData {
  readonly id: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly keys: readonly string[];
  readonly writes: boolean;
  /** A second execution leaves the same state and gives the same reply. */
  readonly isSafe: boolean;
  /** The server's log can tell it from every other. */
  readonly hasIdentity: boolean;
}

/** The limits of one call, as `with()` takes them. Milliseconds. */
export interface ViewData {
  readonly deadline?: number | undefined;
  /** The caller's signal fires so long after the call. */
  readonly abortAfter?: number | undefined;
  /** One signal for all calls with this number; it never fires. */
  readonly sharedSignal?: number | undefined;
}

/** What the function given to `transaction()` does between reading and writing. */
export type Meddling = "none" | "watch-other" | "unwatch-watch" | "reset";

export type Action =
  | { readonly do: "command"; readonly command: CommandData; readonly view?: ViewData; readonly callback?: boolean }
  | { readonly do: "pipeline"; readonly commands: readonly CommandData[]; readonly isBad?: boolean }
  | { readonly do: "multi"; readonly commands: readonly CommandData[] }
  | {
      readonly do: "interactive";
      readonly commands: readonly CommandData[];
      /** Milliseconds between two of its commands. */
      readonly gap: number;
      readonly inPipeline: boolean;
    }
  | {
      readonly do: "transaction";
      readonly id: number;
      readonly key: string;
      readonly other: string;
      readonly pause: number;
      readonly meddling: Meddling;
      /** With `watch` of one's own on a borrowed connection, instead of `transaction()`. */
      readonly byHand: boolean;
    }
  | {
      readonly do: "lease";
      readonly commands: readonly CommandData[];
      readonly gap: number;
      /** Of a cluster: for whose slot. */
      readonly key?: string;
      readonly database?: number;
    }
  | {
      readonly do: "block";
      readonly name: "blpop" | "brpop";
      readonly key: string;
      readonly seconds: number;
      readonly view?: ViewData;
    }
  | { readonly do: "pop"; readonly name: "lpop" | "rpop"; readonly key: string }
  | { readonly do: "select"; readonly database: number }
  | { readonly do: "subscribe" | "unsubscribe"; readonly channel: string }
  | { readonly do: "publish"; readonly channel: string; readonly id: number }
  | {
      readonly do: "script";
      readonly command: CommandData;
      readonly how: "eval" | "define";
      readonly inPipeline: boolean;
    }
  | { readonly do: "burst"; readonly count: number; readonly id: number }
  | { readonly do: "duplicate" }
  | { readonly do: "close"; readonly drain: number }
  | { readonly do: "quit" | "disconnect" | "connect" | "redial" }
  | { readonly do: "stall"; readonly ms: number };

/** Steps with the same `at` run in one turn of the event loop. */
export interface Step {
  readonly at: number;
  readonly client: number;
  readonly action: Action;
}

export type FaultAction =
  | { readonly do: "reset" | "end" | "deaf-down" | "deaf-both" | "freeze" | "thaw" | "start" | "light" }
  | { readonly do: "reset-after"; readonly direction: "up" | "down"; readonly bytes: number }
  | { readonly do: "dark"; readonly cuts: boolean }
  | { readonly do: "crash"; readonly losesData: boolean }
  | { readonly do: "refuse"; readonly code: RefusalCode; readonly ms: number; readonly count: number }
  | { readonly do: "conditions"; readonly conditions: Partial<Conditions> }
  | { readonly do: "thinks"; readonly ms: number }
  | { readonly do: "door"; readonly how: "close" | "maxclients" | "open" }
  | { readonly do: "dns"; readonly error: string | undefined }
  | { readonly do: "demote" }
  | { readonly do: "failover" }
  | { readonly do: "move-name" }
  | { readonly do: "say"; readonly text: string }
  | { readonly do: "flush-scripts" }
  | { readonly do: "sentinel"; readonly which: number; readonly how: "freeze" | "refuse" | "thaw" }
  | { readonly do: "deny-select" }
  | { readonly do: "rival"; readonly key: string; readonly id: number; readonly database: number }
  /** One node of a cluster, or its connections. */
  | { readonly do: "node"; readonly which: number; readonly action: FaultAction }
  | { readonly do: "cluster"; readonly action: ClusterAction };

export interface Fault {
  readonly at: number;
  readonly action: FaultAction;
}

export interface ClientData {
  readonly profile: "production" | "cache" | "worker" | "test";
  readonly deadline?: number | undefined;
  readonly ambiguous?: "reads" | "safe" | "replay" | undefined;
  readonly queue?: false | { readonly maxCommands: number } | undefined;
  readonly breaker?: false | undefined;
  readonly lanes?: number | undefined;
  readonly database?: number | undefined;
  readonly protocol?: 2 | 3 | undefined;
  readonly keyPrefix?: string | undefined;
  readonly autoPipelining?: boolean | undefined;
  readonly lazy?: boolean | undefined;
  readonly waitsForEver?: boolean | undefined;
  readonly skipsReadyCheck?: boolean | undefined;
  /** Of a cluster: where reads may go. */
  readonly scaleReads?: "slave" | "all" | undefined;
}

/** What a run may expect of its world. */
export type WorldKind =
  | "calm"
  | "stalls"
  | "impatient"
  | "slow-start"
  | "burst"
  | "lossy"
  | "server"
  | "refusals"
  | "demotion"
  | "failover"
  | "hostile"
  | "mixed";

/** Sentinels that watch the servers, and by which clients find them. */
export interface SentinelsData {
  /** How much later than the first, which conducts each failover, each of them hears of a new master. Milliseconds. */
  readonly hearAfter: readonly number[];
  /** Clients are told of a failover, and need not ask. */
  readonly tells: boolean;
}

export interface Scenario {
  readonly seed: number;
  readonly world: WorldKind;
  readonly conditions: Conditions;
  readonly password?: string | undefined;
  readonly lag: number;
  readonly sentinels?: SentinelsData | undefined;
  readonly cluster?: ClusterData | undefined;
  /** Where the name leads at first: nothing is up before. Milliseconds. */
  readonly serverStartsAt: number;
  readonly clients: readonly ClientData[];
  readonly steps: readonly Step[];
  readonly faults: readonly Fault[];
  /** From here on nothing is wrong any more. Milliseconds. */
  readonly healsAt: number;
}

/** Replies arrive as they were sent. A scenario is written as JSON, which has no Infinity. */
export const WHOLE = 1e9;
/** A refusal that is not counted. */
export const ALWAYS = 1e9;

/** Worlds in which servers and network do all they should: what goes wrong there is the client's doing. */
export const HEALTHY: ReadonlySet<WorldKind> = new Set(["calm", "stalls", "impatient", "burst"]);
