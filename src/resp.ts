/**
 * Redis's wire format, as far as it is spoken past ioredis: by the doctor, which must work where the client under examination does
 * not, and to Sentinels (RESP2 and the RESP3 types that a push or a map may bring).
 */

/** A server's error reply; a value, not an exception. */
export class ErrorReply {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A reply in RESP2. */
export type Reply = string | number | null | ErrorReply | readonly Reply[];

/** More than any reply to the questions asked here has; a peer that is not Redis must not keep this process busy. */
export const LONGEST_REPLY = 4_000_000;
const LONGEST_LIST = 50_000;
const DEEPEST = 8;

/** Reads one reply at `at`. Undefined: not all of it has arrived. Throws what does not look like Redis. */
export function readReply(
  data: Buffer,
  at: number,
  depth: number = 0,
): { readonly value: Reply; readonly next: number } | undefined {
  const end = data.indexOf("\r\n", at, "latin1");
  if (end < 0) return undefined;
  const type = String.fromCharCode(data[at] ?? 0);
  const line = data.toString("utf8", at + 1, end);
  const next = end + 2;
  switch (type) {
    case "+":
    case ",":
    case "(":
    case "#":
      return { value: line, next };
    case "-":
      return { value: new ErrorReply(line), next };
    case ":":
      return { value: Number(line), next };
    case "_":
      return { value: null, next };
    case "$":
    case "=":
    case "!":
      return readBulk(data, next, sizeOf(line, LONGEST_REPLY), type);
    case "*":
    case "~":
    case ">":
      return readList(data, next, sizeOf(line, LONGEST_LIST), depth);
    case "%":
      return readList(data, next, sizeOf(line, LONGEST_LIST) * 2, depth);
    default:
      throw new NotRedisError(data.subarray(at, at + 80));
  }
}

/** The bytes are not Redis's protocol. Its message begins as ioredis's does, so that the classifier knows it. */
export class NotRedisError extends Error {
  constructor(bytes: Buffer) {
    super(`Unknown RESP type ${String(bytes[0] ?? 0)} "${bytes.toString("latin1", 0, 1)}"`);
    this.name = "NotRedisError";
  }
}

/** The reply may be Redis's, and is still more than anybody here wants to read. */
export class TooLargeError extends Error {
  constructor(what: string) {
    super(`a reply with ${what} is more than is read here`);
    this.name = "TooLargeError";
  }
}

function sizeOf(line: string, most: number): number {
  const size = Number(line);
  if (line === "" || !Number.isInteger(size)) throw new NotRedisError(Buffer.from(line));
  if (size > most) throw new TooLargeError(`size ${String(size)}`);
  return size;
}

function readBulk(data: Buffer, at: number, size: number, type: string): ReturnType<typeof readReply> {
  if (size < 0) return { value: null, next: at };
  if (data.length < at + size + 2) return undefined;
  const text = data.toString("utf8", at, at + size);
  return { value: type === "!" ? new ErrorReply(text) : text, next: at + size + 2 };
}

function readList(data: Buffer, at: number, size: number, depth: number): ReturnType<typeof readReply> {
  if (size < 0) return { value: null, next: at };
  if (depth >= DEEPEST) throw new TooLargeError(`more than ${String(DEEPEST)} lists inside each other`);
  const items: Reply[] = [];
  let next = at;
  for (let i = 0; i < size; i++) {
    const item = readReply(data, next, depth + 1);
    if (item === undefined) return undefined;
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

/** A command in RESP, ready to be written. */
export function encode(command: readonly string[]): string {
  const parts = command.map((part) => `$${String(Buffer.byteLength(part))}\r\n${part}\r\n`);
  return `*${String(command.length)}\r\n${parts.join("")}`;
}

/** Pairs of a flat list (HELLO, CONFIG GET) as a map; nested values are left out. */
export function pairsOf(reply: Reply): Map<string, string> {
  const pairs = new Map<string, string>();
  if (!Array.isArray(reply)) return pairs;
  const items = reply as readonly Reply[];
  for (let i = 0; i + 1 < items.length; i += 2) {
    const [key, value] = [items[i], items[i + 1]];
    if (typeof key === "string" && (typeof value === "string" || typeof value === "number"))
      pairs.set(key, String(value));
  }
  return pairs;
}
