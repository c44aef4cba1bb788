/** RESP as a server speaks it: requests are parsed as they come in, replies are written in the session's protocol. */

/** `+OK` and the like. */
export class Simple {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An error reply. */
export class Fault {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Field and value in turns: a map in RESP3, an array in RESP2. */
export class Pairs {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** Out of band in RESP3, an array in RESP2. */
export class Push {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** `undefined` writes nothing. Strings are bulk strings, one character a byte. */
export type Reply = Simple | Fault | Pairs | Push | string | number | null | undefined | readonly Reply[];

export const OK = new Simple("OK");
export const QUEUED = new Simple("QUEUED");

export function encode(reply: Reply, protocol: number): string {
  if (reply === undefined) return "";
  if (reply === null) return protocol === 3 ? "_\r\n" : "$-1\r\n";
  if (typeof reply === "string") return `$${String(reply.length)}\r\n${reply}\r\n`;
  if (typeof reply === "number") return `:${String(reply)}\r\n`;
  if (reply instanceof Simple) return `+${reply.text}\r\n`;
  if (reply instanceof Fault) return `-${reply.text}\r\n`;
  if (reply instanceof Pairs) return aggregate(protocol === 3 ? "%" : "*", reply.items, protocol);
  if (reply instanceof Push) return aggregate(protocol === 3 ? ">" : "*", reply.items, protocol);
  return aggregate("*", reply, protocol);
}

/** A nil where an array was expected: RESP2 has a form of its own for it. */
export function encodeNilArray(protocol: number): string {
  return protocol === 3 ? "_\r\n" : "*-1\r\n";
}

function aggregate(mark: string, items: readonly Reply[], protocol: number): string {
  const count = mark === "%" ? items.length / 2 : items.length;
  let text = `${mark}${String(count)}\r\n`;
  for (const item of items) text += encode(item, protocol);
  return text;
}

/** What a reply looks like to the caller of ioredis: plain values, and errors by their text. */
export function plain(reply: Reply): unknown {
  if (reply instanceof Simple) return reply.text;
  if (reply instanceof Fault) return { error: reply.text };
  if (reply instanceof Pairs || reply instanceof Push) return reply.items.map(plain);
  if (Array.isArray(reply)) return (reply as readonly Reply[]).map(plain);
  return reply;
}

/** Cuts a stream of bytes into commands. Text is latin1: one character a byte. */
export class RequestParser {
  #text = "";

  push(bytes: Buffer): string[][] {
    this.#text += bytes.toString("latin1");
    const text = this.#text;
    const commands: string[][] = [];
    let done = 0;
    for (;;) {
      const found = command(text, done);
      if (found === undefined) break;
      commands.push(found.args);
      done = found.end;
    }
    this.#text = text.slice(done);
    return commands;
  }
}

function command(text: string, from: number): { readonly args: string[]; readonly end: number } | undefined {
  let at = text.indexOf("\r\n", from);
  if (at < 0) return undefined;
  if (text[from] !== "*") return { args: text.slice(from, at).split(" "), end: at + 2 };
  const count = Number(text.slice(from + 1, at));
  at += 2;
  const args: string[] = [];
  for (let i = 0; i < count; i++) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const length = Number(text.slice(at + 1, line));
    const begin = line + 2;
    if (text.length < begin + length + 2) return undefined;
    args.push(text.slice(begin, begin + length));
    at = begin + length + 2;
  }
  return { args, end: at };
}
