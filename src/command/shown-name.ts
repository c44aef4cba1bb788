/**
 * A command's name as it may be shown. `call()` takes any text for a name, and what stands there by mistake may be a whole line with
 * its values, or a password: only what can be nothing but a name is repeated.
 */
import { COMMAND_TABLE } from "./table.js";

/** A module's command, or one that is newer than this package: `JSON.SET`, `FT.SEARCH`. */
const LIKE_A_NAME = /^[a-z]{1,24}(?:[._|-][a-z0-9]{1,24}){0,3}$/i;

/** Stands for a name that may hold more than a name. */
const HIDDEN = "unknown-command";

/** The name as it is, or a word that stands for it. */
export function shownName(name: string): string {
  return COMMAND_TABLE.has(name.toLowerCase()) || LIKE_A_NAME.test(name) ? name : HIDDEN;
}
