/** What is said of a connection that owes replies, or has not been made, where no error of the socket says so. */
import type { FailureContext } from "../failure/diagnosis.js";
import { IoredoubtError } from "../failure/errors.js";
import { formatDuration } from "../format.js";
import type { Takeover } from "./ports.js";

/** Silence below this says nothing, in milliseconds. */
const SILENT = 250;

/** The connection led to a server in whose place another one serves. `silence`: for how long it has owed a reply. Milliseconds. */
export function replaced(label: string, { from, to }: Takeover, silence: number): IoredoubtError {
  const left = `${to} took over from ${from}; the connection to ${from} was left`;
  return silence < SILENT
    ? new IoredoubtError("CONNECTION_LOST", `${label}: ${left}`, { endpoint: label })
    : new IoredoubtError(
        "RESPONSE_TIMEOUT",
        `${label}: ${from} was silent for ${formatDuration(silence)} while a reply was due, and ${left}`,
        { endpoint: label },
      );
}

/** Nothing has failed yet, but the attempt to connect has taken too long already. */
export function noConnection(label: string, { phase, endpoint }: FailureContext): IoredoubtError {
  if (phase === "login") {
    const provider = endpoint?.credentialsFrom ?? "";
    const text = `the credentials provider ${provider} has not answered yet`;
    return new IoredoubtError("CREDENTIALS_FAILED", text, { endpoint: label });
  }
  if (phase === "resolve") {
    return new IoredoubtError("DNS_TEMPORARY", `the name in ${label} has not been looked up yet`, { endpoint: label });
  }
  return phase === "handshake"
    ? new IoredoubtError("HANDSHAKE_TIMEOUT", `${label} has not finished the handshake yet`, { endpoint: label })
    : new IoredoubtError("CONNECT_TIMEOUT", `${label} has not accepted the connection yet`, { endpoint: label });
}

/** Why a connection that owes replies was destroyed. */
export function silentConnection(label: string, silence: number): IoredoubtError {
  return new IoredoubtError(
    "RESPONSE_TIMEOUT",
    `no reply came over the connection to ${label} for ${formatDuration(silence)} while replies were due; it was destroyed so that a new one can take over`,
    { endpoint: label },
  );
}

/** A connection that owes replies is silent, and may still answer. */
export function silentSoFar(label: string, silence: number): IoredoubtError {
  return new IoredoubtError(
    "RESPONSE_TIMEOUT",
    `no reply has come over the connection to ${label} for ${formatDuration(silence)} while replies are due`,
    { endpoint: label },
  );
}
