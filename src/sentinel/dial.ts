/** Opens a connection to a Sentinel within a time, with TLS if that is wanted. */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { AwakeTimeout } from "../awake-timeout.js";
import { formatDuration } from "../format.js";
import type { Address } from "./address.js";

/** How the Sentinels of a set are spoken to. */
export interface Way {
  /** ioredis's `sentinelTLS`. */
  readonly tls: object | undefined;
  /** ioredis's `family`. */
  readonly family: number | undefined;
}

/** A Sentinel took longer than it may. */
export class LateError extends Error {
  readonly code = "ETIMEDOUT";
}

/** A resolver answers, or gives up, within this. Milliseconds. */
const LOOKUP = 10_000;

/** A socket on its way to a Sentinel; it is destroyed with a `LateError` when it is not connected within `limit` milliseconds. */
export function dial({ host, port, family }: Address, { tls, family: usual }: Way, limit: number): Socket {
  const to = { host, port, family: family ?? usual };
  // Node sends no name unless it is told, and the standard forbids an address in its place.
  const named = isIP(host) === 0 ? { servername: host } : {};
  const socket = tls === undefined ? connect(to) : connectTls({ ...to, ...named, ...tls } as ConnectionOptions);
  let timer: AwakeTimeout | undefined;
  let what = "accept a connection";
  const within = (ms: number): void => {
    timer?.cancel();
    timer = new AwakeTimeout(() => socket.destroy(new LateError(`did not ${what} within ${formatDuration(ms)}`)), ms);
  };
  const stop = (): void => timer?.cancel();
  // Time for which its name is looked up says nothing of a Sentinel.
  within(isIP(host) === 0 ? Math.max(limit, LOOKUP) : limit);
  socket.once("lookup", () => within(limit));
  // One that speaks no TLS waits for a command, and says nothing.
  socket.once("connect", () => (what = "finish the TLS handshake"));
  socket.once(tls === undefined ? "connect" : "secureConnect", stop);
  socket.once("close", stop);
  return socket;
}
