/**
 * Runs the checks: each as soon as what it needs has ended, independent ones side by side, each inside its own deadline. A
 * check that throws or hangs becomes a finding of its own and hides nothing.
 */
import { redactText } from "../failure/redact.js";
import type { Check, Context } from "./check.js";
import { skip, worst, type Draft, type Finding } from "./finding.js";
import type { CheckReport } from "./report.js";
import { held } from "./background.js";

/** Told about every check that starts and ends, for a live display. */
export interface RunEvents {
  started?(check: { readonly id: string; readonly title: string }): void;
  ended?(report: CheckReport): void;
}

interface Outcome {
  readonly report: CheckReport;
  /** Failed, or not reached: what builds on it cannot run. */
  readonly broken: boolean;
  /** The doctor's own fault: it threw or did not finish. */
  readonly faulty: boolean;
}

/** Reports in the order of `checks`. `faulty` are the ids of chain checks that the doctor could not finish. */
export async function runChecks(
  checks: readonly Check[],
  context: Context,
  events: RunEvents = {},
): Promise<{ readonly reports: readonly CheckReport[]; readonly faulty: readonly string[] }> {
  const running = new Map<string, Promise<Outcome>>();
  const awaited = async (ids: readonly string[] = []): Promise<Outcome[]> =>
    Promise.all(ids.flatMap((id) => running.get(id) ?? []));
  for (const check of checks) {
    const run = async (): Promise<Outcome> => {
      const [needed] = await Promise.all([awaited(check.needs), awaited(check.after)]);
      const missing = needed.find((one) => one.broken);
      if (missing !== undefined) return notReached(check, missing, events);
      events.started?.(check);
      const outcome = await runOne(check, context);
      events.ended?.(outcome.report);
      return outcome;
    };
    running.set(check.id, run());
  }
  const outcomes = await Promise.all(running.values());
  return {
    reports: outcomes.map((one) => one.report),
    faulty: checks.filter((check, i) => check.chain === true && outcomes[i]?.faulty === true).map((check) => check.id),
  };
}

const NOT_REACHED = "Cannot be looked at before that is solved.";

/** Whether a check did not run because one it builds on failed. */
export function isNotReached(report: CheckReport): boolean {
  return report.findings[0]?.meaning === NOT_REACHED;
}

function notReached(check: Check, missing: Outcome, events: RunEvents): Outcome {
  const reason = missing.report.status === "skip" ? "was not reached" : "failed";
  const report = reportOf(check, [skip(`${missing.report.id} ${reason}`, NOT_REACHED)], 0);
  events.ended?.(report);
  return { report, broken: true, faulty: false };
}

async function runOne(check: Check, context: Context): Promise<Outcome> {
  const start = performance.now();
  let faulty = false;
  let drafts: readonly Draft[];
  try {
    const done = await within(check.deadline, check.run(context));
    faulty = done === undefined;
    drafts = done ?? [late(check.deadline)];
  } catch (error) {
    faulty = true;
    drafts = [crashed(error)];
  }
  const report = reportOf(check, drafts, performance.now() - start);
  return { report, broken: faulty || report.status === "fail", faulty };
}

function reportOf(check: Check, drafts: readonly Draft[], elapsed: number): CheckReport {
  const findings = drafts.map((draft): Finding => ({
    ...draft,
    check: check.id,
    next: draft.next ?? [],
    topic: draft.topic ?? check.topic,
  }));
  return { id: check.id, title: check.title, status: worst(findings), elapsed: Math.round(elapsed), findings };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = held(setTimeout(resolve, ms, undefined));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

function late(deadline: number): Draft {
  return {
    status: "warn",
    evidence: `not finished after ${String(deadline)} ms`,
    threshold: `${String(deadline)} ms`,
    meaning: "This check took too long and was left behind; the others are not affected.",
  };
}

function crashed(error: unknown): Draft {
  return {
    status: "warn",
    evidence: redactText(error instanceof Error ? `${error.name}: ${error.message}` : String(error), 200),
    meaning: "This check of the doctor itself failed; the others are not affected.",
  };
}
