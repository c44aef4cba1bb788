/**
 * Reads single command arguments as the server will see them: strings, numbers and Buffers alike. Knows no command.
 * Options are short ASCII words, so a long argument is never one and is not decoded: it may be a value of megabytes.
 */

/** The longest option or subcommand of any command is far shorter than this. */
const LONGEST_WORD = 32;

/** The argument as text, or `undefined` when it is nothing that ioredis sends as it stands (an object, null). */
export function textOf(argument: unknown): string | undefined {
  if (typeof argument === "string") return argument;
  if (typeof argument === "number" || typeof argument === "bigint") return String(argument);
  // latin1 keeps every byte apart, so two texts are equal only if the bytes are.
  if (argument instanceof Uint8Array) return Buffer.from(argument).toString("latin1");
  return undefined;
}

/** The argument as an option or subcommand in lower case; `""` when it cannot be one. */
export function wordOf(argument: unknown): string {
  if (typeof argument === "string" || argument instanceof Uint8Array) {
    if (argument.length > LONGEST_WORD) return "";
  }
  return textOf(argument)?.toLowerCase() ?? "";
}

/** The argument as a decimal integer, or `undefined`. */
export function integerOf(argument: unknown): number | undefined {
  const word = wordOf(argument);
  return /^-?\d+$/.test(word) ? Number(word) : undefined;
}

/** Whether two arguments may name the same key. Says yes when it cannot tell. */
export function maybeSameKey(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array || other instanceof Uint8Array) {
    const [left, right] = [bytesOf(one), bytesOf(other)];
    return left === undefined || right === undefined || left.equals(right);
  }
  const [left, right] = [textOf(one), textOf(other)];
  return left === undefined || right === undefined || left === right;
}

function bytesOf(argument: unknown): Buffer | undefined {
  if (argument instanceof Uint8Array) return Buffer.from(argument);
  const text = textOf(argument);
  return text === undefined ? undefined : Buffer.from(text);
}
