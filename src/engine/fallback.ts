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

/** Accessors of a class are not enumerable: nothing of the data gets into a log by mistake. */
class Refused implements FailedCommand {
  readonly name: string;
  readonly #call: Call;

  constructor(call: Call) {
    this.name = call.facts.name;
    this.#call = call;
  }

  get keys(): FailedCommand["keys"] {
    return this.#isSecret ? [] : [...this.#call.command.getKeys()];
  }

  get args(): FailedCommand["args"] {
    return this.#isSecret ? [] : ([...this.#call.command.args] as FailedCommand["args"]);
  }

  get #isSecret(): boolean {
    return this.#call.facts.session === "login";
  }
}

/** Hears how it ended: before the caller does. */
export interface FallbackOutcome {
  answered(): void;
  /** Rejects the command. */
  failed(error: Error): void;
}

/** Settles the call with what `fallback` says, or with `error` when it has said nothing in time. */
export async function fallBack(
  { answer, limit }: Fallback,
  call: Call,
  error: Error,
  outcome: FallbackOutcome,
): Promise<void> {
  const deadline = call.options?.deadline ?? limit;
  try {
    const said = Promise.resolve(answer(new Refused(call), error));
    const value = await within(said, deadline || Infinity, () => {
      throw error;
    });
    outcome.answered();
    call.settleWith(value);
  } catch (thrown) {
    outcome.failed(thrown instanceof Error ? thrown : error);
  }
}
