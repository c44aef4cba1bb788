/**
 * A server that refuses HELLO: an ACL without it, a proxy or a service that does not offer it. ioredis falls back to RESP2 only where the
 * refusal is worded as Redis 5 does it, and otherwise fails everything that waits. RESP2 was spoken by everybody for years, so here
 * every such refusal leads there, unless the caller asked for protocol 3 in so many words.
 */
import type { Command } from "ioredis";
import { IoredoubtError } from "../failure/errors.js";

export interface HelloRefusal {
  readonly label: string;
  /** The caller wrote `protocol: 3`. */
  readonly insists: boolean;
  /** RESP2 is spoken instead; the server's word for it, such as NOPERM. */
  readonly told: (word: string) => void;
}

/** Looks at what becomes of the handshake's HELLO before ioredis does. */
export function watchHello(command: Command, { label, insists, told }: HelloRefusal): void {
  const { reject } = command;
  command.reject = (error: Error) => {
    const word = refusalIn(error.message);
    if (word === undefined) reject.call(command, error);
    else if (insists && word === "NOPERM") reject.call(command, mayNot(label, error));
    else {
      told(word);
      // The word by which ioredis knows it.
      reject.call(command, new Error(`NOPROTO ${error.message}`, { cause: error }));
    }
  };
}

/** How HELLO itself was refused; `undefined` when it was something else: the password, the state of the server, the connection. */
function refusalIn(message: string): string | undefined {
  if (message.startsWith("NOPERM")) return "NOPERM";
  if (message.startsWith("NOPROTO")) return "NOPROTO";
  if (!message.startsWith("ERR ")) return undefined;
  // It quotes the arguments, AUTH among them.
  if (/unknown command/i.test(message)) return "unknown command";
  return /auth|password|clients/i.test(message) ? undefined : "not supported";
}

function mayNot(label: string, cause: Error): IoredoubtError {
  const text =
    `${label} does not allow this user HELLO (NOPERM), which protocol 3 needs: ` +
    "give its ACL +hello, or leave the option protocol out, and RESP2 is spoken.";
  return new IoredoubtError("PROTOCOL_UNSUPPORTED", text, { cause, endpoint: label, command: "hello" });
}
