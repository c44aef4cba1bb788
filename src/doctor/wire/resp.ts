/**
 * Redis's wire format, as far as the doctor speaks it (RESP2 and the RESP3 types a push or a map may bring). Its own small
 * parser, because the doctor must work where the client under examination does not.
 */

/** A server's error reply; a value, not an exception. */
export class ErrorReply {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export type Reply = string | number | null | ErrorReply | readonly Reply[];

const LONGEST = 4_000_000;

/** Reads one reply at `at`. Undefined: not all of it has arrived. Throws what does not look like Redis. */
export function readReply(data: Buffer, at: number): { readonly value: Reply; readonly next: number } | undefined {
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
      return readBulk(data, next, sizeOf(line), type);
    case "*":
    case "~":
    case ">":
      return readList(data, next, sizeOf(line));
    case "%":
      return readList(data, next, sizeOf(line) * 2);
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

function sizeOf(line: string): number {
  const size = Number(line);
  if (!Number.isInteger(size) || size > LONGEST) throw new NotRedisError(Buffer.from(line));
  return size;
}

function readBulk(data: Buffer, at: number, size: number, type: string): ReturnType<typeof readReply> {
  if (size < 0) return { value: null, next: at };
  if (data.length < at + size + 2) return undefined;
  const text = data.toString("utf8", at, at + size);
  return { value: type === "!" ? new ErrorReply(text) : text, next: at + size + 2 };
}

function readList(data: Buffer, at: number, size: number): ReturnType<typeof readReply> {
  if (size < 0) return { value: null, next: at };
  const items: Reply[] = [];
  let next = at;
  for (let i = 0; i < size; i++) {
    const item = readReply(data, next);
    if (item === undefined) return undefined;
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

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
