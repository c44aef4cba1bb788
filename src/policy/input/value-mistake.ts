/**
 * What befalls a value on its way through env files and templates, told by its form: quotes and comments that some readers
 * keep as part of the value (`docker --env-file` does), and placeholders that nothing filled in.
 */

const PLACEHOLDER = /\$\{|\$\(|\{\{|<[a-z_-]+>/i;
/** `$REDIS_HOST` as all of a value or of a part of a URL. */
const SHELL_VARIABLE = /(?:^|[:@/])\$[A-Z][A-Z_]{2,}(?=[:@/]|$)/;

/** Advice about a value that cannot hold any of these itself, or `undefined`. Not for passwords: they may hold anything. */
export function slipIn(text: string): string | undefined {
  if (/^["'`]|["'`]$/.test(text.trim())) return "must not be in quotes: the quotes became part of the value";
  if (PLACEHOLDER.test(text) || SHELL_VARIABLE.test(text)) return "holds a placeholder that was not replaced";
  if (/\s#/.test(text)) return "must not have a comment behind it: the comment became part of the value";
  return undefined;
}

/** Whether a password is nothing but `${REDIS_PASSWORD}`, `$REDIS_PASSWORD`, `$(…)` or `{{ … }}`. */
export function isPlaceholder(text: string): boolean {
  return /^(?:\$\{\w+\}|\$\(\w+\)|\{\{.*\}\}|\$[A-Z][A-Z_]{2,})$/.test(text);
}
