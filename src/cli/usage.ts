/** What a command says when it was called wrongly. Anything on the line may be a URL with its password, so little is repeated. */

import { closest } from "../suggest.js";
import { peek } from "../failure/peek.js";
import { isErrorLike } from "../failure/unwrap.js";

/** The command was called wrongly; the message says how. */
export class UsageError extends Error {}

/** What was wrong with the call, without credentials; `undefined` for any other error. `options`: what the command takes. */
export function usageProblem(error: unknown, options: readonly string[] = []): string | undefined {
  if (error instanceof UsageError) return error.message;
  if (!isErrorLike(error) || !String(peek(error, "code")).startsWith("ERR_PARSE_ARGS")) return undefined;
  const unknown = /^Unknown option '--([a-z-]+)'/.exec(error.message)?.[1];
  const meant = unknown === undefined ? undefined : closest(unknown, options);
  if (meant !== undefined) return `There is no option --${String(unknown)}; did you mean --${meant}?`;
  return looksSecret(error.message) ? "There is no such option. An address is written without dashes." : error.message;
}

/** A path as it may be repeated. */
export function shownPath(path: string): string {
  return looksSecret(path) ? "that file" : path;
}

/** The beginning of the variables' names, if it can be one. */
export function checkPrefix(prefix: string | undefined): string | undefined {
  if (prefix === undefined || /^\w*$/.test(prefix)) return prefix;
  throw new UsageError("--prefix must be the beginning of the variables' names: letters, digits and underscores");
}

function looksSecret(text: string): boolean {
  return /@|:\//.test(text);
}
