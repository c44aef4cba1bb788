/** Why a lookup found nothing, as an error: what the Sentinels said decides what it is called. */
import type { Code } from "../failure/codes.js";
import { IoredoubtError } from "../failure/errors.js";
import { redactText } from "../failure/redact.js";
import { nameOf } from "./address.js";
import type { Refused, Report, Role } from "./report.js";

/** Characters of a Sentinel's words that are shown. */
const WORDS = 160;
/** Reports that a message lists. */
const LISTED = 5;

/** What one Sentinel said, as a person reads it: `10.0.0.1:26379 names 10.0.0.7:6379 (epoch 4)`. */
export function saidBy(report: Report): string {
  const sentinel = nameOf(report.sentinel);
  switch (report.kind) {
    case "named": {
      const epoch = report.epoch === undefined ? "" : ` (epoch ${String(report.epoch)})`;
      return `${sentinel} names ${nameOf(report.master)}${epoch}`;
    }
    case "listed":
      return `${sentinel} lists ${String(report.replicas.length)} of ${String(report.known)} replicas as up`;
    case "unknown":
      return `${sentinel} knows no master of this name`;
    case "access":
    case "other":
      return `${sentinel} answered: ${redactText(report.said, WORDS)}`;
    case "silent":
      return `${sentinel} ${report.isLate ? report.error.message : `failed: ${redactText(report.error.message, WORDS)}`}`;
  }
}

/** What is done about it: ioredis's own delay in milliseconds, `undefined` where it has none, or `"over"`: this client gives up. */
export type Retry = number | "over" | undefined;

export function lookupFailed(
  label: string,
  name: string,
  role: Role,
  reports: readonly Report[],
  retry: Retry,
): IoredoubtError {
  const each = reports.slice(0, LISTED).map((report) => saidBy(report).replace(/\.$/, ""));
  const said = each.length === 0 ? "" : ` ${each.join("; ")}`;
  const next =
    retry === undefined
      ? ""
      : retry === "over"
        ? " Retry is disabled."
        : ` Retrying from scratch after ${String(retry)}ms.`;
  const made = (code: Code, what: string): IoredoubtError =>
    new IoredoubtError(code, `${what}${next}${said}`, { endpoint: label });
  const shown = redactText(name, WORDS);
  if (reports.some(({ kind }) => kind === "listed")) {
    return made("SENTINEL_NO_REPLICA", `No replica of ${shown} is up, as the Sentinels say.`);
  }
  if (reports.some(({ kind }) => kind === "named")) {
    return made("SENTINELS_UNREACHABLE", `No Sentinel that answers knows the present master of ${shown}.`);
  }
  const noLogin = noLoginIn(reports);
  if (noLogin !== undefined) return noLogin;
  const unknown = reports.filter((report): report is Refused => report.kind === "unknown");
  if (unknown.length > 0) {
    const known = [...new Set(unknown.flatMap(({ knows }) => knows))];
    const names = known.length === 0 ? "" : ` They know: ${redactText(known.join(", "), WORDS)}.`;
    return made("SENTINEL_NAME_UNKNOWN", `The Sentinels know no master named ${shown}.${names}`);
  }
  if (reports.some(({ kind }) => kind === "access")) {
    return made(
      "SENTINEL_ACCESS",
      `The Sentinels do not let this client ask for ${role === "slave" ? "replicas" : "the master"}.`,
    );
  }
  // ioredis's own words, because code in the field compares them.
  const what =
    retry === "over" ? "All sentinels are unreachable and retry is disabled." : `All sentinels are unreachable.${next}`;
  return new IoredoubtError("SENTINELS_UNREACHABLE", `${what}${said}`, {
    endpoint: label,
    cause: causeIn(reports),
  });
}

/** The error of a Sentinel that could not be reached, if that is what happened. */
function causeIn(reports: readonly Report[]): Error | undefined {
  return reports.find((report) => report.kind === "silent")?.error;
}

/** Whoever gives the logins gave none, so that no Sentinel was asked. */
export function isNoLogin(error: Error): error is IoredoubtError {
  return IoredoubtError.is(error) && error.code === "CREDENTIALS_FAILED";
}

function noLoginIn(reports: readonly Report[]): IoredoubtError | undefined {
  for (const report of reports) if (report.kind === "silent" && isNoLogin(report.error)) return report.error;
  return undefined;
}
