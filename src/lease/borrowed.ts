/**
 * The connection as its borrower holds it: the client itself, except that it
 * stops working when the loan ends. A proxy, because a client is an event emitter and sets its own fields: an object
 * that merely inherits from it would keep them to itself.
 */
import type { Command } from "ioredis";
import type { OwnedClient } from "../engine/connections.js";
import type { Engine } from "../engine/engine.js";
import type { BatchStream, CallOptions } from "../engine/ports.js";
import { ClosedError } from "../failure/errors.js";
import type { Lease } from "./lease.js";
import type { PooledConnection } from "./pooled-connection.js";

/** The view of a lent connection, and of it the views that `with` makes; `limits` go with every command. */
export function borrowed(lease: Lease<PooledConnection>, limits: CallOptions | undefined): OwnedClient {
  const { client, engine } = lease.connection;
  const sendCommand = (command: Command, stream?: BatchStream): unknown => {
    if (lease.isReturned) {
      command.reject(returned(command.name, engine));
      return command.promise;
    }
    lease.lastCommand = command.name;
    engine.dispatch(command, stream, limits);
    return command.promise;
  };
  const view = (own: CallOptions): OwnedClient => borrowed(lease, both(limits, own));
  return new Proxy(client, {
    get: (target, key, receiver) => {
      if (key === "sendCommand") return sendCommand;
      return key === "with" ? view : (Reflect.get(target, key, receiver) as unknown);
    },
  });
}

/** The limits of a view over those of the loan. Each signal ends the wait. */
function both(loan: CallOptions | undefined, own: CallOptions): CallOptions {
  const signals = [loan?.signal, own.signal].filter((signal) => signal !== undefined);
  return { ...loan, ...own, signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0] };
}

function returned(command: string, engine: Engine): ClosedError {
  return new ClosedError(
    "CLIENT_CLOSED",
    `${command.toUpperCase()} was not sent: its connection to ${engine.endpoint.label} was given back when the function that borrowed it ended. Await every command inside that function.`,
    { ...engine.errorDetails(), command },
  );
}
