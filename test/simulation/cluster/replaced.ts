/** No acknowledged write is lost to a node that was replaced while it said nothing. */
import type { Entry, Ledger } from "../program/ledger.js";
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
  return ledger.entries.flatMap((entry): Violation[] => {
    const { what, command, outcome, executions, issuedAt, settledAt } = entry;
    const known = executions.filter(({ at }) => at <= settledAt);
    const last = known.at(-1);
    const stale = last?.stale;
    if (command?.writes !== true || outcome?.ok !== true || last === undefined || stale === undefined) return [];
    // It may have been sent again, and executed where it counts.
    if (known.some((execution) => execution.stale === undefined)) return [];
    if (issuedAt > stale.thawedAt - SILENT || stale.at > stale.thawedAt - KNOWN) return [];
    if (!isShared(entry) || !knewCluster(ledger, entry.client, stale.thawedAt - SILENT)) return [];
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

/** A connection that is lent may be the first to its node, made after a long silence: of that it knows nothing. */
function isShared({ domain, group }: Entry): boolean {
  return domain.startsWith("c") && (group === undefined || group.how === "batch");
}

/** Before a client knows any node, it believes the one that it begins with. */
function knewCluster({ entries }: Ledger, client: number, by: number): boolean {
  return entries.some((entry) => entry.client === client && entry.outcome?.ok === true && entry.settledAt < by);
}
