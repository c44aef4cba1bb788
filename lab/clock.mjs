/** Arrivals by the clock, whatever the answers: a loop that waits for each answer would send nothing while it is held up. */

const TICK = 5;

/**
 * Calls `issue` so many times a second, with a running number.
 * @param {number} perSecond
 * @param {(n: number) => void} issue
 * @param {number} [catchUp] milliseconds of arrivals that a late tick brings at most
 * @returns {() => number} ends it, and tells how often it was called
 */
export function arrivals(perSecond, issue, catchUp = 200) {
  let n = 0;
  let owed = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // A late tick brings what it missed, but not the arrivals of a whole stall at once.
    owed = Math.min(owed + ((now - last) / 1000) * perSecond, Math.max(1, (catchUp / 1000) * perSecond));
    last = now;
    for (; owed >= 1; owed--) issue(n++);
  }, TICK);
  return () => {
    clearInterval(timer);
    return n;
  };
}
