/**
 * The connection as its borrower holds it: the client itself, except that what the borrower changes stays with the loan,
 * and that nothing works any more when the loan ends. A proxy, because a client is an event emitter and sets its own
 * fields: an object that merely inherits from it would keep them to itself.
 */
import type { Command } from "ioredis";
import { factsOf } from "../command/facts.js";
import type { OwnedClient } from "../engine/connections.js";
import type { Engine } from "../engine/engine.js";
import type { BatchStream, CallOptions } from "../engine/ports.js";
import { tracing } from "../engine/tracer.js";
import { ClosedError } from "../failure/errors.js";
import { checkMethodOptions } from "../policy/input/call-options.js";
import type { Lease } from "./lease.js";
import type { PooledConnection } from "./pooled-connection.js";

/** What a borrower may change, shared by the views of one loan. */
interface Loan {
  readonly lease: Lease<PooledConnection>;
  /** Its own fields, its options, the scripts it defined: the next borrower finds none of them. */
  readonly own: Record<PropertyKey, unknown>;
}

/** The fields of a client that its public methods change. */
interface Changeable {
  readonly options: object;
  readonly scriptsSet: object;
  readonly addedBuiltinSet: ReadonlySet<string>;
}

/** Methods that reach past the commands of one borrower: after the return the connection is somebody else's. */
const POWERS: ReadonlySet<PropertyKey> = new Set([
  ...["disconnect", "end", "close", "connect", Symbol.asyncDispose],
  ...["on", "once", "off", "addListener", "prependListener", "prependOnceListener", "removeListener"],
  ...["removeAllListeners", "setMaxListeners", "emit", "silentEmit"],
  ...["defineCommand", "addBuiltinCommand", "setStatus", "flushQueue", "recoverFromFatalError", "handleReconnection"],
]);

/** The connection for its borrower; `limits` go with every command. */
export function borrowed(lease: Lease<PooledConnection>, limits: CallOptions | undefined): OwnedClient {
  const { options, scriptsSet, addedBuiltinSet } = lease.connection.client as unknown as Changeable;
  const own = {
    options: copyOf(options),
    scriptsSet: { ...scriptsSet },
    addedBuiltinSet: new Set(addedBuiltinSet),
  };
  return viewOf({ lease, own }, limits);
}

/** The view of a lent connection, and of it the views that `with` makes. */
function viewOf(loan: Loan, limits: CallOptions | undefined): OwnedClient {
  const { lease, own } = loan;
  const { client, engine, connection } = lease.connection;
  const { transport } = connection;
  const sendCommand = (command: Command, stream?: BatchStream): unknown => {
    if (lease.isReturned) {
      command.reject(returned(factsOf(command.name).shown, engine));
      return command.promise;
    }
    lease.lastCommand = factsOf(command.name).shown;
    tracing.tracer?.started(command, stream, transport);
    engine.dispatch(command, stream, limits);
    return command.promise;
  };
  const view = (more: CallOptions): OwnedClient => {
    checkMethodOptions("with", more);
    return viewOf(loan, both(limits, more));
  };
  return new Proxy(client, {
    get: (target, key, receiver) => {
      if (key === "sendCommand") return sendCommand;
      if (key === "with") return view;
      if (Object.hasOwn(own, key)) return own[key];
      const value: unknown = Reflect.get(target, key, receiver);
      if (isMethod(value)) return POWERS.has(key) ? withinLoan(lease, key, value) : value;
      // The socket, the queues: whoever holds them holds the connection.
      return lease.isReturned && typeof value === "object" && Object.hasOwn(target, key) ? undefined : value;
    },
    set: (target, key, value) => {
      if (lease.isReturned) return true;
      if (Object.hasOwn(own, key) || !(key in target)) own[key] = value;
      else return Reflect.set(target, key, value);
      return true;
    },
  });
}

type Method = (...args: unknown[]) => unknown;

function isMethod(value: unknown): value is Method {
  return typeof value === "function";
}

/** The method as long as the loan lasts; after that, one that does nothing. */
function withinLoan(lease: Lease<PooledConnection>, key: PropertyKey, method: object) {
  return function (this: unknown, ...args: unknown[]): unknown {
    if (!lease.isReturned) return Reflect.apply(method as () => unknown, this, args);
    if (key === "connect") return Promise.reject(returned("connect", lease.connection.engine));
    return key === "close" || key === Symbol.asyncDispose ? Promise.resolve() : this;
  };
}

/** With what is sealed in it. */
function copyOf<T extends object>(options: T): T {
  return Object.defineProperties({} as T, Object.getOwnPropertyDescriptors(options));
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
