/** The end in good order: drain, QUIT, close the socket, each within its time. */
import { Command } from "ioredis";
import { internalsOf } from "../connection/internals.js";
import type { Redis } from "../redis.js";
import type { State } from "./state.js";

/** How long `close()` waits for what is under way, in milliseconds. */
export const DRAIN = 5_000;

export async function closeClient(client: Redis, state: State, drain: number): Promise<void> {
  if (client.status === "end") return;
  const startedAt = performance.now();
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  const { flow, pool } = state;
  const lent = pool?.drain();
  // A block without end has nothing to drain; if others wait behind it, it is about to make room for them.
  if (!flow.isHeld || !flow.gate.isEmpty) await (pool?.lanes?.drain(drain) ?? flow.lifetime.drain(drain));
  if (lent !== undefined) await within(lent, Math.max(0, drain - (performance.now() - startedAt)));
  if ((client.status as string) === "end") return;
  if (client.status === "ready" && !flow.isHeld) await quit(client, state, Math.max(250, Math.min(drain, 1_000)));
  client.disconnect();
  internalsOf(client).stream?.destroy();
  if ((client.status as string) !== "end") await ended;
}

async function quit(client: Redis, state: State, limit: number): Promise<void> {
  const command = new Command("quit");
  internalsOf(client).manuallyClosing = true;
  state.wire.write(command, undefined);
  await within(command.promise.then(ignore, ignore), limit);
}

/** Waits for a promise, but no longer than `limit` milliseconds. */
async function within(promise: Promise<unknown>, limit: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

function ignore(): void {
  // Closing: the outcome changes nothing.
}
