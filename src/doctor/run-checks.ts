/**
 * Runs the checks: each as soon as what it needs has ended, independent ones side by side, each inside its own deadline and
 * all inside the run's time. A check that throws or hangs becomes a finding of its own and hides nothing.
 */
import { within } from "../clock.js";
import { redactText } from "../failure/redact.js";
import { isErrorLike } from "../failure/unwrap.js";
import type { Check, Context } from "./check.js";
import { printable } from "./printable.js";
import { skip, worst, type Draft, type Finding } from "./finding.js";
import type { CheckReport } from "./report.js";
import { held } from "./background.js";
import { offered } from "./local/offered.js";

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
  /** The run's time was up before it had begun, or ended. */
  readonly unreached: boolean;
}

/** A dead server is to be told of within 6 s, by a machine that is busy itself. A longer run gives each check more time, too. */
export const USUAL_TIME = 5500;

/** What the checks came to. */
export interface Run {
  /** In the order of the checks. */
  readonly reports: readonly CheckReport[];
  /** Ids of chain checks that the doctor could not finish, also when it ran out of time. */
  readonly faulty: readonly string[];
  /** Ids of all checks that the run had no time for. */
  readonly unreached: readonly string[];
}

/** Runs the checks and waits for all of them, at most as long as the run has time. Never rejects. */
export async function runChecks(checks: readonly Check[], context: Context, events: RunEvents = {}): Promise<Run> {
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
  const idsOf = (isOne: (outcome: Outcome, check: Check) => boolean): string[] =>
    outcomes.flatMap((outcome, i) => {
      const check = checks[i];
      return check !== undefined && isOne(outcome, check) ? [check.id] : [];
    });
  return {
    reports: outcomes.map((one) => one.report),
    faulty: idsOf(({ faulty }, { chain }) => faulty && chain === true),
    unreached: idsOf(({ unreached }) => unreached),
  };
}

/** Whether a check did not run because one it builds on failed. */
export function isNotReached(report: CheckReport): boolean {
  return report.findings[0]?.skipped === "not-reached";
}

function notReached(check: Check, missing: Outcome, events: RunEvents): Outcome {
  const reason = missing.report.status === "skip" ? "was not reached" : "failed";
  const draft = skip(`${missing.report.id} ${reason}`, "Cannot be looked at before that is solved.");
  const report = reportOf(check, [{ ...draft, skipped: "not-reached" }], 0);
  events.ended?.(report);
  return { report, broken: true, faulty: false, unreached: false };
}

/** Milliseconds in which no check can do anything: timers are not exact. */
const LEAST = 10;

async function runOne(check: Check, context: Context): Promise<Outcome> {
  const start = performance.now();
  const left = context.left();
  const total = context.options.timeout;
  const deadline = Math.round(check.deadline * Math.max(1, total / USUAL_TIME));
  let faulty = false;
  let unreached = false;
  let drafts: readonly Draft[];
  try {
    const done =
      left < LEAST ? undefined : await within(check.run(context), Math.min(deadline, left), () => undefined, held);
    faulty = done === undefined;
    unreached = faulty && left <= deadline;
    drafts = done ?? [unreached ? timeIsUp(total, left) : late(deadline)];
  } catch (error) {
    faulty = true;
    drafts = [crashed(error)];
  }
  drafts = await Promise.all(drafts.map((draft) => withSteps(draft, context)));
  const report = reportOf(check, drafts, performance.now() - start);
  return { report, broken: faulty || report.status === "fail", faulty, unreached };
}

async function withSteps(draft: Draft, { machine, options }: Context): Promise<Draft> {
  // Nobody is shown the steps of a passive look
  if (draft.next === undefined || options.passive) return draft;
  return { ...draft, next: await offered(draft.next, machine) };
}

function reportOf(check: Check, drafts: readonly Draft[], elapsed: number): CheckReport {
  const findings = drafts.map((draft): Finding => ({
    ...draft,
    evidence: printable(draft.evidence),
    meaning: printable(draft.meaning),
    threshold: draft.threshold === undefined ? undefined : printable(draft.threshold),
    check: check.id,
    next: (draft.next ?? []).map(({ say, run }) => ({
      say: printable(say),
      ...(run === undefined ? {} : { run: printable(run) }),
    })),
    topic: draft.topic ?? check.topic,
  }));
  return { id: check.id, title: check.title, status: worst(findings), elapsed: Math.round(elapsed), findings };
}

function late(deadline: number): Draft {
  return {
    status: "warn",
    evidence: `not finished after ${String(deadline)} ms`,
    threshold: `${String(deadline)} ms`,
    meaning: "This check took too long and was left behind; the others are not affected.",
  };
}

/** Nothing is known to be wrong with what there was no time for: no warning, and no pass. */
function timeIsUp(total: number, got: number): Draft {
  const had = got < LEAST ? "none was left for this check" : `this check got the last ${String(Math.round(got))} ms`;
  return skip(`the run's ${String(total)} ms were used up; ${had}`, "Not looked at: out of time.");
}

function crashed(error: unknown): Draft {
  return {
    status: "warn",
    evidence: redactText(isErrorLike(error) ? `${error.name}: ${error.message}` : String(error), 200),
    meaning: "This check of the doctor itself failed; the others are not affected.",
  };
}
