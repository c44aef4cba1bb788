export interface FaultsOptions {
  /** How long the storm lasts. */
  readonly seconds: number;
  readonly seed: number;
  /** Makes one client under test, connected through the fault proxy. It is closed by `disconnect()` at the end. */
  readonly makeClient: (where: { host: string; port: number }) => unknown;
  /** Default 4. */
  readonly clients?: number;
  /** Operations per second of all clients together; MULTI and pipelines count as one. Default 800. */
  readonly perSecond?: number;
  /** Milliseconds after the storm within which everything must have settled. Default 8000. */
  readonly settleWithin?: number;
  /** Told the name of each fault as it begins, and `calm` in between. */
  readonly onPhase?: (phase: string) => void;
}

export interface FaultsVerdict {
  readonly seed: number;
  /** The faults that happened, in order. */
  readonly faults: readonly string[];
  readonly issued: number;
  readonly acknowledged: number;
  readonly failed: number;
  /** Not settled within `settleWithin` after the storm. */
  readonly unsettled: number;
  /** Milliseconds of the slowest call that did settle. */
  readonly slowest: number;
  readonly executedTwice: number;
  /** Acknowledged, but not in the server's data. */
  readonly lostAcknowledgements: number;
  /** Failed with `applied: "no"`, but executed. */
  readonly falseNo: number;
  /** Transactions or scripts of which a part was executed. */
  readonly torn: number;
  /** Failed without knowing whether they were applied: how many were, and how many were not. */
  readonly unknownExecuted: number;
  readonly unknownNot: number;
  /** Replies that cannot be right: another command's, or of a second execution. */
  readonly wrongReplies: number;
  readonly unhandled: readonly string[];
  readonly codes: Readonly<Record<string, number>>;
  /** By the fault that was on when a command was issued. */
  readonly phases: Readonly<Record<string, { readonly issued: number; readonly acknowledged: number }>>;
  /** Acknowledged share of what was issued while the server was neither killed nor frozen. */
  readonly availability: number;
}

/**
 * Starts a server (AOF, every write on disk before its reply) and a fault proxy, lets random faults loose on the clients
 * for a while, and compares what they were told with what the server did.
 */
export declare function runFaults(options: FaultsOptions): Promise<FaultsVerdict>;
