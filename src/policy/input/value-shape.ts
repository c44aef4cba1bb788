/**
 * Talking about a wrong value without showing it: its shape, never its text, because any value may turn out to be a
 * secret that landed in the wrong place. Also what befalls a value on its way through env files and templates.
 */

/** What a value is, in words: `a string of 14 characters`. Holds nothing of a string's text. */
export function shapeOf(value: unknown): string {
  if (value === undefined || value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return stringOf(value.length);
  if (typeof value === "number") return Number.isNaN(value) ? "NaN" : "a number";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function stringOf(length: number): string {
  return length === 0 ? "an empty string" : `a string of ${length} ${length === 1 ? "character" : "characters"}`;
}

/** Like `shapeOf`, but shows numbers: for places where a number is expected and cannot be a secret. */
export function numberOrShape(value: unknown): string {
  return typeof value === "number" ? String(value) : shapeOf(value);
}

const PLACEHOLDER = /\$\{|\$\(|\{\{|<[a-z_-]+>/i;
/** `$REDIS_HOST` as all of a value or of a part of a URL. */
const SHELL_VARIABLE = /(?:^|[:@/])\$[A-Z][A-Z_]{2,}(?=[:@/]|$)/;

/**
 * What env files and templates did to a value, told by its form: quotes and comments that some readers keep as part of the
 * value (`docker --env-file` does), and placeholders that nothing filled in. Advice, or `undefined`. Not for passwords: they may
 * hold anything.
 */
export function mistakeIn(text: string): string | undefined {
  if (/^["'`]|["'`]$/.test(text.trim())) return "must not be in quotes: the quotes became part of the value";
  if (PLACEHOLDER.test(text) || SHELL_VARIABLE.test(text)) return "holds a placeholder that was not replaced";
  if (/\s#/.test(text)) return "must not have a comment behind it: the comment became part of the value";
  return undefined;
}

/** Whether a password is nothing but `${REDIS_PASSWORD}`, `$REDIS_PASSWORD`, `$(…)` or `{{ … }}`. */
export function isPlaceholder(text: string): boolean {
  return /^(?:\$\{\w+\}|\$\(\w+\)|\{\{.*\}\}|\$[A-Z][A-Z_]{2,})$/.test(text);
}
