/** One answer from several that may be asked: the next is asked when one has failed, or has said nothing for a moment. */
import { withinAwake } from "../awake-timeout.js";
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { IoredoubtError } from "../failure/errors.js";
import { formatDuration } from "../format.js";

/** How long one is waited for before the next is asked as well, in milliseconds. */
const HEDGE = 200;

export type Asked<T> = { readonly answer: T } | { readonly failure: Error | undefined };

/**
 * The first good answer. All fail: the last failure; none to ask: none. Nobody is waited for longer than `limit` milliseconds
 * after being asked, in which this process runs.
 */
export function firstAnswer<T>(asks: readonly (() => Promise<T>)[], limit: number): Promise<Asked<T>> {
  return new Promise((resolve) => {
    let next = 0;
    let open = 0;
    let failure: Error | undefined;
    let timer: Timer | undefined;
    let isOver = false;
    const end = (asked: Asked<T>): void => {
      isOver = true;
      clock.clearTimeout(timer);
      resolve(asked);
    };
    const askNext = (): void => {
      clock.clearTimeout(timer);
      const ask = asks[next++];
      if (ask === undefined) {
        if (open === 0) end({ failure });
        return;
      }
      open++;
      timer = setUnrefTimeout(askNext, HEDGE);
      const late = (): never => {
        const text = `a node of the cluster that was asked gave no answer within ${formatDuration(limit)}`;
        throw new IoredoubtError("RESPONSE_TIMEOUT", text);
      };
      // An attempt may be all that keeps the process alive.
      withinAwake(Promise.resolve().then(ask), limit, late, true).then(
        (answer) => {
          if (!isOver) end({ answer });
        },
        (error: unknown) => {
          open--;
          failure = error as Error;
          if (!isOver) askNext();
        },
      );
    };
    askNext();
  });
}
