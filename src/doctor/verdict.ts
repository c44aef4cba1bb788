/**
 * One sentence out of many findings: the first broken link of the chain, in the words of the finding that explains it
 * best, and the single most useful next step.
 */
import type { Finding } from "./finding.js";
import type { CheckReport, Verdict } from "./report.js";

export function verdictOf(reports: readonly CheckReport[], address: string, faulty: readonly string[] = []): Verdict {
  const findings = reports.flatMap((report) => report.findings);
  const fails = findings.filter((finding) => finding.status === "fail");
  const broken = fails.find((finding) => finding.explains === undefined) ?? fails[0];
  const unfinished = reports.findIndex((report) => faulty.includes(report.id));
  const failedAt = broken === undefined ? -1 : reports.findIndex((report) => report.id === broken.check);
  if (unfinished >= 0 && (failedAt < 0 || unfinished < failedAt)) {
    const report = reports[unfinished];
    return {
      status: "unknown",
      check: report?.id,
      sentence: `The doctor could not finish the check "${report?.title ?? ""}": ${report?.findings[0]?.evidence ?? ""}.`,
    };
  }
  if (broken !== undefined) return failedVerdict(broken, findings);
  const warnings = findings.filter((finding) => finding.status === "warn");
  const [first] = warnings;
  if (first === undefined)
    return { status: "healthy", sentence: `${address} is healthy: every link of the chain holds.` };
  const more = warnings.length === 1 ? "one warning" : `${String(warnings.length)} warnings, the first`;
  return {
    status: "warnings",
    check: first.check,
    code: first.code,
    sentence: `${address} answers, with ${more}: ${first.meaning}`,
    next: first.next[0],
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
