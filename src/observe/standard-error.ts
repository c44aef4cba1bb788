/**
 * Lines on standard error that cannot end the process. What `process.stderr` cannot write, because the disk is full or the reader
 * has gone, is an `error` event that nobody listens to; adding a listener would decide the same for the whole application.
 */
import { writeSync } from "node:fs";
import { clock } from "../clock.js";

const DESCRIPTOR = 2;
/** How long a reader that does not keep up is waited for before a line is dropped, in milliseconds. */
const PATIENCE = 100;
const PAUSE = 1;

/** What pino takes for a stream. */
export const STANDARD_ERROR = { write: writeLine };

/** Writes it before it returns, so that a line that precedes `process.exit()` is not lost; or drops what cannot be written. */
function writeLine(line: string): void {
  const bytes = Buffer.from(line);
  const until = clock.now() + PATIENCE;
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(DESCRIPTOR, bytes, written);
    } catch (error) {
      // A pipe that is full takes more in a moment. There is no other place to say anything else.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || clock.now() >= until) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}
