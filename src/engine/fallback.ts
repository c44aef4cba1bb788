/** A command that was refused unsent is answered by the caller's `fallback`, which gets as long as the command itself had. */
import { within } from "../clock.js";
import type { FailedCommand } from "../policy/shape.js";
import type { Call } from "./call.js";

/** What a caller's `fallback` returns becomes the reply; what it throws becomes the rejection. */
export interface Fallback {
  readonly answer: (command: FailedCommand, error: Error) => unknown;
  /** How long it may take, in milliseconds, for a command without a deadline of its own. */
  readonly limit: number;
}

/** Settles the call with what `fallback` says, or with `error` when it has said nothing in time. */
export async function fallBack({ answer, limit }: Fallback, call: Call, error: Error): Promise<void> {
  const deadline = call.options?.deadline ?? limit;
  try {
    const said = Promise.resolve(answer({ name: call.facts.name }, error));
    call.settleWith(
      await within(said, deadline || Infinity, () => {
        throw error;
      }),
    );
  } catch (thrown) {
    call.rejectCommand(thrown instanceof Error ? thrown : error);
  }
}
