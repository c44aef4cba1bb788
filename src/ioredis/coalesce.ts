/**
 * Joins the writes of one event-loop tick into one socket write. ioredis writes to the socket once a command, which is
 * most of a busy client's CPU. Joining is adaptive: with few commands a tick, holding them back until its end puts
 * client and server in lockstep and is slower than plain ioredis, so it starts only after a tick that carried many.
 * Order is unchanged. Knows nothing of commands.
 */
import { constants } from "node:buffer";
import type { Socket } from "node:net";

export interface WriteStats {
  /** Writes asked for by ioredis. */
  asked: number;
  /** Writes made on the socket. */
  made: number;
}

/** A tick with at least this many writes makes the next one join its own. Measured: below it, joining loses. */
const JOIN_FROM = 12;
/** What has been joined is written early at this size, in characters, so that the kernel can start sending. */
const FLUSH_AT = 64 * 1024;
/** No string may be longer, in characters. */
const LONGEST = constants.MAX_STRING_LENGTH;

const WRITER = Symbol("ioredoubt.writer");
type Joined = Socket & { readonly [WRITER]?: Coalescer };

/**
 * The writes of one tick, of one socket or of several that share what a caller sends: on a cluster, many commands a tick may be few
 * for each node, and joining pays for all of them all the same.
 */
export class WriteTicks {
  /** What is written in this tick is joined. Read for every write. */
  isJoining = false;
  #asked = 0;
  #scheduled = false;
  #joined: (() => void)[] = [];

  count(): void {
    this.#asked++;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#end);
  }

  /** `flush` is called at the end of this tick. */
  atEnd(flush: () => void): void {
    this.#joined.push(flush);
  }

  readonly #end = (): void => {
    this.#scheduled = false;
    this.isJoining = this.#asked >= JOIN_FROM;
    this.#asked = 0;
    const joined = this.#joined;
    if (joined.length === 0) return;
    this.#joined = [];
    for (const flush of joined) flush();
  };
}

/** Replaces `write` and `end` of a socket, before ioredis sees it. `ticks`: those of sockets whose writes count together. */
export function coalesceWrites(stream: Socket, stats: WriteStats, ticks = new WriteTicks()): void {
  const writer = new Coalescer(stream, stats, ticks);
  const { end } = stream;
  stream.write = writer.write;
  Object.defineProperty(stream, WRITER, { value: writer });
  stream.end = function (this: Socket, ...args: Parameters<Socket["end"]>) {
    writer.flush();
    return end.apply(this, args);
  } as Socket["end"];
}

/** Writes text that is known to hold nothing but ASCII, in its place among all other writes: its bytes need only be copied. */
export function writeAscii(stream: Socket, text: string): void {
  const writer = (stream as Joined)[WRITER];
  // Whoever has put something in the place of `write` since expects to see it all.
  if (writer?.write === stream.write) writer.writeAscii(text);
  else stream.write(text);
}

class Coalescer {
  readonly #stream: Socket;
  readonly #stats: WriteStats;
  readonly #write: Socket["write"];
  readonly #ticks: WriteTicks;
  #text = "";
  /** What `#text` holds is ASCII. */
  #isAscii = true;
  #chunks: (string | Buffer)[] = [];
  #size = 0;

  constructor(stream: Socket, stats: WriteStats, ticks: WriteTicks) {
    this.#stream = stream;
    this.#stats = stats;
    this.#ticks = ticks;
    this.#write = stream.write.bind(stream);
  }

  /** Bound, because it stands in for the socket's own method. ioredis passes the chunk alone. */
  readonly write = (chunk: string | Buffer | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
    this.#count();
    if (encoding !== undefined || callback !== undefined) {
      this.flush();
      this.#stats.made++;
      return (this.#write as (...args: unknown[]) => boolean)(chunk, encoding, callback);
    }
    const isJoinable = this.#ticks.isJoining && (typeof chunk === "string" || Buffer.isBuffer(chunk));
    if (!isJoinable || this.#size + chunk.length > LONGEST) {
      if (this.#size > 0) this.flush();
      this.#stats.made++;
      return this.#write(chunk);
    }
    if (typeof chunk === "string") {
      this.#text += chunk;
      this.#isAscii = false;
    } else {
      this.#chunks.push(this.#text, chunk);
      this.#text = "";
    }
    this.#grow(chunk.length);
    return true;
  };

  writeAscii(text: string): void {
    this.#count();
    if (!this.#ticks.isJoining || this.#size + text.length > LONGEST) {
      if (this.#size > 0) this.flush();
      this.#stats.made++;
      this.#write(text, "latin1");
      return;
    }
    this.#text += text;
    this.#grow(text.length);
  }

  #count(): void {
    this.#stats.asked++;
    this.#ticks.count();
  }

  #grow(by: number): void {
    if (this.#size === 0) this.#ticks.atEnd(this.flush);
    this.#size += by;
    if (this.#size >= FLUSH_AT) this.flush();
  }

  readonly flush = (): void => {
    if (this.#size === 0) return;
    const text = this.#text;
    const chunks = this.#chunks;
    const isAscii = this.#isAscii;
    this.#text = "";
    this.#size = 0;
    this.#isAscii = true;
    if (chunks.length === 0) {
      this.#stats.made++;
      if (isAscii) this.#write(text, "latin1");
      else this.#write(text);
      return;
    }
    this.#chunks = [];
    chunks.push(text);
    // Corked, the parts leave as one `writev`: large values are not copied.
    this.#stream.cork();
    for (const chunk of chunks) {
      if (chunk.length > 0) this.#write(chunk);
    }
    this.#stats.made++;
    this.#stream.uncork();
  };
}
