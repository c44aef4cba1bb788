/** Which commands a server refuses for a passing reason, and in which words. From the command flags and texts of Redis 7.0. */
import type { Refusal, RefusalCode } from "./server.js";

export interface Gate {
  readonly refusal: Refusal | undefined;
  readonly isReplica: boolean;
}

const TEXTS: Readonly<Record<RefusalCode, string>> = {
  LOADING: "LOADING Redis is loading the dataset in memory",
  BUSY: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  READONLY: "READONLY You can't write against a read only replica.",
  MASTERDOWN: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  TRYAGAIN: "TRYAGAIN Multiple keys request during rehashing of slot",
  CLUSTERDOWN: "CLUSTERDOWN The cluster is down",
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
  NOPERM: "NOPERM this user has no permissions to run this command",
};

const NEVER_REFUSED = words("auth hello quit reset multi discard watch unwatch");
const WHILE_LOADING = words(
  "info select client exec subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe publish spublish role script",
);
const NO_DATA = words(
  "ping echo info select client role script asking publish spublish subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe exec time",
);

/** The error reply that this command gets now; `undefined` when it is let through. */
export function refusalText(gate: Gate, name: string, writes: boolean): string | undefined {
  const code = reason(gate, name, writes);
  if (code === undefined) return undefined;
  if (gate.refusal?.code === code) gate.refusal.left--;
  return name === "exec" ? `EXECABORT Transaction discarded because of: ${TEXTS[code]}` : TEXTS[code];
}

function reason({ refusal, isReplica }: Gate, name: string, writes: boolean): RefusalCode | undefined {
  if (NEVER_REFUSED.has(name)) return undefined;
  if (refusal !== undefined && isRefused(refusal.code, name, writes)) return refusal.code;
  return isReplica && writes ? "READONLY" : undefined;
}

function isRefused(code: RefusalCode, name: string, writes: boolean): boolean {
  switch (code) {
    case "BUSY":
      return true;
    case "LOADING":
      return !WHILE_LOADING.has(name);
    case "READONLY":
    case "OOM":
      return writes;
    default:
      return !NO_DATA.has(name);
  }
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}
