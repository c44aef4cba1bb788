/** No acknowledged write is lost to a node that was replaced while it said nothing. */
import type { Ledger } from "../program/ledger.js";
import type { Violation } from "../properties/violation.js";

/** A node that owed a reply for longer, and its client, can know of its successor. Milliseconds. */
const SILENT = 800;
/** So long before it goes on its successor must have been there. Milliseconds. */
const KNOWN = 1_500;

/**
 * What a master executes that another one has replaced is gone when it hears of that. A caller may only be told that it was done
 * where nobody could know: on a node that owed nothing, or that was replaced a moment before.
 */
export function checkReplaced(ledger: Ledger): Violation[] {
  return ledger.entries.flatMap(({ what, command, outcome, executions, issuedAt, settledAt }): Violation[] => {
    const last = executions.at(-1);
    const stale = last?.stale;
    if (command?.writes !== true || outcome?.ok !== true || last === undefined || stale === undefined) return [];
    if (issuedAt > stale.thawedAt - SILENT || stale.at > stale.thawedAt - KNOWN) return [];
    const since = Math.round(last.at - stale.at);
    return [
      {
        property: "acknowledged",
        at: settledAt,
        text: `${what} was acknowledged by ${last.server.address}, which had been replaced ${String(since)} ms before, and is lost`,
      },
    ];
  });
}
