/**
 * Turns commands into the text that goes over the wire, as `toWritable` of ioredis's `Command` does, and says besides
 * whether it is plain ASCII: the bytes of such a text are copied, where any other has to be turned into UTF-8. A test compares
 * the two on random commands.
 */
import { Command } from "ioredis";

/** Up to so many characters a loop is quicker than asking Node for the length in bytes. */
const SHORT = 40;
const LAST_ASCII = 127;

/** How commands begin, by name and number of arguments. Bounded: `call()` accepts any name. */
const heads = new Map<string, string[]>();
const MAX_NAMES = 1_000;
const MAX_ARGUMENTS = 16;

// Only called on the commands that it belongs to.
const { toWritable } = Command.prototype as unknown as { readonly toWritable: unknown };

class Encoder {
  /** What was encoded since `begin` holds nothing but ASCII. */
  isAscii = true;

  begin(): void {
    this.isAscii = true;
  }

  /** `undefined`: ioredis has to do it, because the command has an argument that is no string, or ways of its own. */
  encode(command: Command): string | undefined {
    if ((command as unknown as { readonly toWritable: unknown }).toWritable !== toWritable) return undefined;
    const args = command.args as readonly unknown[];
    const { length } = args;
    let text = headOf(command.name, length);
    if (text === undefined) return undefined;
    for (let i = 0; i < length; i++) {
      const arg = args[i];
      if (typeof arg !== "string") return undefined;
      const bytes = lengthOf(arg);
      if (bytes !== arg.length) this.isAscii = false;
      text += `$${String(bytes)}\r\n${arg}\r\n`;
    }
    return text;
  }
}

/** One command is encoded at a time. */
export const encoder = new Encoder();

/** Up to the first argument; `undefined` for a name that is not ASCII. */
function headOf(name: string, args: number): string | undefined {
  return heads.get(name)?.[args] ?? makeHead(name, args);
}

function makeHead(name: string, args: number): string | undefined {
  if (lengthOf(name) !== name.length) return undefined;
  const head = `*${String(args + 1)}\r\n$${String(name.length)}\r\n${name}\r\n`;
  if (args <= MAX_ARGUMENTS) {
    const known = heads.get(name);
    if (known !== undefined) known[args] = head;
    else if (heads.size < MAX_NAMES) {
      const made: string[] = [];
      made[args] = head;
      heads.set(name, made);
    }
  }
  return head;
}

/** Bytes of a string in UTF-8. */
function lengthOf(text: string): number {
  const { length } = text;
  if (length > SHORT) return Buffer.byteLength(text);
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > LAST_ASCII) return Buffer.byteLength(text);
  return length;
}
