/**
 * Decodes the plain replies, which most are, without ioredis's decoder: a value, a status, a number, a null or a list of them
 * that has come whole, to a command that does nothing but wait for it. What is text in the end becomes text at once, and not a buffer first.
 * Everything else (errors, pushes, what is cut in two by the end of a chunk) is left to ioredis, from a reply's first byte to its last. A
 * fuzz test compares the two.
 */
import type { Command } from "ioredis";
import { isInstrumented } from "./instrumentation.js";
import type { RedisInternals } from "./internals.js";
import { reportBug } from "./report-bug.js";
import { ReplyQueue } from "./reply-queue.js";

const CR = 13;
const LF = 10;
const PLUS = 43;
const COLON = 58;
const DOLLAR = 36;
const STAR = 42;
const PERCENT = 37;
const TILDE = 126;
const COMMA = 44;
const UNDERSCORE = 95;
const MINUS = 45;
const ZERO = 48;

/** Integers of more digits are ioredis's: not all of them are numbers that hold them. */
const MOST_DIGITS = 15;

/** Lists within lists that are read here. */
const DEEPEST = 8;
/** Bytes of the shortest element of a list: `_` and the line break. */
const SHORTEST = 3;

/** The replies of all MULTIs and of most writes. */
const STATUSES: readonly (readonly [text: string, bytes: Buffer])[] = ["OK", "QUEUED"].map((text) => [
  text,
  Buffer.from(text),
]);

export class QuickReplies {
  readonly #redis: RedisInternals;
  readonly #longest: number;
  readonly #hasTextNumbers: boolean;
  /** Where the number that was read last ended, behind its line break; 0 if it was none, or not whole. */
  #next = 0;

  /** `longest`: bytes that a value may have. */
  constructor(redis: RedisInternals, longest: number) {
    this.#redis = redis;
    this.#longest = longest;
    this.#hasTextNumbers = redis.options.stringNumbers === true;
  }

  /** Whether there is a command whose reply may be read here. */
  get isPossible(): boolean {
    return this.#queue !== undefined;
  }

  get #queue(): ReplyQueue | undefined {
    const { status, condition, commandQueue: queue } = this.#redis;
    if (status !== "ready" || condition?.subscriber !== false || isInstrumented()) return undefined;
    return queue instanceof ReplyQueue && queue.length > 0 ? queue : undefined;
  }

  /** Hands out the replies from `from` on, which is the first byte of one, as far as it can; returns where the next one begins. */
  read(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    while (at < length) {
      const queue = this.#queue;
      const command = queue?.waiting;
      const value = command && this.#valueAt(chunk, at, isText(command), 0);
      if (queue === undefined || value === undefined) break;
      at = this.#next;
      try {
        queue.answer(value);
      } catch (thrown) {
        // As in ioredis, where a handler of replies throws: the reply has been taken, and the next one belongs to the next command.
        reportBug(thrown);
      }
    }
    return at;
  }

  /** `undefined`: it is not plain, not whole or too long. Sets `#next`. */
  #valueAt(chunk: Buffer, at: number, asText: boolean, depth: number): unknown {
    switch (chunk[at]) {
      case DOLLAR:
        return this.#bulkAt(chunk, at + 1, asText);
      case PLUS:
        return this.#statusAt(chunk, at + 1, asText);
      case STAR:
        return this.#listAt(chunk, at + 1, 1, asText, depth);
      case TILDE:
        return this.#hasPlainShapes ? this.#listAt(chunk, at + 1, 1, asText, depth) : undefined;
      case PERCENT:
        return this.#hasPlainShapes ? this.#listAt(chunk, at + 1, 2, asText, depth) : undefined;
      case COMMA:
        return this.#hasPlainShapes && !this.#hasTextNumbers ? this.#statusAt(chunk, at + 1, asText) : undefined;
      case COLON: {
        if (this.#hasTextNumbers) return undefined;
        const isNegative = chunk[at + 1] === MINUS;
        const number = this.#numberAt(chunk, isNegative ? at + 2 : at + 1);
        if (this.#next === 0) return undefined;
        return isNegative ? -number : number;
      }
      case UNDERSCORE:
        if (this.#redis.condition?.protocol !== 3 || chunk[at + 1] !== CR || chunk[at + 2] !== LF) return undefined;
        this.#next = at + 3;
        return null;
      default:
        return undefined;
    }
  }

  #bulkAt(chunk: Buffer, at: number, asText: boolean): unknown {
    if (chunk[at] === MINUS) {
      if (chunk[at + 1] !== ZERO + 1 || chunk[at + 2] !== CR || chunk[at + 3] !== LF) return undefined;
      this.#next = at + 4;
      return null;
    }
    const size = this.#numberAt(chunk, at);
    const begin = this.#next;
    const end = begin + size;
    if (begin === 0 || size > this.#longest || chunk[end] !== CR || chunk[end + 1] !== LF) return undefined;
    this.#next = end + 2;
    return asText ? chunk.toString("utf8", begin, end) : chunk.subarray(begin, end);
  }

  /** ioredis makes of RESP3's maps, sets and doubles what RESP2 had in their place: flat lists and text. */
  get #hasPlainShapes(): boolean {
    const { condition } = this.#redis;
    return condition?.protocol === 3 && condition.replyMapping === "legacy";
  }

  /** `parts`: values that make one of its elements. */
  #listAt(chunk: Buffer, from: number, parts: number, asText: boolean, depth: number): unknown[] | undefined {
    if (depth === DEEPEST) return undefined;
    const size = this.#numberAt(chunk, from) * parts;
    let at = this.#next;
    let shortest = SHORTEST;
    if (at === 0 || size * SHORTEST > this.#longest) return undefined;
    const list: unknown[] = [];
    while (list.length < size) {
      // Not whole, most likely: nothing is read in vain.
      if ((size - list.length) * shortest > chunk.length - at) return undefined;
      const value = this.#valueAt(chunk, at, asText, depth + 1);
      if (value === undefined) return undefined;
      list.push(value);
      // Elements are often alike.
      if (list.length === 1) shortest = this.#next - at;
      at = this.#next;
    }
    return list;
  }

  #statusAt(chunk: Buffer, at: number, asText: boolean): unknown {
    const end = chunk.indexOf(CR, at);
    if (end < 0 || chunk[end + 1] !== LF) return undefined;
    this.#next = end + 2;
    if (!asText) return chunk.subarray(at, end);
    for (const [text, bytes] of STATUSES) {
      if (bytes.length === end - at && chunk[at] === bytes[0] && bytes.compare(chunk, at, end) === 0) return text;
    }
    return chunk.toString("utf8", at, end);
  }

  /** A whole number without a sign, and sets `#next` behind its line break, or to 0. */
  #numberAt(chunk: Buffer, from: number): number {
    let number = 0;
    let at = from;
    for (;;) {
      const digit = (chunk[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
      at++;
    }
    const isWhole = at > from && at - from <= MOST_DIGITS && chunk[at] === CR && chunk[at + 1] === LF;
    this.#next = isWhole ? at + 2 : 0;
    return number;
  }
}

/** ioredis would turn the reply to this command into text. */
function isText(command: Command): boolean {
  return (command as unknown as { readonly replyEncoding?: string | null }).replyEncoding === "utf8";
}
