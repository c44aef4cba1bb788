/** The shape of one row of the catalogue: everything this package has to say about a code. Data only. */
import type { Code } from "../codes.js";
import type { Area, BreakerEffect, Severity } from "../diagnosis.js";
import type { Text } from "../template.js";

/**
 * What the failure proves about the command.
 * `never`: it cannot have reached the server (unless it is known to have been written before).
 * `refused`: the server answered instead of executing (unless the answer came from inside a script).
 * `lost`: it may have been executed.
 */
export type Proof = "never" | "refused" | "lost";

export interface Entry {
  readonly code: Code;
  readonly area: Area;
  readonly severity: Severity;
  readonly retryable: boolean;
  readonly breaker: BreakerEffect;
  readonly applied: Proof;
  /** Two to five words, lower case, as they stand in a log line. */
  readonly name: string;
  /** One sentence: what happened. */
  readonly title: string;
  /** What it proves and what not. Two or three sentences. */
  readonly means: string;
  /** Likely causes, the most likely first. */
  readonly why: readonly Text[];
  /** First steps, in order. */
  readonly next: readonly Text[];
  readonly findOut: readonly Text[];
  readonly fix: readonly Text[];
  readonly prevent: readonly Text[];
  /** Recorded texts that mean this and need no context. */
  readonly examples: readonly string[];
  /** Why no test produces it for real; recorded texts stand in. */
  readonly recorded?: string;
  /** Why the log has no line under this code. */
  readonly unlogged?: string;
}
