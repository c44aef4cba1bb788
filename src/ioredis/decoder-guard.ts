/**
 * Stands before ioredis's decoder on each connection: it is to see nothing that exceeds the limits, for it would collect it, or
 * throw where nobody catches. Plain replies are read here, and need no decoder.
 */
import type { RedisInternals } from "./internals.js";
import { QuickReplies } from "./quick-replies.js";
import { ReplyLimits, type Excess } from "./reply-limits.js";

export class DecoderGuard {
  readonly #redis: RedisInternals;
  readonly #maxReplyBytes: number;
  readonly #exceeded: (excess: Excess) => void;
  readonly #limits: ReplyLimits;
  /** The socket whose decoder is guarded. */
  #guarded: object | undefined = undefined;

  /** `exceeded` is told what came that no decoder may see; nothing that follows is read. */
  constructor(redis: RedisInternals, maxReplyBytes: number, exceeded: (excess: Excess) => void) {
    this.#redis = redis;
    this.#maxReplyBytes = maxReplyBytes;
    this.#exceeded = exceeded;
    this.#limits = new ReplyLimits(maxReplyBytes);
  }

  /** A connection begins: what was left of the last reply on the one before is nothing of this one. */
  connected(): void {
    this.#limits.reset();
  }

  /** The connection serves. */
  ready(): void {
    this.#limits.ready();
  }

  /** Takes its place, once a connection; ioredis has just put its decoder there. */
  guard(): void {
    const { stream, status } = this.#redis;
    // With TLS it is told of the TCP connection first, and has no decoder yet.
    if (stream === undefined || status !== "connect" || this.#guarded === stream) return;
    this.#guarded = stream;
    // It has put itself before everybody else.
    const [decode] = stream.listeners("data");
    if (decode === undefined) return;
    stream.off("data", decode as (chunk: Buffer) => void);
    const limits = this.#limits;
    const quick = new QuickReplies(this.#redis, this.#maxReplyBytes);
    stream.prependListener("data", (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at = limits.end) {
        const from = limits.isBetween ? quick.read(chunk, at) : at;
        if (from >= chunk.length) return;
        const excess = limits.scan(chunk, from, quick.isPossible);
        if (excess !== undefined) {
          this.#exceeded(excess);
          return;
        }
        decode.call(stream, from === 0 && limits.end === chunk.length ? chunk : chunk.subarray(from, limits.end));
      }
    });
  }
}
