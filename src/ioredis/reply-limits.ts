/**
 * Limits on what a server may send, before the decoder has collected it: a line without an end, or a length that nothing true has,
 * would fill the memory of this process. RESP is a flat sequence of lines, some followed by as many bytes as they say, so a few numbers are
 * all there is to remember between two chunks. They also tell where a reply ends.
 */

/** What is wrong: a line that does not end, or the length of a reply that is above the limit. */
export type Excess = "a line without an end" | TooLong;

/** A server has announced what is too long to be read. */
export interface TooLong {
  /** Bytes of a value, or elements of a list. */
  readonly announced: number;
  readonly unit: "bytes" | "elements";
  /** Bytes that are allowed. */
  readonly allowed: number;
}

/** The longest line: status, error or header. Bytes. */
const LONGEST_LINE = 65_536;
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

const MAP = 37;
const ATTRIBUTE = 124;

/** Types whose line is a number of bytes, or of elements: `*`, `~`, `>` and `%`. */
const COUNTS = Array.from({ length: 256 }, (_, type) => isBulk(type) || [42, 126, 62, 37].includes(type));

/** What a server says of itself while a connection is set up, INFO above all, is never held to less. Bytes. */
const HANDSHAKE = 1_048_576;

export class ReplyLimits {
  readonly #allowed: number;
  #longest: number;
  /** Bytes of a payload and its line break that are still to come. */
  #skip = 0;
  /** Bytes of the present line so far. */
  #line = 0;
  #type = 0;
  /** The number in a header. */
  #number = 0;
  /** Elements that are still to come of the present reply; 0 between two replies. */
  #elements = 0;
  /** How far `scan` got. */
  end = 0;

  /** `longest`: bytes that a value may have, or a list at the least. */
  constructor(longest: number) {
    this.#allowed = this.#longest = longest;
  }

  /** A new connection. */
  reset(): void {
    this.#skip = this.#line = this.#elements = 0;
    this.#longest = Math.max(this.#allowed, HANDSHAKE);
  }

  /** The connection serves: what comes is what callers have asked for. */
  ready(): void {
    this.#longest = this.#allowed;
  }

  /** All replies that have begun have come whole. */
  get isBetween(): boolean {
    return this.#elements === 0 && this.#skip === 0 && this.#line === 0;
  }

  /**
   * Follows the next bytes of the connection, to the end of the chunk or of the reply: sets `end`. It sees every reply, so it keeps
   * to plain bytes and local numbers.
   */
  scan(chunk: Uint8Array, from = 0, oneReply = false): Excess | undefined {
    const { length } = chunk;
    let elements = this.#elements;
    let at = from + this.#skip;
    this.#skip = 0;
    if (at >= length) {
      this.end = length;
      this.#skip = at - length;
      return undefined;
    }
    if (at > from && elements === 0 && oneReply) {
      this.end = at;
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
        if (elements > 0) elements--;
        if (COUNTS[type]) {
          if (isBulk(type)) {
            if (number > longest) return { announced: number, unit: "bytes", allowed: longest };
            if (number >= 0) at += number + 2;
          } else if (number * SHORTEST_ELEMENT > longest)
            return { announced: number, unit: "elements", allowed: longest };
          else if (number > 0) elements += type === MAP ? 2 * number : number;
        } else if (type === ATTRIBUTE) elements += 2 * number + 1;
        if (elements === 0 && oneReply) break;
        continue;
      } else if (byte >= ZERO && byte <= NINE) number = number * 10 + (byte - ZERO);
      // A null: nothing follows.
      else if (byte === MINUS) number = -Infinity;
      if (++line > LONGEST_LINE) return "a line without an end";
    }
    this.end = Math.min(at, length);
    this.#skip = Math.max(0, at - length);
    this.#elements = elements;
    this.#line = line;
    this.#type = type;
    this.#number = number;
    return undefined;
  }
}
