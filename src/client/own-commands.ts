/**
 * Commands that ioredis sends on its own behalf while a connection is set up: the handshake, SELECT, the subscriptions. They
 * go past the flow, and what becomes of them is dealt with here, because ioredis leaves their promises to the process.
 */
import type { Command } from "ioredis";
import { internalsOf, type BatchStream } from "../connection/internals.js";
import { Resubscription } from "../connection/resubscription.js";
import type { Redis } from "../redis.js";
import type { State } from "./state.js";

/** The client is not open: tells ioredis's own commands from the caller's. */
export function sendUnready(client: Redis, state: State, command: Command, stream: BatchStream | undefined): void {
  if (stream === undefined && state.turn.owns(command.name)) sendOwn(client, state, command);
  else if (stream === undefined && isLibraryVersion(client, command)) {
    state.versionTold = command;
    sendOwn(client, state, command);
  } else if (state.pool?.lanes === undefined) state.flow.dispatch(command, stream, undefined);
  else state.pool.lanes.send(command, stream, undefined);
}

/** ioredis 6 may find that the server does not know RESP3; what it sends after that is its own as well. */
export function watchProtocol(client: Redis, state: State): void {
  const { condition } = internalsOf(client);
  if (condition?.protocol !== 3) return;
  Object.defineProperty(condition, "protocol", {
    get: () => 3,
    set: (value: number) => {
      Object.defineProperty(condition, "protocol", { value, writable: true });
      state.turn.beginAgain(condition.auth !== undefined && condition.auth !== null && condition.auth !== "");
    },
    configurable: true,
    enumerable: true,
  });
}

/** The handshake is over: the condition is read for every command, and a plain object is read faster. */
export function unwatchProtocol(client: Redis): void {
  const internals = internalsOf(client);
  if (internals.condition?.protocol !== undefined) internals.condition = { ...internals.condition };
}

/**
 * ioredis 5 tells its version once it has read it from a file, in a turn that cannot be seen. It waits for the answer before
 * it goes on. Should a caller send the same at that time, it goes at once too, which changes nothing for the others.
 */
function isLibraryVersion(client: Redis, { name, args }: Command): boolean {
  if (client.status !== "connect" || client.options.disableClientInfo === true || name !== "client") return false;
  return internalsOf(client).condition?.handshake === undefined && args[0] === "SETINFO" && args[1] === "LIB-VER";
}

/** The connection is lost: ioredis waits for its own commands no longer, but this one may be a caller's. */
export function abandonVersion(state: State): void {
  const { versionTold } = state;
  state.versionTold = undefined;
  if (versionTold !== undefined) state.flow.dispatch(versionTold, undefined, undefined);
}

function sendOwn(client: Redis, state: State, command: Command): void {
  const restoring = client.status === "ready";
  if (restoring && command.name === "ssubscribe") takeSecondPrefix(command, client.options.keyPrefix);
  state.turn.outside(() => state.wire.write(command, undefined));
  if (restoring && Resubscription.concerns(command)) {
    state.resubscription.sent(command);
    return;
  }
  command.promise.then(
    () => {
      if (command.name === "select") state.selectError = undefined;
      if (command === state.versionTold) state.versionTold = undefined;
    },
    (error: unknown) => {
      if (command === state.versionTold) state.versionTold = undefined;
      if (!(error instanceof Error)) return;
      // The ready check decides: a RESP2 fallback selects once more.
      if (command.name === "select") state.selectError = error;
      // ioredis leaves its promise to the process.
      else if (restoring) client.silentEmit("error", error);
    },
  );
}

/** ioredis remembers sharded channels with their key prefix, and puts it before them once more when it subscribes again. */
function takeSecondPrefix(command: Command, keyPrefix: string | Buffer = ""): void {
  command.args = command.args.map((channel) =>
    Buffer.isBuffer(channel) ? channel.subarray(Buffer.byteLength(keyPrefix)) : String(channel).slice(keyPrefix.length),
  );
}
