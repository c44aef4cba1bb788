/** The end in good order: drain, QUIT, close the socket, each within its time. */
import type { Redis as IORedis } from "ioredis";
import { clock, within } from "../clock.js";
import { makeCommand } from "../ioredis/commands.js";
import { internalsOf } from "../ioredis/internals.js";
import type { State } from "./state.js";

/** How long `close()` waits for what is under way, in milliseconds. */
export const DRAIN = 5_000;
/** How long a server is given to answer QUIT, in milliseconds. */
const GOODBYE = 1_000;

/** Ends the client within `drain` milliseconds: what is under way then is not waited for. */
export async function closeClient(client: IORedis, state: State, drain: number): Promise<void> {
  if (client.status === "end") return;
  const startedAt = clock.now();
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  const { engine, lanes, pool } = state;
  const lent = pool?.drain();
  // A block without end has nothing to drain; if others wait behind it, it is about to make room for them.
  const isBlocked = engine.isPausedBy("block");
  const left = (): number => Math.max(0, drain - (clock.now() - startedAt));
  if (!isBlocked || engine.waiting.commands > 0) await (lanes?.drain(drain) ?? engine.drain(drain));
  if (lent !== undefined) await within(lent, left(), ignore);
  if ((client.status as string) === "end") return;
  const limit = Math.min(left(), GOODBYE);
  if (limit > 0 && client.status === "ready" && !engine.isPausedBy("block") && !engine.isHopeless(limit)) {
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
