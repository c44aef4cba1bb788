/**
 * One round of questions to the Sentinels of a set. The first is asked, and the next when it has failed or takes long. Once one
 * has given an answer the others are asked too: it may be the one that was cut off and does not know better.
 */
import { clock, type Timer } from "../clock.js";
import type { Address } from "./address.js";
import type { Report } from "./report.js";

export interface RoundHooks {
  /** Never rejects, and takes a bounded time. */
  ask(sentinel: Address): Promise<Report>;
  /** What was asked for is among these. */
  isAnswered(reports: readonly Report[]): boolean;
  /** Whether this one is likely to answer soon: nobody waits for the others once there is an answer. */
  isQuick(sentinel: Address): boolean;
  /** One that came when the round was over. */
  late(report: Report): void;
}

export interface RoundTimes {
  /** Without an answer for so long, the next is asked too. Milliseconds. */
  readonly hedgeAfter: number;
  /** With an answer, the others may take so long to agree or to know better. Milliseconds. */
  readonly confirmFor: number;
}

/** Resolves to what was said when that is enough, or when nobody is left to ask. */
export function askAround(
  sentinels: readonly Address[],
  times: RoundTimes,
  hooks: RoundHooks,
): Promise<readonly Report[]> {
  return new Promise((resolve) => {
    const reports: Report[] = [];
    const pending = new Set<Address>();
    let next = 0;
    let isOver = false;
    let hedge: Timer | undefined;
    let confirm: Timer | undefined;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      clock.clearTimeout(hedge);
      clock.clearTimeout(confirm);
      resolve([...reports]);
    };
    const askNext = (): void => {
      const sentinel = sentinels[next++];
      clock.clearTimeout(hedge);
      if (sentinel === undefined) return;
      hedge = clock.setTimeout(askNext, times.hedgeAfter);
      pending.add(sentinel);
      void hooks.ask(sentinel).then((report) => {
        pending.delete(sentinel);
        take(report);
      });
    };
    const take = (report: Report): void => {
      if (isOver) {
        hooks.late(report);
        return;
      }
      reports.push(report);
      if (reports.length >= sentinels.length) end();
      else if (!hooks.isAnswered(reports)) askNext();
      else {
        while (next < sentinels.length) askNext();
        clock.clearTimeout(hedge);
        if ([...pending].some((sentinel) => hooks.isQuick(sentinel))) {
          confirm ??= clock.setTimeout(end, times.confirmFor);
        } else end();
      }
    };
    if (sentinels.length === 0) end();
    else askNext();
  });
}
