/**
 * The connection as its borrower holds it: the client itself, except that each command is noted on its way and that it
 * stops working when the loan ends. A proxy, because a client is an event emitter and sets its own fields: an object
 * that merely inherits from it would keep them to itself.
 */
import type { Command } from "ioredis";
import type { BatchStream } from "../connection/internals.js";
import { ClosedError } from "../failure/errors.js";
import type { Redis } from "../redis.js";
import type { Lease } from "./lease.js";
import type { Pooled } from "./pooled.js";

/** The view of a lent connection; `signal` ends the wait of every command on it. */
export function borrowed(lease: Lease<Pooled>, signal: AbortSignal | undefined): Redis {
  const { client, flow, trail } = lease.connection;
  const options = signal === undefined ? undefined : { signal };
  const sendCommand = (command: Command, stream?: BatchStream): unknown => {
    if (!lease.isHeld) {
      command.reject(returned(command.name, flow.endpoint.label));
      return command.promise;
    }
    trail.note(command);
    lease.lastCommand = command.name;
    flow.dispatch(command, stream, options);
    return command.promise;
  };
  return new Proxy(client, {
    get: (target, key, receiver) =>
      key === "sendCommand" ? sendCommand : (Reflect.get(target, key, receiver) as unknown),
  });
}

function returned(command: string, label: string): ClosedError {
  return new ClosedError(
    "CLIENT_CLOSED",
    `${command.toUpperCase()} was not sent: its connection to ${label} was given back when the function that borrowed it ended. Await every command inside that function.`,
    { command, endpoint: label },
  );
}
