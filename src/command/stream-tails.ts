/** Where an XREAD asks for "what comes after now". Knows the command's grammar, nothing of connections. */
import { textOf, wordOf } from "./arguments.js";

/** `$` as the id of a stream: later than the newest entry at the moment the server reads it. */
export interface StreamTail {
  readonly key: string | Buffer;
  /** Index of the `$` among the arguments. */
  readonly at: number;
}

/** The streams that an XREAD reads from now on; none for any other command. Never throws on odd arguments. */
export function streamTailsOf(name: string, args: readonly unknown[]): StreamTail[] {
  if (name.toLowerCase() !== "xread") return [];
  const first = args.findIndex((arg) => wordOf(arg) === "streams") + 1;
  const count = (args.length - first) / 2;
  if (first === 0 || !Number.isInteger(count)) return [];
  const tails: StreamTail[] = [];
  for (let at = first + count; at < args.length; at++) {
    const key = args[at - count];
    if (textOf(args[at]) === "$" && (typeof key === "string" || Buffer.isBuffer(key))) tails.push({ key, at });
  }
  return tails;
}
