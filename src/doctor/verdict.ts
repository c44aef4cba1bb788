/**
 * One sentence out of many findings: the first broken link of the chain, in the words of the finding that explains it
 * best, and the single most useful next step.
 */
import type { NextStep } from "../failure/diagnosis.js";
import type { Finding } from "./finding.js";
import type { CheckReport, Verdict } from "./report.js";

/** What a run has left open. */
export interface Open {
  /** Ids of checks of the chain that could not be finished. */
  readonly faulty: readonly string[];
  /** Ids of all checks that there was no time for. */
  readonly unreached: readonly string[];
  /** Milliseconds that the run had. */
  readonly timeout: number;
}

/** The verdict over all checks, in the order of the chain. */
export function verdictOf(reports: readonly CheckReport[], address: string, open: Open): Verdict {
  const findings = reports.flatMap((report) => report.findings);
  const fails = findings.filter((finding) => finding.status === "fail");
  const broken = fails.find((finding) => finding.explains === undefined) ?? fails[0];
  const unfinished = reports.findIndex((report) => open.faulty.includes(report.id));
  const failedAt = broken === undefined ? -1 : reports.findIndex((report) => report.id === broken.check);
  const stopped = reports[unfinished];
  if (stopped !== undefined && (failedAt < 0 || unfinished < failedAt)) return unknownVerdict(stopped, open);
  if (broken !== undefined) return failedVerdict(broken, findings);
  const warnings = findings.filter((finding) => finding.status === "warn");
  const [first] = warnings;
  if (first === undefined) return unwarned(reports, address, open);
  const more = warnings.length === 1 ? "one warning" : `${String(warnings.length)} warnings, the first`;
  return {
    status: "warnings",
    check: first.check,
    code: first.code,
    sentence: `${address} answers, with ${more}: ${first.meaning}`,
    next: first.next[0],
  };
}

const MORE_TIME: NextStep = { say: "Give it more time: the same command with --timeout 30s" };

/** Healthy is only what has been looked at. */
function unwarned(reports: readonly CheckReport[], address: string, { unreached, timeout }: Open): Verdict {
  const missed = reports.filter((report) => unreached.includes(report.id));
  const [first] = missed;
  if (first === undefined) {
    const hidden = reports.filter((report) => report.findings.some(({ skipped }) => skipped === "denied"));
    const but = hidden.length === 0 ? "" : ` This user may not see everything: ${titles(hidden)} (NOPERM).`;
    return { status: "healthy", sentence: `${address} is healthy: every link of the chain holds.${but}` };
  }
  return {
    status: "warnings",
    check: first.id,
    sentence: `${address} answers, and slowly: the run's ${String(timeout)} ms ended before it could look at ${titles(missed)}.`,
    next: MORE_TIME,
  };
}

function titles(reports: readonly CheckReport[]): string {
  return reports.map((report) => `"${report.title}"`).join(", ");
}

function unknownVerdict(report: CheckReport, { unreached, timeout }: Open): Verdict {
  const base = { status: "unknown", check: report.id } as const;
  if (unreached.includes(report.id)) {
    return {
      ...base,
      sentence: `The run's ${String(timeout)} ms ended before the check "${report.title}" did. Nothing had failed until then; it only took long.`,
      next: MORE_TIME,
    };
  }
  return {
    ...base,
    sentence: `The doctor could not finish the check "${report.title}": ${report.findings[0]?.evidence ?? "no reason is known"}.`,
    next: { say: "Run it again; if it says so again, report it with the output of --json" },
  };
}

function failedVerdict(broken: Finding, findings: readonly Finding[]): Verdict {
  const cause = findings.find((one) => one.status === "fail" && one.explains === broken.check) ?? broken;
  return {
    status: "failed",
    check: broken.check,
    code: cause.code ?? broken.code,
    sentence: cause.meaning,
    next: cause.next[0] ?? broken.next[0],
  };
}
