/**
 * `ioredoubt explain`: what a failure code, or a pasted error text, means and what to do. Offline; it reads the
 * catalogue and nothing else.
 */
import { readFileSync } from "node:fs";
import { entryOf, isCode } from "../failure/catalogue.js";
import { classify } from "../failure/classify.js";
import { CODES, type Code } from "../failure/codes.js";
import { factsOf, NO_FACTS, type Facts } from "../failure/facts.js";
import { renderList, renderText, wrap } from "../failure-pages/render.js";
import { unwrap } from "../failure/unwrap.js";
import { closest } from "../suggest.js";
import { readingsOf } from "./readings.js";

/** Where the text goes. `columns` is the width of the terminal, if it is one. */
export interface Output {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

/** What `ioredoubt explain --help` prints. */
export const EXPLAIN_HELP = `ioredoubt explain: what a failure means and what to do

  ioredoubt explain                    all codes, by area
  ioredoubt explain CONNECTION_REFUSED one code
  ioredoubt explain "<error text>"     whatever the text means; quote it, or pipe it in with -

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
  const asCode = text.toUpperCase().replace(/[\s-]+/g, "_");
  if (isCode(asCode)) {
    out.write(renderText(entryOf(asCode), width));
    return 0;
  }
  const { seen } = classify(text);
  const named = codeNamedIn(text);
  if (named !== undefined) return recognised(named, seen, text, width, out);
  for (const reading of readingsOf(text)) {
    const { code, seen: words } = classify(reading);
    if (code !== "UNKNOWN") return recognised(code, words, text, width, out);
  }
  const mentioned = text.match(/\b[A-Z][A-Z_]{2,}\b/g)?.find((word) => isCode(word) && word !== "UNKNOWN");
  if (isCode(mentioned)) return recognised(mentioned, seen, text, width, out);
  const near = /^[A-Z_]{3,40}$/.test(asCode) ? closest(asCode, CODES) : undefined;
  if (near !== undefined) {
    out.write(`There is no code ${asCode}. The nearest is ${near}.\n\n${renderText(entryOf(near), width)}`);
    return 0;
  }
  const lines = wrap(`Not recognised: ${seen}`, width, "  ");
  out.write(`${lines.join("\n")}\n\n${renderText(entryOf("UNKNOWN"), width)}\nAll codes: npx ioredoubt explain\n`);
  return 1;
}

/** A line of this package's log, or one of its errors, says itself what it is. */
function codeNamedIn(text: string): Code | undefined {
  const named = [...text.matchAll(/(?:"code":\s*"|\bcode: '|\()([A-Z_]{3,40})["')]/g)].map(([, code]) => code);
  return named.filter(isCode).find((code) => code !== "UNKNOWN");
}

function recognised(code: Code, seen: string, text: string, width: number, out: Output): number {
  out.write(
    `${wrap(`This text means ${code}: ${seen}`, width, "  ").join("\n")}\n\n${renderText(entryOf(code), width, factsIn(text))}`,
  );
  return 0;
}

/** The address a pasted text names. Where this command runs says nothing about where the text comes from. */
function factsIn(text: string): Facts {
  const { host, port, path, local, provider } = factsOf(
    { environment: { container: false, kubernetes: false } },
    unwrap(text),
  );
  return { ...NO_FACTS, host, port, path, local, provider };
}
