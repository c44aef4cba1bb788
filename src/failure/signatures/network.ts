/** What sockets, DNS and connection loss look like: node:net, node:dns, and ioredis's words for a lost connection. */
import type { Signature } from "./signature.js";

/** The way to the server. */
export const NETWORK: readonly Signature[] = [
  { code: "CONNECTION_REFUSED", errno: ["ECONNREFUSED"] },

  { code: "DEADLINE", errno: ["ETIMEDOUT"], text: /^Timed out after \d+ms\b/ }, // opossum's own timeout
  { code: "CONNECT_TIMEOUT", errno: ["ETIMEDOUT"], syscall: "connect" },
  { code: "CONNECTION_LOST", errno: ["ETIMEDOUT"], syscall: "read" }, // the kernel gave up on keepalive or retransmission
  { code: "CONNECTION_LOST", errno: ["ETIMEDOUT"], syscall: "write" },
  { code: "CONNECT_TIMEOUT", errno: ["ETIMEDOUT"], wraps: "transparent" }, // AggregateError: every address timed out
  { code: "CONNECT_TIMEOUT", errno: ["ERR_SOCKET_CONNECTION_TIMEOUT"] },

  { code: "CONNECTION_CLOSED_EARLY", errno: ["ECONNRESET"], text: /before secure TLS connection/ },
  { code: "CONNECTION_CLOSED_EARLY", text: /^Client network socket disconnected before secure TLS connection/ },
  { code: "CONNECTION_CLOSED_EARLY", errno: ["ECONNRESET", "EPIPE", "ECONNABORTED"], early: true },
  { code: "CONNECTION_RESET", errno: ["ECONNRESET", "ECONNABORTED"] },
  {
    code: "CONNECTION_LOST",
    errno: ["EPIPE", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END", "ERR_SOCKET_CLOSED", "ENOTCONN"],
  },

  { code: "DNS_NOT_FOUND", errno: ["ENOTFOUND", "ENODATA", "EAI_NONAME", "EAI_NODATA", "EBADNAME"] },
  { code: "DNS_TEMPORARY", errno: ["EAI_AGAIN", "EAI_FAIL", "ESERVFAIL", "EREFUSED", "ETIMEOUT", "EBADRESP"] },
  // On a connection that stood: what had been written may have arrived
  { code: "HOST_UNREACHABLE", errno: ["EHOSTUNREACH", "EHOSTDOWN"], syscall: "read", applied: "maybe" },
  { code: "HOST_UNREACHABLE", errno: ["EHOSTUNREACH", "EHOSTDOWN"], syscall: "write", applied: "maybe" },
  { code: "NETWORK_UNREACHABLE", errno: ["ENETUNREACH", "ENETDOWN"], syscall: "read", applied: "maybe" },
  { code: "NETWORK_UNREACHABLE", errno: ["ENETUNREACH", "ENETDOWN"], syscall: "write", applied: "maybe" },
  { code: "HOST_UNREACHABLE", errno: ["EHOSTUNREACH", "EHOSTDOWN"] },
  { code: "NETWORK_UNREACHABLE", errno: ["ENETUNREACH", "ENETDOWN", "ENONET"] },
  { code: "SOCKET_PERMISSION", errno: ["EACCES", "EPERM"], syscall: "connect" },
  { code: "SOCKET_MISSING", errno: ["ENOENT"], syscall: "connect" },
  { code: "TOO_MANY_OPEN_FILES", errno: ["EMFILE", "ENFILE"] },
  { code: "PORTS_EXHAUSTED", errno: ["EADDRNOTAVAIL", "ENOBUFS"] },

  // A TLS record (type 21 or 22) where a Redis reply belongs
  { code: "TLS_PROTOCOL", text: /Unknown RESP type 2[12] /, applied: "no" },
  { code: "TLS_PROTOCOL", text: /Protocol error, got "[\u0015\u0016]" as reply type byte/, applied: "no" },
  { code: "NOT_REDIS", text: /Unknown RESP type \d+|Protocol error, got .* as reply type byte/ },
  { code: "PROTOCOL_ERROR", text: /^Command queue state error\./ }, // its end quotes the reply
  { code: "NOT_REDIS", text: /^(?:HTTP\/\d|SSH-\d|220[ -]|<!DOCTYPE|<html)/i }, // a server's last words

  // ioredis 5 and 6; the words are the same for "never sent" and "sent and lost"
  { code: "CONNECTION_CLOSED_EARLY", text: /^Connection is closed\.$/, early: true },
  { code: "CLIENT_CLOSED", text: /^Connection is closed\.$/, written: false },
  { code: "CONNECTION_LOST", text: /^Connection is closed\.$/, wraps: "transparent" },
  { code: "CONNECTION_LOST", text: /^the connection was closed$/ },
  { code: "UNAVAILABLE", text: /^no connection$/ },
  { code: "CONNECTION_LOST", text: /^Command aborted due to connection close$/, wraps: "transparent" },
  {
    code: "UNAVAILABLE",
    text: /^Reached the max retries per request limit/,
    written: false,
    wraps: "transparent",
    applied: "no",
  },
  { code: "CONNECTION_LOST", text: /^Reached the max retries per request limit/, wraps: "transparent" },
  { code: "DEADLINE", text: /^Command timed out$/, written: false },
  { code: "RESPONSE_TIMEOUT", text: /^Command timed out$/ },
  { code: "RESPONSE_TIMEOUT", text: /^Socket timeout\. Expecting data, but didn't receive any/ },
];
