/**
 * Commands that ioredis sends on its own behalf while a connection is set up: the handshake, SELECT, the subscriptions. They
 * go past the flow, and what becomes of them is dealt with here, because ioredis leaves their promises to the process.
 */
import type { Command } from "ioredis";
import { HANDSHAKE_COMMANDS, internalsOf, type BatchStream } from "../connection/internals.js";
import { Resubscription } from "../connection/resubscription.js";
import type { Redis } from "../redis.js";
import type { State } from "./state.js";

/** Marks the rest of this turn as ioredis's own: what it sends now is handshake or restoration. */
export function internalTurn(state: State): void {
  state.internal = true;
  process.nextTick(() => (state.internal = false));
}

/** The client is not open: tells ioredis's own commands from the caller's. */
export function sendUnready(client: Redis, state: State, command: Command, stream: BatchStream | undefined): void {
  if (state.internal && stream === undefined) {
    sendInternal(client, state, command);
  } else if (stream === undefined && client.status === "connect" && HANDSHAKE_COMMANDS.has(command.name)) {
    // Late parts of the handshake, after ioredis awaited something.
    sendInternal(client, state, command);
  } else if (state.pool?.lanes === undefined) state.flow.dispatch(command, stream, undefined);
  else state.pool.lanes.send(command, stream, undefined);
}

export function sendInternal(client: Redis, state: State, command: Command): void {
  const restoring = client.status === "ready";
  if (restoring && command.name === "ssubscribe") takeSecondPrefix(command, client.options.keyPrefix);
  state.wire.write(command, undefined);
  if (restoring && Resubscription.concerns(command)) {
    state.resubscription.sent(command);
    return;
  }
  command.promise.then(
    () => {
      if (command.name === "select") state.selectError = undefined;
    },
    (error: unknown) => {
      if (!(error instanceof Error)) return;
      if (command.name === "select") {
        state.selectError = error;
        // During the handshake the ready check decides: a RESP2 fallback selects once more.
        if (restoring) internalsOf(client).recoverFromFatalError(error, error);
      } else if (restoring) {
        // ioredis leaves its promise to the process.
        client.silentEmit("error", error);
      }
    },
  );
}

/** ioredis remembers sharded channels with their key prefix, and puts it before them once more when it subscribes again. */
function takeSecondPrefix(command: Command, keyPrefix: string | Buffer = ""): void {
  command.args = command.args.map((channel) =>
    Buffer.isBuffer(channel) ? channel.subarray(Buffer.byteLength(keyPrefix)) : String(channel).slice(keyPrefix.length),
  );
}
