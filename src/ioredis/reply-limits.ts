/**
 * Limits on what a server may send, before the decoder has collected it: a line without an end, or a length that nothing true has,
 * would fill the memory of this process. RESP is a flat sequence of lines, some followed by as many bytes as they say, so two numbers are
 * all there is to remember between two chunks.
 */

/** What is wrong, in words that follow "sent". */
export type Excess = "a line without an end" | "a reply longer than the limit";

/** The longest line: status, error or header. Bytes. */
const LONGEST_LINE = 65_536;
/** As the server's own `proto-max-bulk-len`. Bytes. */
export const LONGEST_REPLY = 536_870_912;
/** Bytes of the shortest element of a list: `_` and the line break. */
const SHORTEST_ELEMENT = 3;

const LF = 10;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

/** `$`, `=` and `!`: as many bytes follow. */
function isBulk(type: number): boolean {
  return type === 36 || type === 61 || type === 33;
}

/** Types whose line is a number of bytes, or of elements: `*`, `~`, `>` and `%`. */
const COUNTS = Array.from({ length: 256 }, (_, type) => isBulk(type) || [42, 126, 62, 37].includes(type));

export class ReplyLimits {
  readonly #longest: number;
  /** Bytes of a payload and its line break that are still to come. */
  #skip = 0;
  /** Bytes of the present line so far. */
  #line = 0;
  #type = 0;
  /** The number in a header. */
  #number = 0;

  constructor(longest: number = LONGEST_REPLY) {
    this.#longest = longest;
  }

  /** A new connection. */
  reset(): void {
    this.#skip = this.#line = 0;
  }

  /** Follows the next bytes of the connection. It sees every reply, so it keeps to plain bytes and local numbers. */
  scan(chunk: Uint8Array): Excess | undefined {
    const { length } = chunk;
    let at = this.#skip;
    if (at >= length) {
      this.#skip = at - length;
      return undefined;
    }
    let line = this.#line;
    let type = this.#type;
    let number = this.#number;
    const longest = this.#longest;
    while (at < length) {
      const byte = chunk[at++] as number;
      if (line === 0) {
        type = byte;
        number = 0;
      } else if (byte === LF) {
        line = 0;
        if (!COUNTS[type]) continue;
        if (isBulk(type)) {
          if (number > longest) return "a reply longer than the limit";
          if (number >= 0) at += number + 2;
        } else if (number * SHORTEST_ELEMENT > longest) return "a reply longer than the limit";
        continue;
      } else if (byte >= ZERO && byte <= NINE) number = number * 10 + (byte - ZERO);
      // A null: nothing follows.
      else if (byte === MINUS) number = -Infinity;
      if (++line > LONGEST_LINE) return "a line without an end";
    }
    this.#skip = at - length;
    this.#line = line;
    this.#type = type;
    this.#number = number;
    return undefined;
  }
}
