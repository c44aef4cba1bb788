/**
 * A look that a running service takes must not keep it from ending: sockets and timers made in the background do not hold
 * the process. On the command line they do, because the report is what the process is for.
 */
import { AsyncLocalStorage } from "node:async_hooks";

const background = new AsyncLocalStorage<true>();

/** Runs `look` so that nothing it opens keeps the process alive. */
export function inBackground<T>(look: () => T): T {
  return background.run(true, look);
}

/** Lets go of a socket or timer when it was made in the background; returns it. */
export function held<T extends { unref(): unknown }>(handle: T): T {
  if (background.getStore() === true) handle.unref();
  return handle;
}
