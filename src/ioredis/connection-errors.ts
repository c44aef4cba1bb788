/** Why a connection was given up or lost, in words, where no error of the socket says so. */
import { IoredoubtError } from "../failure/errors.js";
import type { Garble } from "./reply-guard.js";
import type { Excess } from "./reply-limits.js";

/** A reply was due and nothing came. */
export function silence(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "RESPONSE_TIMEOUT",
    `the connection to ${label} was silent for ${String(Math.round(after))} ms while a reply was due; it was destroyed`,
    { endpoint: label },
  );
}

export function handshakeTooLong(label: string, after: number, status: string): IoredoubtError {
  return new IoredoubtError(
    "HANDSHAKE_TIMEOUT",
    `${label} did not finish the handshake within ${String(after)} ms (status ${status}); the connection was destroyed`,
    { endpoint: label },
  );
}

/** Nothing was sent to the server yet. */
export function lookupTooLong(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "DNS_TEMPORARY",
    `the name in ${label} was not looked up within ${String(Math.round(after))} ms; the attempt was given up`,
    { endpoint: label },
  );
}

export function closedByPeer(label: string, age: number, wasReady: boolean): IoredoubtError {
  return wasReady
    ? new IoredoubtError("CONNECTION_LOST", `${label} closed the connection after ${String(Math.round(age))} ms`, {
        endpoint: label,
      })
    : new IoredoubtError("CONNECTION_CLOSED_EARLY", `${label} closed the connection before it was ready`, {
        endpoint: label,
      });
}

/** It answers what nobody asked, or with something that is no answer: no later reply of it can be trusted. */
export function garbled(label: string, garble: Garble | Excess): IoredoubtError {
  const what =
    garble === "unasked"
      ? "a reply that nothing had asked for"
      : garble === "malformed"
        ? "a reply of a shape that fits no request"
        : garble;
  return new IoredoubtError("PROTOCOL_ERROR", `${label} sent ${what}; the connection was destroyed`, {
    endpoint: label,
  });
}

/** The server is there and will be a while. */
export function stillLoading(label: string): IoredoubtError {
  return new IoredoubtError("LOADING", `${label} is loading its data into memory`, { endpoint: label });
}

const REFUSALS: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "CONNECTION_CLOSED_EARLY",
]);

/** Whether an attempt ended because the peer refused or reset it: asking again costs nobody anything. */
export function refusedUnheard(cause: Error | undefined): boolean {
  return cause !== undefined && "code" in cause && REFUSALS.has(cause.code);
}
