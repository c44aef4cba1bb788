/** Program order across connections: what was issued before on the client's own connection is answered first. */
import { callOf } from "../command/call.js";
import { internalsOf } from "../connection/internals.js";
import type { Redis } from "../redis.js";

/** Resolves when the last command in flight has settled; `undefined` if there is nothing to wait for. */
export function whenAnswered(client: Redis): Promise<void> | undefined {
  const queue = internalsOf(client).commandQueue;
  for (let at = queue.length - 1; at >= 0; at--) {
    const command = queue.peekAt(at)?.command;
    const call = command === undefined ? undefined : callOf(command);
    if (call === undefined) continue;
    // Waiting for the end of a block would bring back what moving aside avoids.
    if (call.traits.carriage === "blocking") return undefined;
    return new Promise((resolve) => {
      const { observer } = call;
      call.observer = () => {
        observer?.();
        resolve();
      };
    });
  }
  return undefined;
}
