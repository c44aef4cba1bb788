/** Program order across connections: what was issued before is answered first. */
import { callOf, type Call } from "../command/call.js";
import { internalsOf } from "../connection/internals.js";
import type { Flow } from "../flow/flow.js";
import type { Redis } from "../redis.js";

/** Resolves when the call has settled, however; `undefined` if there is nothing to wait for. */
export function settled(call: Call | undefined): Promise<void> | undefined {
  if (call === undefined || call.state === "settled") return undefined;
  return new Promise((resolve) => {
    const { observer } = call;
    call.observer = () => {
      observer?.();
      resolve();
    };
  });
}

/** Resolves when the last command in flight has settled. */
export function whenAnswered(client: Redis): Promise<void> | undefined {
  const queue = internalsOf(client).commandQueue;
  for (let at = queue.length - 1; at >= 0; at--) {
    const command = queue.peekAt(at)?.command;
    const call = command === undefined ? undefined : callOf(command);
    if (call === undefined) continue;
    // Waiting for the end of a block would bring back what moving aside avoids.
    return call.traits.carriage === "blocking" ? undefined : settled(call);
  }
  return undefined;
}

/** Resolves when the last command in flight has settled, and the last one that waits for the connection. */
export async function whenSettled(client: Redis, flow: Flow): Promise<void> {
  await Promise.all([whenAnswered(client), settled(flow.gate.calls().at(-1))]);
}
