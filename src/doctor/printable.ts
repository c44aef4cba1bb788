/**
 * Text that may go to a terminal: whatever a server says, in a name, a setting or a log entry, it must not move the cursor, rename the
 * window or hide what stands beside it.
 */

/** Control characters, and marks that turn the direction of the text around them. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/** The text with each run of such characters replaced by a space. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, " ");
}
