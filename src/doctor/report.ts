/** The doctor's report: the stable shape behind `--json` (version 1). Fields may be added; none changes its meaning. */
import type { Code } from "../failure/codes.js";
import type { NextStep } from "../failure/diagnosis.js";
import type { Finding, Status } from "./finding.js";

/** What one check found. Its status is the worst of its findings. */
export interface CheckReport {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  /** Milliseconds. */
  readonly elapsed: number;
  readonly findings: readonly Finding[];
}

/** The report in one sentence. */
export interface Verdict {
  /** `unknown`: the doctor itself could not finish a check of the chain. */
  readonly status: "healthy" | "warnings" | "failed" | "unknown";
  /** One or two sentences: the first broken link of the chain. */
  readonly sentence: string;
  /** The check it rests on. */
  readonly check?: string | undefined;
  readonly code?: Code | undefined;
  /** The single most useful next step. */
  readonly next?: NextStep | undefined;
}

/** What was looked at; never a password. */
export interface ReportTarget {
  /** `host:port`, a socket path, or `unknown`. */
  readonly address: string;
  readonly mode: "standalone" | "sentinel" | "cluster";
  readonly tls: boolean;
  readonly username?: string | undefined;
  readonly db: number;
  /** Part of the target to where it came from: `argument`, a variable's name, `options` or `default`. */
  readonly origins: Readonly<Record<string, string>>;
}

/** The whole report, version 1. */
export interface Report {
  readonly version: 1;
  readonly verdict: Verdict;
  readonly target: ReportTarget;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Milliseconds of the whole run. */
  readonly elapsed: number;
  readonly checks: readonly CheckReport[];
  readonly runtime: { readonly node: string; readonly platform: string };
}

/** The exit code that fits: 0 healthy or warnings only, 1 failed, 2 could not run. */
export function exitCodeOf(verdict: Verdict): number {
  return verdict.status === "failed" ? 1 : verdict.status === "unknown" ? 2 : 0;
}
