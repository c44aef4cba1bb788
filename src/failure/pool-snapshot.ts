/** What the pool shows of itself, on errors too: numbers and names, nothing live and nothing of the data that passes through. */

import { formatDuration } from "../format.js";

/** Milliseconds over the last 256 acquisitions. */
export interface AcquireTimes {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** One connection that is lent out. */
export interface Holder {
  /** The function passed to `withConnection` (its name, or where it was called), `transaction`, or a blocking command. */
  readonly by: string;
  /** Milliseconds since it was lent. */
  readonly forMs: number;
  /** The last command it sent. */
  readonly lastCommand?: string | undefined;
}

/** The pool of leased connections in numbers. */
export interface LeaseStats {
  /** Connections that exist: idle, leased, being given back or being dialled. */
  readonly open: number;
  readonly idle: number;
  readonly leased: number;
  /** Callers in the queue. */
  readonly waiting: number;
  /** Being connected, or checked after a rest. */
  readonly dialing: number;
  readonly created: number;
  readonly destroyed: Readonly<Record<string, number>>;
  readonly acquire: AcquireTimes;
}

/** The state of the pool at the moment a caller gave up waiting. */
export interface PoolSnapshot extends LeaseStats {
  readonly max: number;
  readonly holders: readonly Holder[];
}

/** "2 of 2 leased (transfer for 812 ms after GET, …), 3 waiting". */
export function describe(snapshot: PoolSnapshot): string {
  const holders = snapshot.holders
    .slice(0, SHOWN)
    .map(
      ({ by, forMs, lastCommand }) =>
        `${by} for ${formatDuration(forMs)}${lastCommand === undefined ? "" : ` after ${lastCommand.toUpperCase()}`}`,
    );
  const more = snapshot.holders.length > SHOWN ? [`${String(snapshot.holders.length - SHOWN)} more`] : [];
  const who = holders.length === 0 ? "" : ` (${[...holders, ...more].join(", ")})`;
  const dialing = snapshot.dialing === 0 ? "" : `, ${String(snapshot.dialing)} being connected`;
  return `${String(snapshot.leased)} of ${String(snapshot.max)} leased${who}${dialing}, ${String(snapshot.waiting)} waiting`;
}

const SHOWN = 5;
