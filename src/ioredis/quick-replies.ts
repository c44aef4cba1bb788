/**
 * Decodes the plain replies, which most are, without ioredis's decoder: a value, a status, an integer or a null that has come
 * whole, to a command that does nothing but wait for it. What is text in the end becomes text at once, and not a buffer first. Everything else
 * (lists, errors, pushes, what is cut in two by the end of a chunk) is left to ioredis, from a reply's first byte to its last. A fuzz test compares
 * the two.
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
const UNDERSCORE = 95;
const MINUS = 45;
const ZERO = 48;

/** Integers of more digits are ioredis's: not all of them are numbers that hold them. */
const MOST_DIGITS = 15;

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
      const value = command && this.#valueAt(chunk, at, command);
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
  #valueAt(chunk: Buffer, at: number, command: Command): unknown {
    switch (chunk[at]) {
      case DOLLAR:
        return this.#bulkAt(chunk, at + 1, command);
      case PLUS:
        return this.#statusAt(chunk, at + 1, command);
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

  #bulkAt(chunk: Buffer, at: number, command: Command): unknown {
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
    return isText(command) ? chunk.toString("utf8", begin, end) : chunk.subarray(begin, end);
  }

  #statusAt(chunk: Buffer, at: number, command: Command): unknown {
    const end = chunk.indexOf(CR, at);
    if (end < 0 || chunk[end + 1] !== LF) return undefined;
    this.#next = end + 2;
    if (!isText(command)) return chunk.subarray(at, end);
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
