/** Why a connection was given up or lost, in words, where no error of the socket says so. */
import { IoredoubtError } from "../failure/errors.js";
import { formatBytes, formatDuration } from "../format.js";
import type { Garble } from "./reply-guard.js";
import type { Excess, TooLong } from "./reply-limits.js";

/** TCP is established. */
export function handshakeTooLong(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "HANDSHAKE_TIMEOUT",
    `${label} accepted the connection but did not finish the handshake within ${formatDuration(after)}; the connection was destroyed`,
    { endpoint: label },
  );
}

/** TCP is not established: nothing is known of the server. */
export function dialTooLong(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "CONNECT_TIMEOUT",
    `${label} did not accept the connection within ${formatDuration(after)}; the attempt was given up`,
    { endpoint: label },
  );
}

/** Nothing was sent to the server yet. */
export function lookupTooLong(label: string, after: number): IoredoubtError {
  return new IoredoubtError(
    "DNS_TEMPORARY",
    `the name in ${label} was not looked up within ${formatDuration(after)}; the attempt was given up`,
    { endpoint: label },
  );
}

export function closedByPeer(label: string, age: number, wasReady: boolean): IoredoubtError {
  return wasReady
    ? new IoredoubtError("CONNECTION_LOST", `${label} closed the connection after ${formatDuration(age)}`, {
        endpoint: label,
      })
    : new IoredoubtError("CONNECTION_CLOSED_EARLY", `${label} closed the connection before it was ready`, {
        endpoint: label,
      });
}

/** It answers what nobody asked, or with something that is no answer: no later reply of it can be trusted. */
export function garbled(label: string, garble: Garble | Excess): IoredoubtError {
  if (typeof garble === "object") return tooLong(label, garble);
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

/** What it would send next is more than this client may hold. */
function tooLong(label: string, { announced, unit, allowed }: TooLong): IoredoubtError {
  const what = unit === "bytes" ? `a value of ${bytes(announced)}` : `a list of ${whole(announced)} elements`;
  return new IoredoubtError(
    "REPLY_TOO_LONG",
    `${label} announced ${what}, more than the ${bytes(allowed)} that the option \`maxReplyBytes\` allows; it was not read, and the connection was destroyed. Read it in pieces, or raise \`maxReplyBytes\``,
    { endpoint: label },
  );
}

function bytes(count: number): string {
  return count < 1024 ? `${whole(count)} bytes` : `${formatBytes(count)} (${whole(count)} bytes)`;
}

function whole(count: number): string {
  return Number.isSafeInteger(count) ? String(count) : `more than ${String(Number.MAX_SAFE_INTEGER)}`;
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
