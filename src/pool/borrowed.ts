/**
 * The connection as its borrower holds it: the client itself, except that each command is noted on its way and that it
 * stops working when the loan ends. A proxy, because a client is an event emitter and sets its own fields: an object
 * that merely inherits from it would keep them to itself.
 */
import type { Command } from "ioredis";
import type { CallOptions } from "../command/call.js";
import type { BatchStream } from "../connection/internals.js";
import { ClosedError } from "../failure/errors.js";
import type { Redis } from "../redis.js";
import type { Flow } from "../flow/flow.js";
import type { Lease } from "./lease.js";
import type { Pooled } from "./pooled.js";
import { known } from "./refusals.js";

/** The view of a lent connection, and of it the views that `with` makes; `limits` go with every command. */
export function borrowed(lease: Lease<Pooled>, limits: CallOptions | undefined): Redis {
  const { client, flow, trail } = lease.connection;
  const sendCommand = (command: Command, stream?: BatchStream): unknown => {
    if (lease.isReturned) {
      command.reject(returned(command.name, flow));
      return command.promise;
    }
    trail.note(command);
    lease.lastCommand = command.name;
    flow.dispatch(command, stream, limits);
    return command.promise;
  };
  const view = (own: CallOptions): Redis => borrowed(lease, both(limits, own));
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

function returned(command: string, flow: Flow): ClosedError {
  return new ClosedError(
    "CLIENT_CLOSED",
    `${command.toUpperCase()} was not sent: its connection to ${flow.endpoint.label} was given back when the function that borrowed it ended. Await every command inside that function.`,
    { ...known(flow), command },
  );
}
