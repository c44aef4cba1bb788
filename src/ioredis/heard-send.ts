/**
 * Sending where an agent (APM, tracer) has wrapped ioredis's `sendCommand`: it is to hear of each command once, in the context of the
 * code that issued it, and of its end, whatever that is. So a command that waited for a connection is sent in its caller's context,
 * and one that is sent again goes past the agent, as far as that can be done.
 */
import type { Command } from "ioredis";
import { callOf } from "../engine/call.js";
import type { BatchStream } from "../engine/ports.js";
import { base } from "./internals.js";

type Send = (this: object, command: Command, stream?: BatchStream) => Promise<unknown>;
/** What a wrapper made with shimmer, or as it does, keeps. */
type Wrapper = Send & { readonly __original?: unknown };

const prototype = base as unknown as { readonly sendCommand: Send };

/** Sends through whatever has wrapped ioredis's method. */
export function sendHeard(client: object, command: Command, stream: BatchStream | undefined): Promise<unknown> {
  const call = callOf(command);
  if (call === undefined) return prototype.sendCommand.call(client, command, stream);
  const send = call.isHeard ? withoutWrappers(prototype.sendCommand) : prototype.sendCommand;
  return call.inContext(() => {
    try {
      return send.call(client, command, stream);
    } finally {
      call.heard();
    }
  });
}

/** The client of each engine. */
const clients = new WeakMap<object, object>();

/** Says whose commands an engine carries. */
export function carriesFor(engine: object, client: object): void {
  clients.set(engine, client);
}

/**
 * Passes a command that was refused unsent through the agent, on a client that looks as if it had ended: there ioredis sends nothing
 * and rejects, with our error in place of its own.
 */
export function tellUnsent(engine: object, command: Command, error: Error): void {
  const client = clients.get(engine);
  if (client === undefined) return;
  const { resolve, reject } = command;
  const told = { yet: false };
  const ended = Object.create(client, {
    status: {
      get: () => {
        if (command.reject !== reject && command.reject !== ignore) {
          told.yet = true;
          command.reject(error);
        }
        command.reject = ignore;
        return "end";
      },
    },
  }) as object;
  const outcome = prototype.sendCommand.call(ended, command);
  if (outcome !== command.promise) outcome.catch(ignore);
  // Some agents put theirs on the command only then.
  if (!told.yet && command.reject !== ignore) command.reject(error);
  command.resolve = resolve;
  command.reject = reject;
}

function ignore(): void {
  // The caller gets the error elsewhere.
}

/** ioredis's own method, or the innermost wrapper that can be reached. */
function withoutWrappers(send: Send): Send {
  let inner = send as Wrapper;
  while (typeof inner.__original === "function") inner = inner.__original as Wrapper;
  return inner;
}
