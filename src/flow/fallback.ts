/** A command that was refused unsent is answered by the caller's `fallback`, which gets as long as the command itself had. */
import type { Call } from "../command/call.js";
import type { FailedCommand } from "../policy/shape.js";

export type Fallback = (command: FailedCommand, error: Error) => unknown;

/** Settles the call with what `fallback` says, or with `error` when it has said nothing after `limit` milliseconds. */
export async function fallBack(fallback: Fallback, call: Call, error: Error, limit: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    if (limit === Infinity) return;
    timer = setTimeout(() => reject(error), limit);
    timer.unref();
  });
  try {
    call.settleWith(await Promise.race([fallback({ name: call.traits.name }, error), late]));
  } catch (thrown) {
    call.rejectCommand(thrown instanceof Error ? thrown : error);
  } finally {
    clearTimeout(timer);
  }
}
