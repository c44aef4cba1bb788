/**
 * `ioredoubt explain`: what a failure code, or a pasted error text, means and what to do. Offline; it reads the
 * catalogue and nothing else.
 */
import { readFileSync } from "node:fs";
import { entryOf, isCode } from "../failure/catalogue.js";
import { classify } from "../failure/classify.js";
import { CODES, type Code } from "../failure/codes.js";
import { factsOf, NO_FACTS, type Facts } from "../failure/facts.js";
import { renderList, renderText } from "../failure-pages/render.js";
import {
  CLASSES,
  CLOSED_ELSEWHERE,
  MAX_RETRIES,
  OWN_TEXTS,
  REPLY_ERROR,
  type ClassPage,
} from "../failure-pages/own-texts.js";
import { unwrap } from "../failure/unwrap.js";
import { closest } from "../suggest.js";
import { wrap } from "../wrap.js";
import { linesOf, readingsOf } from "./readings.js";

/** Where the text goes. `columns` is the width of the terminal, if it is one. */
export interface Output {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

/** What `ioredoubt explain --help` prints. */
export const EXPLAIN_HELP = `ioredoubt explain: what a failure means and what to do

  ioredoubt explain                    all codes, by area
  ioredoubt explain CONNECTION_REFUSED one code, or several; the name of a class
                                       such as DeadlineError does as well
  ioredoubt explain "<error text>"     what the text means; quote it, or pipe it
                                       in with -

Exit code: 0, or 1 when neither a code nor a known failure was found.
`;

const DEFAULT_WIDTH = 80;
const MAX_WIDTH = 100;
const MIN_WIDTH = 40;

/** Runs the command and returns its exit code. */
export function runExplain(args: readonly string[], out: Output): number {
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, out.columns ?? DEFAULT_WIDTH));
  const [first] = args;
  if (first === "--help" || first === "-h") {
    out.write(EXPLAIN_HELP);
    return 0;
  }
  const text = (first === "-" ? readFileSync(0, "utf8") : args.join(" ")).trim();
  if (text === "") {
    out.write(`${renderList(width)}\nOne of them: npx ioredoubt explain CONNECTION_REFUSED\n`);
    return 0;
  }
  return explain(text, width, out);
}

function explain(text: string, width: number, out: Output): number {
  const several = namesIn(text);
  if (several.length > 0) {
    out.write(several.map((code) => renderText(entryOf(code), width)).join("\n"));
    return 0;
  }
  const asCode = codeLike(text);
  const { seen } = classify(text);
  const found = meaningOf(text);
  if (MAX_RETRIES.name.test(text) && (found === undefined || WITHOUT_CAUSE.has(found.code)))
    return classPage(MAX_RETRIES, width, out);
  if (found === undefined && REPLY_ERROR.name.test(text)) return classPage(REPLY_ERROR, width, out);
  if (found !== undefined) return recognised(found.code, found.seen, text, width, out);
  const near = /^[A-Z_]{3,40}$/.test(asCode) ? nearest(text, asCode) : undefined;
  if (near !== undefined) {
    out.write(`There is no code ${asCode}. Did you mean ${near}?\n\n${renderText(entryOf(near), width)}`);
    return 0;
  }
  const lines = wrap(`Not recognised: ${seen}`, width, "  ");
  out.write(`${lines.join("\n")}\n\n${renderText(entryOf("UNKNOWN"), width)}\nAll codes: npx ioredoubt explain\n`);
  return 1;
}

/** What MaxRetriesPerRequestError is classified as when it stands alone. */
const WITHOUT_CAUSE: ReadonlySet<Code> = new Set<Code>(["CONNECTION_LOST", "UNAVAILABLE"]);

/** The codes of a line that is nothing but codes and names of classes; none where one word is neither. */
function namesIn(text: string): readonly Code[] {
  const whole = codeLike(text);
  if (isCode(whole)) return [whole];
  const named = text.split(/[\s,]+/).map((word) => CLASSES[classNamed(word) ?? ""] ?? codeLike(word));
  return named.every(isCode) ? [...new Set(named)] : [];
}

function codeLike(text: string): string {
  return text.toUpperCase().replace(/[\s-]+/g, "_");
}

function classNamed(word: string): string | undefined {
  return Object.keys(CLASSES).find((name) => name.toLowerCase() === word.toLowerCase());
}

/** The code that a slip was meant to be, by its own name or by the name of a class. */
function nearest(text: string, asCode: string): Code | undefined {
  const byClass = closest(text, Object.keys(CLASSES));
  return closest(asCode, CODES) ?? (byClass === undefined ? undefined : CLASSES[byClass]);
}

interface Meaning {
  readonly code: Code;
  readonly seen: string;
}

/** What a pasted text says it is: by code, by the words or the class of an error of this package, or by those of others. */
function meaningOf(text: string): Meaning | undefined {
  const { seen } = classify(text);
  const named = codeNamedIn(text);
  if (named !== undefined) return { code: named, seen };
  const readings = readingsOf(text);
  for (const reading of readings) {
    const own = OWN_TEXTS.find(([pattern]) => pattern.test(reading))?.[1];
    if (own !== undefined && !(own === "CLIENT_CLOSED" && hasOtherCause(readings))) return { code: own, seen };
  }
  for (const reading of readings) {
    const { code, seen: words } = classify(reading);
    if (code !== "UNKNOWN") return { code, seen: words };
  }
  const name = Object.keys(CLASSES).find((one) => new RegExp(`\\b${one}\\b`).test(text));
  const code = name === undefined ? mentionedIn(text) : CLASSES[name];
  return code === undefined ? undefined : { code, seen };
}

/** A stack that ends in "Connection is closed." may hold the failure that closed it. */
function hasOtherCause(readings: readonly string[]): boolean {
  return readings.some(
    (reading) => !["UNKNOWN", "CONNECTION_LOST", "COMMAND_REFUSED"].includes(classify(reading).code),
  );
}

function mentionedIn(text: string): Code | undefined {
  return text.match(/\b[A-Z][A-Z_]{2,}\b/g)?.find((word): word is Code => isCode(word) && word !== "UNKNOWN");
}

function classPage({ title, paragraphs, steps }: ClassPage, width: number, out: Output): number {
  const list = steps.flatMap((step, i) => wrap(`${String(i + 1)}. ${step}`, width, "   "));
  const blocks = [[title], ...paragraphs.map((one) => wrap(one, width, "")), ["First steps", ...list]];
  out.write(`${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`);
  return 0;
}

/** A line of this package's log, or one of its errors, says itself what it is. */
function codeNamedIn(text: string): Code | undefined {
  const named = [...text.matchAll(/(?:"code":\s*"|\bcode: '|\()([A-Z_]{3,40})["')]/g)].map(([, code]) => code);
  return named.filter(isCode).find((code) => code !== "UNKNOWN");
}

function recognised(code: Code, seen: string, text: string, width: number, out: Output): number {
  const isBare = code === "CLIENT_CLOSED" && !/ClosedError|CLIENT_CLOSED/.test(text);
  const doubt = isBare ? `${wrap(CLOSED_ELSEWHERE, width, "  ").join("\n")}\n` : "";
  const others = othersIn(text, code);
  const also = others.length === 0 ? "" : `It also names ${list(others)}: ioredoubt explain ${others.join(" ")}`;
  const head = [`This text means ${code}: ${seen}`, also].filter((sentence) => sentence !== "");
  out.write(
    `${head.map((sentence) => wrap(sentence, width, "  ").join("\n")).join("\n")}\n${doubt}\n${renderText(entryOf(code), width, factsIn(text))}`,
  );
  return 0;
}

const OTHERS_LIMIT = 6;

/** What further lines of a pasted log mean, in their order. The lines of a stack mean nothing. */
function othersIn(text: string, code: Code): readonly Code[] {
  const lines = linesOf(text).filter((line) => !/^\s*at /.test(line));
  if (lines.length < 2) return [];
  const found = lines.flatMap((line) => meaningOf(line)?.code ?? []);
  return [...new Set(found)].filter((other) => other !== code && other !== "UNKNOWN").slice(0, OTHERS_LIMIT);
}

function list(words: readonly string[]): string {
  const last = words.length - 1;
  return last < 1 ? words.join("") : `${words.slice(0, last).join(", ")} and ${words[last] ?? ""}`;
}

/** The address a pasted text names. Where this command runs says nothing about where the text comes from. */
function factsIn(text: string): Facts {
  const { host, port, path, local, provider } = factsOf(
    { environment: { container: false, kubernetes: false } },
    unwrap(text),
  );
  return { ...NO_FACTS, host, port, path, local, provider };
}
