/**
 * What one check reports: a measured fact, what it proves and what to do next. Plain data that goes to the terminal, into
 * JSON and into HTML unchanged, so it may never hold a secret.
 */
import type { Code } from "../failure/codes.js";
import type { Diagnosis, NextStep } from "../failure/diagnosis.js";
import type { Topic } from "./topics.js";

/** `skip`: not looked at, the evidence says why. It is never a pass. */
export type Status = "ok" | "warn" | "fail" | "skip";

/** One finding of a report. */
export interface Finding {
  readonly status: Status;
  /** Id of the check that found it. */
  readonly check: string;
  /** What was measured or seen. */
  readonly evidence: string;
  /** The limit the evidence was held against. */
  readonly threshold?: string | undefined;
  readonly meaning: string;
  /** Why a skipped check was not looked at: the server refused to tell this user, or a check it builds on failed. */
  readonly skipped?: "denied" | "not-reached" | undefined;
  readonly next: readonly NextStep[];
  readonly code?: Code | undefined;
  readonly topic: Topic;
  /** Id of an earlier check in the chain whose failure this one explains. */
  readonly explains?: string | undefined;
}

/** A finding as a check writes it; the runner adds the check's id and, where none is given, its topic. */
export type Draft = Omit<Finding, "check" | "topic" | "next"> & {
  readonly next?: readonly NextStep[] | undefined;
  readonly topic?: Topic | undefined;
};

/** Nothing wrong: what was seen, and what it means. */
export function ok(evidence: string, meaning: string, threshold?: string): Draft {
  return { status: "ok", evidence, meaning, threshold };
}

/** Not looked at: the reason, and what follows from it. */
export function skip(why: string, meaning: string = "Not looked at."): Draft {
  return { status: "skip", evidence: why, meaning };
}

/** What the server does not tell this user. `why`: its refusal. */
export function denied(why: string): Draft {
  return { ...skip(why, "This user may not ask; a skip is not a pass."), skipped: "denied" };
}

/** A failure in the classifier's own words; `extra` replaces what the check knows better. */
export function failed(diagnosis: Diagnosis, evidence: string, extra: Partial<Draft> = {}): Draft {
  const likely = diagnosis.why[0];
  return {
    status: "fail",
    code: diagnosis.code,
    evidence,
    meaning: likely === undefined ? diagnosis.title : `${diagnosis.title} Likely: ${likely}`,
    next: diagnosis.next,
    ...extra,
  };
}

const RANK: Readonly<Record<Status, number>> = { ok: 0, skip: 1, warn: 2, fail: 3 };

/** The worst status of a list; `skip` only when nothing was looked at. */
export function worst(findings: readonly { readonly status: Status }[]): Status {
  const looked = findings.filter((finding) => finding.status !== "skip");
  if (looked.length === 0) return "skip";
  return looked.reduce<Status>((most, { status }) => (RANK[status] > RANK[most] ? status : most), "ok");
}
