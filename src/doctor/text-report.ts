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
  /** Characters in a line; commands are never broken. Default: 80. */
  readonly width?: number | undefined;
}

const WORDS: Readonly<Record<Status, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL", skip: "skip" };
const SYMBOLS: Readonly<Record<Status, string>> = { ok: "✔", warn: "▲", fail: "✖", skip: "–" };
const COLORS: Readonly<Record<Status, number>> = { ok: 32, warn: 33, fail: 31, skip: 2 };
const TITLE_WIDTH = 20;
/** `[FAIL] `, as wide as a coloured symbol and its spaces. */
const INDENT = 7;
const DEFAULT_WIDTH = 80;
const LEAST_WIDTH = 40;

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
  return names.length === 0 ? [] : entry("skip", "Not reached", names.join(", "), style);
}

/** The first line: what is looked at, and where that came from. */
export function headLine(address: string, origins: Readonly<Record<string, string>>, style: TextStyle): string {
  const from = [...new Set(Object.values(origins))].filter((origin) => origin !== "default").join(", ");
  const [first = "", ...rest] = hung(
    `ioredoubt doctor  ${address}${from === "" ? "" : `  (from ${from})`}`,
    0,
    INDENT,
    style,
  );
  return [first.replace("ioredoubt doctor", paint("ioredoubt doctor", 1, style)), ...rest].join("\n");
}

/** One check: a line for each finding, and below a bad one what it means and what to do. */
export function checkLines(check: CheckReport, style: TextStyle): string[] {
  return check.findings.flatMap((finding, i) => {
    const time = i === 0 && check.elapsed > 0 ? ` (${String(check.elapsed)} ms)` : "";
    const lines = entry(finding.status, i === 0 ? check.title : "", `${finding.evidence}${time}`, style);
    if (finding.status === "ok" || finding.status === "skip") return lines;
    const limit = finding.threshold === undefined ? [] : below(`limit: ${finding.threshold}`, style);
    const steps = finding.next.slice(0, 3).flatMap((step) => stepLines("→ ", step, style));
    return [...lines, ...below(finding.meaning, style), ...limit, ...steps];
  });
}

/** Mark, title and what was seen; further lines stand under what was seen. */
function entry(status: Status, title: string, seen: string, style: TextStyle): string[] {
  const [first = "", ...rest] = hung(seen, INDENT + TITLE_WIDTH + 1, INDENT + TITLE_WIDTH + 1, style);
  return [`${mark(status, style)} ${title.padEnd(TITLE_WIDTH)} ${first.trimStart()}`, ...rest];
}

function below(text: string, style: TextStyle): string[] {
  return hung(text, INDENT, INDENT, style);
}

/** Lines no wider than the terminal: the first begins at one column, the rest at another. A word that is longer stays whole. */
function hung(text: string, first: number, rest: number, style: TextStyle): string[] {
  const width = Math.max(LEAST_WIDTH, style.width ?? DEFAULT_WIDTH);
  const lines: string[] = [];
  let line = " ".repeat(first);
  let isEmpty = true;
  for (const [word] of text.matchAll(/(?:\(\d+ ms\)|\S+)\s*/g)) {
    if (!isEmpty && line.length + word.trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = " ".repeat(rest);
    }
    line += word;
    isEmpty = false;
  }
  return [...lines, line.trimEnd()];
}

/** What to do, and the command in the same line where it fits; else in a line of its own, whole, so that it can be copied. */
function stepLines(lead: string, { say, run }: NextStep, style: TextStyle): string[] {
  const hang = INDENT + lead.length;
  if (run === undefined) return hung(`${lead}${say}`, INDENT, hang, style);
  const words = `${lead}${say}${say.endsWith("?") ? "" : ":"}`;
  if (INDENT + words.length + 1 + run.length <= (style.width ?? DEFAULT_WIDTH)) {
    return [`${" ".repeat(INDENT)}${words} ${paint(run, 36, style)}`];
  }
  return [...hung(words, INDENT, hang, style), `${" ".repeat(hang)}${paint(run, 36, style)}`];
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
  const [first = "", ...rest] = hung(`Verdict: ${verdict.sentence}${code}`, INDENT, INDENT, style);
  const head = first.trimStart().replace("Verdict:", paint("Verdict:", 1, style));
  const lines = [`${mark(VERDICTS[verdict.status], style)} ${head}`, ...rest];
  if (verdict.next !== undefined) lines.push(...stepLines("Next: ", verdict.next, style));
  lines.push(paint(`       ${formatDuration(elapsed)}`, 2, style));
  return lines;
}

function mark(status: Status, style: TextStyle): string {
  return style.color ? `   ${paint(SYMBOLS[status], COLORS[status], style)}  ` : `[${WORDS[status]}]`;
}

function paint(text: string, code: number, { color }: TextStyle): string {
  return color ? `\u001b[${String(code)}m${text}\u001b[0m` : text;
}
