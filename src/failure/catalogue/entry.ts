/**
 * The shape of one row of the catalogue: what errors and log lines say about a code. Data only. The long texts, which only
 * the pages show, are in `src/failure-pages`.
 */
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

/** One code: what it proves, how loud it is, and the words for it. */
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
  /** Likely causes, the most likely first. */
  readonly why: readonly Text[];
  /** First steps, in order. */
  readonly next: readonly Text[];
}
