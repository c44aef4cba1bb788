/** The pool in words. */
import type { PoolSnapshot } from "../failure/pool-snapshot.js";

export type { Holder, LeaseStats, PoolSnapshot } from "../failure/pool-snapshot.js";

/** "2 of 2 leased (transfer for 812 ms after GET, …), 3 waiting". */
export function describe(snapshot: PoolSnapshot): string {
  const holders = snapshot.holders
    .slice(0, SHOWN)
    .map(
      ({ by, forMs, lastCommand }) =>
        `${by} for ${String(forMs)} ms${lastCommand === undefined ? "" : ` after ${lastCommand.toUpperCase()}`}`,
    );
  const more = snapshot.holders.length > SHOWN ? [`${String(snapshot.holders.length - SHOWN)} more`] : [];
  const who = holders.length === 0 ? "" : ` (${[...holders, ...more].join(", ")})`;
  const dialing = snapshot.dialing === 0 ? "" : `, ${String(snapshot.dialing)} being connected`;
  return `${String(snapshot.leased)} of ${String(snapshot.max)} leased${who}${dialing}, ${String(snapshot.waiting)} waiting`;
}

const SHOWN = 5;
