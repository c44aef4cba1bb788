/**
 * Commands that ioredis sends on its own behalf while a connection is set up: the handshake, SELECT, the subscriptions. They
 * go past the engine, and what becomes of them is dealt with here, because ioredis leaves their promises to the process.
 */
import type { Command } from "ioredis";
import type { BatchStream } from "../engine/ports.js";
import { ADAPTER, type Adapted, type Adapter } from "./adapter.js";
import { watchHello } from "./hello-refused.js";
import { internalsOf } from "./internals.js";
import { Resubscription } from "./resubscription.js";

/** Sends the command past the engine if it is ioredis's own; returns whether it was. Asked while the client is not open. */
export function sendIfOwn(client: Adapted, command: Command, stream: BatchStream | undefined): boolean {
  if (stream !== undefined) return false;
  const adapter = client[ADAPTER];
  if (!adapter.turn.owns(command.name)) {
    if (!isLibraryVersion(client, command)) return false;
    adapter.versionTold = command;
  }
  sendOwn(client, command);
  return true;
}

/** ioredis 6 may find that the server does not know RESP3; what it sends after that is its own as well. */
export function watchProtocol(client: Adapted): void {
  const { condition } = internalsOf(client);
  if (condition?.protocol !== 3) return;
  Object.defineProperty(condition, "protocol", {
    get: () => 3,
    set: (value: number) => {
      Object.defineProperty(condition, "protocol", { value, writable: true });
      client[ADAPTER].turn.beginAgain(condition.auth !== undefined && condition.auth !== null && condition.auth !== "");
    },
    configurable: true,
    enumerable: true,
  });
}

/** The handshake is over: the condition is read for every command, and a plain object is read faster. */
export function unwatchProtocol(client: Adapted): void {
  const internals = internalsOf(client);
  if (internals.condition?.protocol !== undefined) internals.condition = { ...internals.condition };
}

/**
 * ioredis 5 tells its version once it has read it from a file, in a turn that cannot be seen. It waits for the answer before
 * it goes on. Should a caller send the same at that time, it goes at once too, which changes nothing for the others.
 */
function isLibraryVersion(client: Adapted, { name, args }: Command): boolean {
  if (client.status !== "connect" || client.options.disableClientInfo === true || name !== "client") return false;
  return internalsOf(client).condition?.handshake === undefined && args[0] === "SETINFO" && args[1] === "LIB-VER";
}

/** The connection is lost: ioredis waits for its own commands no longer, but this one may be a caller's. */
export function abandonVersion(adapter: Adapter): void {
  const { versionTold } = adapter;
  adapter.versionTold = undefined;
  if (versionTold !== undefined) adapter.dispatcher.dispatch(versionTold, undefined, undefined);
}

function sendOwn(client: Adapted, command: Command): void {
  const adapter = client[ADAPTER];
  const restoring = client.status === "ready";
  if (restoring && command.name === "ssubscribe") takeSecondPrefix(command, client.options.keyPrefix);
  // One without arguments only asks.
  if (command.name === "hello" && command.args.length > 0 && !restoring) watchHello(command, adapter.helloRefusal);
  adapter.turn.outside(() => adapter.transport.write(command, undefined));
  if (restoring && Resubscription.concerns(command)) {
    adapter.resubscription.sent(command);
    return;
  }
  command.promise.then(
    () => {
      if (command.name === "select") adapter.selectError = undefined;
      if (command === adapter.versionTold) adapter.versionTold = undefined;
    },
    (error: unknown) => {
      if (command === adapter.versionTold) adapter.versionTold = undefined;
      if (!(error instanceof Error)) return;
      // The ready check decides: a RESP2 fallback selects once more.
      if (command.name === "select") adapter.selectError = error;
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
