/** What is different between two runs, one line each, for `--watch`. */
import type { Report } from "./report.js";

/** A line for each check whose status changed, and one for the verdict; empty when nothing changed. */
export function changesBetween(before: Report, after: Report): string[] {
  const lines: string[] = [];
  for (const check of after.checks) {
    const old = before.checks.find((one) => one.id === check.id);
    if (old === undefined || old.status === check.status) continue;
    const telling = check.findings.find((one) => one.status === check.status);
    lines.push(
      `${check.title}: ${old.status} → ${check.status}${telling === undefined ? "" : `, ${telling.evidence}`}`,
    );
  }
  const same = before.verdict.status === after.verdict.status && before.verdict.code === after.verdict.code;
  if (!same) lines.push(`Verdict: ${before.verdict.status} → ${after.verdict.status}. ${after.verdict.sentence}`);
  return lines;
}
