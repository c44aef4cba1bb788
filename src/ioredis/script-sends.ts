/**
 * How a command made by `defineCommand` goes over the wire. ioredis sends EVALSHA once a connection has had the text, and
 * answers NOSCRIPT by sending EVAL: behind whatever was issued since, in the database that is selected by then, and outside
 * the MULTI that it was a member of. The server may forget a script at any time (SCRIPT FLUSH, a restart behind a proxy, the
 * limit of Redis 7.4), so the digest is sent only where the text is too long to send each time, and never in a batch or a
 * MULTI. Of single calls of such a long script, ioredis's way remains: one that the server has forgotten goes again behind what
 * was issued since.
 */
import { Command, type Redis as IORedis } from "ioredis";
import { internalsOf, type DefinedScript } from "./internals.js";

/** A script of at most so many bytes always goes as EVAL: its text costs less than what may go wrong without it. */
const SHORT = 512;

interface Container {
  readonly isPipeline?: boolean;
}

type CommandParts = ConstructorParameters<typeof Command>;

/** The batch whose script command is being made: ioredis makes it in the same turn. */
let batch: object | undefined;

/** Has a client's own script, just defined, sent so that NOSCRIPT is no matter of course. `isInMulti`: an interactive MULTI is open. */
export function keepOrderOfScript(client: IORedis, name: string, isInMulti: () => boolean): void {
  const script = internalsOf(client).scriptsSet[name];
  if (script === undefined) return;
  const { execute } = script;
  script.Command = commandOf(script, isInMulti);
  script.execute = function (this: DefinedScript, container: Container, ...rest: unknown[]) {
    batch = container.isPipeline === true ? container : undefined;
    try {
      return execute.call(this, container, ...rest);
    } finally {
      batch = undefined;
    }
  };
}

function commandOf({ lua, sha }: DefinedScript, isInMulti: () => boolean): new (...parts: CommandParts) => Command {
  const isShort = Buffer.byteLength(lua) <= SHORT;
  /** Connections that have had the text, outside of a MULTI, which may be discarded. */
  const known = new WeakSet();
  /** The members that carried the text, by batch and connection. */
  const carriers = new WeakMap<object, WeakMap<object, Command>>();

  return class ScriptCommand extends Command {
    readonly #batch = batch;

    override toWritable(socket: object): string | Buffer {
      const goesByText =
        isShort || (this.#batch === undefined ? this.#isNew(socket) : this.#carries(this.#batch, socket));
      this.name = goesByText ? "eval" : "evalsha";
      this.args[0] = goesByText ? lua : sha;
      return super.toWritable(socket);
    }

    #isNew(socket: object): boolean {
      if (isInMulti()) return true;
      const { reject } = this;
      this.reject = (error) => {
        if (error.message.includes("NOSCRIPT")) known.delete(socket);
        reject.call(this, error);
      };
      const isNew = !known.has(socket);
      known.add(socket);
      return isNew;
    }

    /** The first member carries the text for all, each time that the batch is sent; one outside of a MULTI does not count on one in it. */
    #carries(own: object, socket: object): boolean {
      const bySocket = carriers.get(own) ?? new WeakMap<object, Command>();
      carriers.set(own, bySocket);
      const carrier = bySocket.get(socket);
      if (carrier !== undefined && carrier !== this && (this.inTransaction || !carrier.inTransaction)) return false;
      bySocket.set(socket, this);
      return true;
    }
  };
}
