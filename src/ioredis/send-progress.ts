/** Whether bytes are leaving this process for the server, or are stuck: a large payload that still moves is not late. */
import { clock } from "../clock.js";
import type { Socket } from "node:net";

/** Unsent bytes that have not become fewer for this long are stuck. Less than the time between two looks. Milliseconds. */
const STUCK_AFTER = 200;
/** What the kernels on the way still hold may take this long to arrive. */
const ARRIVAL = 1_000;

export class SendProgress {
  /** Bytes that had not left at the last look, and when that number last changed. */
  #unsent = 0;
  #movedAt = -Infinity;

  isMoving(stream: Socket | undefined): boolean {
    const now = clock.now();
    const left = unsentOf(stream);
    if (left !== this.#unsent) {
      this.#unsent = left;
      this.#movedAt = now;
    }
    return now - this.#movedAt < (left > 0 ? STUCK_AFTER : ARRIVAL);
  }
}

/** Bytes queued in Node and in its socket handle, whose queue shrinks while one large write is under way. */
function unsentOf(stream: Socket | undefined): number {
  if (stream === undefined) return 0;
  const { _handle: handle } = stream as Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return stream.writableLength + (handle?.writeQueueSize ?? 0);
}
