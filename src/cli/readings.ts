/**
 * The ways to read a pasted text. People paste what they have: a line of a log with time and level before the words
 * that matter, a JSON line, a whole screen. The first reading is the text as it is.
 */
import { SIGNATURES } from "../failure/signatures.js";

const LINES_READ = 40;
const TEXT_READ = 20_000;

/** First words of replies, as they stand in the middle of a line. */
const REPLY = new RegExp(`\\b(?:ERR|${SIGNATURES.flatMap((row) => row.word ?? []).join("|")}) `, "g");
const NAMED_ERROR = /\b[\w.]*(?:Error|Exception|ErrorReply)(?: \[\w+\])?: /g;

/** The lines that are read. */
export function linesOf(pasted: string): string[] {
  return pasted.slice(0, TEXT_READ).split("\n").slice(0, LINES_READ);
}

/** The text itself, the messages a JSON line holds, then each line from every place where an error begins. */
export function readingsOf(pasted: string): string[] {
  const text = pasted.slice(0, TEXT_READ);
  const lines = linesOf(pasted);
  return [...new Set([text, ...lines.flatMap(messagesIn), ...lines.flatMap(beginnings)])];
}

/** `message`, `msg`, `seen` and `stack` of a log line in JSON, wherever they stand in it. */
function messagesIn(line: string): string[] {
  const start = line.indexOf("{");
  if (start < 0) return [];
  try {
    return strings(JSON.parse(line.slice(start)), 0);
  } catch {
    return [];
  }
}

const DEPTH_LIMIT = 5;

function strings(value: unknown, depth: number): string[] {
  if (typeof value !== "object" || value === null || depth > DEPTH_LIMIT) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (typeof inner === "object") return strings(inner, depth + 1);
    return typeof inner === "string" && TEXTS.has(key) ? [inner, ...beginnings(inner)] : [];
  });
}

const TEXTS: ReadonlySet<string> = new Set(["message", "msg", "seen", "stack", "error", "err", "reason"]);

function beginnings(line: string): string[] {
  const places = [...line.matchAll(NAMED_ERROR), ...line.matchAll(REPLY)].map(({ index }) => index);
  return [line.trim(), ...places.map((place) => line.slice(place).trim())];
}
