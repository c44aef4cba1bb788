/** Waiting for the first connection of a client, whatever kind it is. */
import { clock, sleep } from "../clock.js";

/** In milliseconds. */
const STARTUP = 10_000;
/** Between two looks whether the client is connected, in milliseconds. */
const LOOK = 10;

/** Looks until what it sees says that the wait is over, at the latest after `within` milliseconds, and returns what it saw last. Default 10 000. */
export async function watchStartup<T>(
  look: () => T,
  isOver: (seen: T) => boolean,
  { within = STARTUP }: { readonly within?: number | undefined },
): Promise<T> {
  const until = clock.now() + within;
  for (;;) {
    const seen = look();
    if (isOver(seen) || clock.now() >= until) return seen;
    await sleep(Math.min(LOOK, Math.max(1, until - clock.now())));
  }
}
