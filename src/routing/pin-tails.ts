/**
 * `XREAD … $` means "later than now", and now is when the server reads it. On a connection of its own that is later than
 * it was issued: an entry added meanwhile, by the same caller even, would never be seen. So `$` is replaced by the id of
 * the newest entry, which is asked for in the command's own place in the order.
 */
import type { Command } from "ioredis";
import type { CallOptions } from "../engine/ports.js";
import { streamTailsOf } from "../command/stream-tails.js";

/** Resolves when each `$` of the command has been replaced, or could not be; `undefined` if it has none. */
export function pinTails(
  command: Command,
  options: CallOptions | undefined,
  ask: (name: string, args: readonly (string | Buffer | number)[], options: CallOptions | undefined) => Command,
): Promise<unknown> | undefined {
  const tails = streamTailsOf(command.name, command.args);
  if (tails.length === 0) return undefined;
  return Promise.all(
    tails.map(async ({ key, at }) => {
      const question = ask("xrevrange", [key, "+", "-", "COUNT", "1"], options);
      try {
        const [newest] = (await question.promise) as [string, unknown][];
        command.args[at] = newest?.[0] ?? "0-0";
      } catch {
        // Not a stream, or not allowed: the server says so to the XREAD itself, or reads its `$`.
      }
    }),
  );
}
