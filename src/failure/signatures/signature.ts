/** The shape of one row of the signature tables: what a failure looks like, and the code it means. */
import type { Code } from "../codes.js";
import type { Applied, BreakerEffect } from "../diagnosis.js";

/** All given fields must match. Rows are tried in order, so the narrower one stands first. */
export interface Signature {
  readonly code: Code;
  /** `error.code`, or the same word within the message. */
  readonly errno?: readonly string[];
  /** First word of a server's reply. */
  readonly word?: readonly string[];
  readonly text?: RegExp;
  readonly syscall?: string;
  /** The connection has never been ready. */
  readonly early?: true;
  /** Whether the command's bytes had left this process. */
  readonly written?: boolean;
  /**
   * The error names no cause of its own. `transparent`: what it wraps says more and takes its place. `config`: only a fault that
   * needs a person (a wrong password, an untrusted certificate) takes its place.
   */
  readonly wraps?: "transparent" | "config";
  /** What exactly this form of the failure tells; stands before the code's usual causes. */
  readonly why?: string;
  // What differs from the code's catalogue entry.
  readonly applied?: Applied;
  readonly retryable?: boolean;
  readonly breaker?: BreakerEffect;
}
