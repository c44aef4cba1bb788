/**
 * The package captures its timers when it loads, so that a suite which fakes the globals does not stop it. A test of one of
 * its parts wants just that: after this call the clock asks the globals each time, faked or not.
 */
import { replaceClock } from "../../src/clock.js";

export function followGlobals(): void {
  replaceClock({
    now: () => performance.now(),
    wallTime: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    setInterval: (run, ms) => setInterval(run, ms),
    clearInterval: (timer) => clearInterval(timer),
    setImmediate: (run) => setImmediate(run),
    clearImmediate: (immediate) => clearImmediate(immediate),
  });
}
