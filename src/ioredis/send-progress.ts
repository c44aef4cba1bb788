/** Whether bytes are leaving this process for the server, or are stuck: a large payload that still moves is not late. */
import { clock } from "../clock.js";
import type { Socket } from "node:net";

/** Unsent bytes of which none has left for this long are stuck. Less than the time between two looks. Milliseconds. */
const STUCK_AFTER = 200;
/** What the kernels on the way still hold may take this long to arrive. */
const ARRIVAL = 1_000;

export class SendProgress {
  /** Bytes that had not left at the last look. */
  #unsent = 0;
  /** Bytes that the kernel had taken by then. */
  #taken = 0;
  /** When some of those that had to wait were last seen to leave. */
  #movedAt = -Infinity;

  isMoving(stream: Socket | undefined): boolean {
    const now = clock.now();
    const left = unsentOf(stream);
    const taken = (stream?.bytesWritten ?? 0) - left;
    // What is added behind others that are stuck moves nothing.
    if (taken !== this.#taken && (left > 0 || this.#unsent > 0)) this.#movedAt = now;
    this.#unsent = left;
    this.#taken = taken;
    return now - this.#movedAt < (left > 0 ? STUCK_AFTER : ARRIVAL);
  }
}

/** Bytes queued in Node and in its socket handle, whose queue shrinks while one large write is under way. */
function unsentOf(stream: Socket | undefined): number {
  if (stream === undefined) return 0;
  const { _handle: handle } = stream as Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return stream.writableLength + (handle?.writeQueueSize ?? 0);
}
