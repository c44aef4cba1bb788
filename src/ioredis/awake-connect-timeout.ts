/**
 * ioredis ends an attempt that takes longer than `connectTimeout` by a timer of the socket's, which goes on while this process
 * stands still. Here the same limit counts from when the name has been looked up, and only while this process runs; ioredis
 * still does the ending, and makes the error.
 */
import type { Socket } from "node:net";
import { AwakeTimeout } from "../awake-timeout.js";

/** Takes over the first timer that is set on the socket, until the next is; it is started by the returned function. */
export function deferConnectTimeout(stream: Socket): () => void {
  let limit: number | undefined;
  let hasBegun = false;
  let timer: AwakeTimeout | undefined;
  const start = (): void => {
    if (hasBegun && limit !== undefined) timer ??= new AwakeTimeout(() => void stream.emit("timeout"), limit);
  };
  const end = (): void => {
    limit = undefined;
    timer?.cancel();
  };
  const own = stream.setTimeout.bind(stream);
  stream.setTimeout = (ms, callback) => {
    if (limit === undefined && ms > 0 && callback !== undefined) {
      stream.once("timeout", callback);
      limit = ms;
      start();
      return stream;
    }
    end();
    stream.setTimeout = own;
    return own(ms, callback);
  };
  stream.once("close", end);
  return () => {
    hasBegun = true;
    start();
  };
}
