/**
 * What the holder of a connection left behind in the server's session: state that one command takes back (WATCH, MULTI,
 * SELECT) or that only a new connection is free of (subscriptions, MONITOR, CLIENT settings, another login).
 */
import type { Command } from "ioredis";
import { wordOf } from "../command/arguments.js";

/** Commands after which a connection is not used again. */
const TAINTING: ReadonlySet<string> = new Set([
  ...["subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe", "monitor"],
  ...["auth", "hello", "reset", "quit", "readonly", "readwrite", "asking", "himport"],
  ...["sync", "psync", "replconf", "debug", "shutdown"],
]);

/** CLIENT subcommands that change nothing on this connection; any other does. */
const HARMLESS_CLIENT: ReadonlySet<string> = new Set([
  ...["getname", "getredir", "help", "id", "info", "kill", "list", "pause", "trackinginfo", "unblock", "unpause"],
]);

export class Trail {
  #watching = false;
  #inMulti = false;
  #selected = false;
  #isTainted = false;

  /** Only a new connection is free of what was done. */
  get isTainted(): boolean {
    return this.#isTainted;
  }

  /** Keys are watched, as far as what was sent tells. */
  get isWatching(): boolean {
    return this.#watching;
  }

  /** A SELECT was sent, whatever became of it: inside a MULTI that is discarded it does not happen. */
  get selected(): boolean {
    return this.#selected;
  }

  /** The command that ends what is open. DISCARD also forgets the watched keys. */
  get undo(): "discard" | "unwatch" | undefined {
    return this.#inMulti ? "discard" : this.#watching ? "unwatch" : undefined;
  }

  note(command: Command): void {
    const name = command.name.toLowerCase();
    switch (name) {
      case "watch":
        this.#watching = true;
        break;
      case "unwatch":
        this.#watching = false;
        break;
      case "multi":
        this.#inMulti = true;
        break;
      case "exec":
      case "discard":
        this.#inMulti = this.#watching = false;
        break;
      case "select":
        this.#selected = true;
        break;
      case "client":
        if (!HARMLESS_CLIENT.has(wordOf(command.args[0]))) this.#isTainted = true;
        break;
      case "script":
        if (wordOf(command.args[0]) === "debug") this.#isTainted = true;
        break;
      default:
        if (TAINTING.has(name)) this.#isTainted = true;
    }
  }

  clear(): void {
    this.#watching = this.#inMulti = this.#selected = this.#isTainted = false;
  }
}
