/** The report as lines of text. Pure; colour only where it is asked for. */
import { formatDuration } from "../format.js";
import type { NextStep } from "../failure/diagnosis.js";
import type { Status } from "./finding.js";
import type { CheckReport, Report, Verdict } from "./report.js";
import { isNotReached } from "./run-checks.js";

/** How lines are written. */
export interface TextStyle {
  /** Symbols and colours, for a terminal. Otherwise plain words that can be searched. */
  readonly color: boolean;
}

const WORDS: Readonly<Record<Status, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL", skip: "skip" };
const SYMBOLS: Readonly<Record<Status, string>> = { ok: "✔", warn: "▲", fail: "✖", skip: "–" };
const COLORS: Readonly<Record<Status, number>> = { ok: 32, warn: 33, fail: 31, skip: 2 };
const TITLE_WIDTH = 20;

/** The whole report, ending with the verdict. */
export function renderText(report: Report, style: TextStyle = { color: false }): string {
  const lines = [headLine(report.target.address, report.target.origins, style)];
  for (const check of report.checks) if (!isNotReached(check)) lines.push(...checkLines(check, style));
  lines.push(...notReachedLines(report.checks, style));
  return `${[...lines, "", ...verdictLines(report.verdict, report.elapsed, style)].join("\n")}\n`;
}

/** One line for all that had to be left out. */
export function notReachedLines(checks: readonly CheckReport[], style: TextStyle): string[] {
  const names = checks.filter(isNotReached).map((check) => check.title);
  return names.length === 0 ? [] : [`${mark("skip", style)} ${"Not reached".padEnd(TITLE_WIDTH)} ${names.join(", ")}`];
}

/** The first line: what is looked at, and where that came from. */
export function headLine(address: string, origins: Readonly<Record<string, string>>, style: TextStyle): string {
  const from = [...new Set(Object.values(origins))].filter((origin) => origin !== "default").join(", ");
  return `${paint("ioredoubt doctor", 1, style)}  ${address}${from === "" ? "" : `  (from ${from})`}`;
}

/** One check: a line for each finding, and below a bad one what it means and what to do. */
export function checkLines(check: CheckReport, style: TextStyle): string[] {
  return check.findings.flatMap((finding, i) => {
    const title = (i === 0 ? check.title : "").padEnd(TITLE_WIDTH);
    const time = i === 0 && check.elapsed > 0 ? paint(` (${String(check.elapsed)} ms)`, 2, style) : "";
    const line = `${mark(finding.status, style)} ${title} ${finding.evidence}${time}`;
    if (finding.status === "ok" || finding.status === "skip") return [line];
    const limit = finding.threshold === undefined ? [] : [`       limit: ${finding.threshold}`];
    const steps = finding.next.slice(0, 3).map((step) => `       → ${stepText(step, style)}`);
    return [line, `       ${finding.meaning}`, ...limit, ...steps];
  });
}

const VERDICTS: Readonly<Record<Verdict["status"], Status>> = {
  healthy: "ok",
  warnings: "warn",
  failed: "fail",
  unknown: "warn",
};

/** The last lines: the verdict, the next step and how long the run took in milliseconds (`elapsed`). */
export function verdictLines(verdict: Verdict, elapsed: number, style: TextStyle): string[] {
  const code = verdict.code === undefined ? "" : ` [${verdict.code}]`;
  const lines = [`${mark(VERDICTS[verdict.status], style)} ${paint("Verdict:", 1, style)} ${verdict.sentence}${code}`];
  if (verdict.next !== undefined) {
    lines.push(`       Next: ${stepText(verdict.next, style)}`);
  }
  lines.push(paint(`       ${formatDuration(elapsed)}`, 2, style));
  return lines;
}

function stepText({ say, run }: NextStep, style: TextStyle): string {
  if (run === undefined) return say;
  return `${say}${say.endsWith("?") ? "" : ":"} ${paint(run, 36, style)}`;
}

function mark(status: Status, style: TextStyle): string {
  return style.color ? `  ${paint(SYMBOLS[status], COLORS[status], style)}  ` : `[${WORDS[status]}]`;
}

function paint(text: string, code: number, { color }: TextStyle): string {
  return color ? `\u001b[${String(code)}m${text}\u001b[0m` : text;
}
