/** The end in good order: drain, QUIT, close the socket, each within its time. */
import type { Redis as IORedis } from "ioredis";
import { clock, within } from "../clock.js";
import { makeCommand } from "../ioredis/commands.js";
import { internalsOf } from "../ioredis/internals.js";
import type { State } from "./state.js";

/** How long `close()` waits for what is under way, in milliseconds. */
export const DRAIN = 5_000;

/** Ends the client; `drain` bounds the wait for what is under way, in milliseconds. */
export async function closeClient(client: IORedis, state: State, drain: number): Promise<void> {
  if (client.status === "end") return;
  const startedAt = clock.now();
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  const { engine, lanes, pool } = state;
  const lent = pool?.drain();
  // A block without end has nothing to drain; if others wait behind it, it is about to make room for them.
  const isBlocked = engine.isPausedBy("block");
  if (!isBlocked || engine.waiting.commands > 0) await (lanes?.drain(drain) ?? engine.drain(drain));
  if (lent !== undefined) await within(lent, Math.max(0, drain - (clock.now() - startedAt)), ignore);
  if ((client.status as string) === "end") return;
  const limit = Math.max(250, Math.min(drain, 1_000));
  if (client.status === "ready" && !engine.isPausedBy("block") && !engine.isHopeless(limit)) {
    await quit(client, state, limit, ended);
  }
  client.disconnect();
  internalsOf(client).stream?.destroy();
  if ((client.status as string) !== "end") await ended;
}

async function quit(client: IORedis, state: State, limit: number, ended: Promise<void>): Promise<void> {
  const command = makeCommand("quit", []);
  internalsOf(client).manuallyClosing = true;
  state.adapter.transport.write(command, undefined);
  // A connection that is lost takes the answer along, and no timer of ours keeps the process for it.
  await within(Promise.race([command.promise.then(ignore, ignore), ended]), limit, ignore);
}

function ignore(): void {
  // Closing: the outcome changes nothing.
}
