/**
 * What the server keeps for one connection, as far as what was sent tells: the guard of a WATCH, the queue of an
 * interactive MULTI, the database, and whether only a new connection would be free of the rest. A pure state machine, used
 * for the shared connection and for leased ones alike. It belongs to an epoch: a guard that ended with its connection, or
 * was ended by the caller, is never taken for one that holds.
 */
import { wordOf } from "../command/arguments.js";
import { factsOf } from "../command/facts.js";

/** What a caller may count on of its connection. */
export type Guard = "WATCH" | "MULTI";

/** The transaction that a call was sent to count on. Shared by the calls of one interactive MULTI. */
export interface TransactionContext {
  readonly guard: Guard;
  /** EXEC was sent: whatever was queued may have been executed. */
  executed: boolean;
}

/** The part of a command that decides what it does to a session. */
export interface SessionCommand {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** CLIENT subcommands that change nothing on their connection; any other does. */
const HARMLESS_CLIENT: ReadonlySet<string> = new Set([
  ...["getname", "getredir", "help", "id", "info", "kill", "list", "pause", "trackinginfo", "unblock", "unpause"],
]);

/**
 * How long a lost MULTI is remembered for an owner who has not come back to it. Then the owner is taken to have given up
 * at the first refusal: on a client that others use too, they would be refused for ever. Milliseconds.
 */
const REMEMBERED = 30_000;

type Open =
  | { readonly kind: "none" }
  | { readonly kind: "watching" }
  | { readonly kind: "multi"; readonly context: TransactionContext };

const NONE: Open = { kind: "none" };

export class SessionState {
  /** A guard was lost with its connection and its owner has not been told yet. Read for every command. */
  isLost = false;
  /** The connection holds state that a resend on another one would miss. Read for every command. */
  isHolding = false;
  #open: Open = NONE;
  #lost: { readonly guard: Guard; readonly at: number } | undefined = undefined;
  #guards = 0;
  #selected = false;
  #isDirty = false;

  /** What it holds. */
  get guard(): Guard | undefined {
    if (this.#open.kind === "none") return undefined;
    return this.#open.kind === "multi" ? "MULTI" : "WATCH";
  }

  /**
   * Numbers the guards: a WATCH that follows another one extends it and keeps its number. `undefined` while nothing is
   * watched. Whoever decided something under a guard compares the number before acting on it.
   */
  get guardNumber(): number | undefined {
    return this.#open.kind === "watching" ? this.#guards : undefined;
  }

  /** An interactive MULTI is open: what is sent now belongs to it. */
  get isInMulti(): boolean {
    return this.#open.kind === "multi";
  }

  /** A SELECT was sent, whatever became of it: inside a MULTI that is discarded it does not happen. */
  get selected(): boolean {
    return this.#selected;
  }

  /** Only a new connection is free of what was done. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** The command that ends what is open. DISCARD also forgets the watched keys. */
  get undo(): "discard" | "unwatch" | undefined {
    if (this.#open.kind === "none") return undefined;
    return this.#open.kind === "multi" ? "discard" : "unwatch";
  }

  /**
   * A command is about to be sent. Called for all that may change this state, and for every command while a guard is held.
   *
   * @param inBatch - it is a member of a MULTI batch, which brings its own EXEC.
   * @returns the transaction that the command counts on.
   */
  sent(command: SessionCommand, inBatch: boolean): TransactionContext | undefined {
    const open = this.#open;
    const context = open.kind === "multi" ? open.context : undefined;
    switch (factsOf(command.name).session) {
      case "watch":
        // Refused inside a MULTI.
        if (open.kind === "multi") return context;
        if (open.kind === "none") this.#guards++;
        this.#hold({ kind: "watching" });
        return undefined;
      case "unwatch":
        if (open.kind === "watching") this.#hold(NONE);
        return context;
      case "multi": {
        if (inBatch || open.kind === "multi") return context;
        const opened: TransactionContext = { guard: "MULTI", executed: false };
        this.#hold({ kind: "multi", context: opened });
        return opened;
      }
      case "exec":
        this.#hold(NONE);
        if (context !== undefined) context.executed = true;
        return context ?? (open.kind === "watching" ? { guard: "WATCH", executed: true } : undefined);
      case "discard":
        this.#hold(NONE);
        return undefined;
      case "reset":
        this.#hold(NONE);
        this.#isDirty = true;
        return undefined;
      default:
        this.#note(command);
        return context;
    }
  }

  /** A command that changes nothing of a transaction. */
  #note({ name, args }: SessionCommand): void {
    switch (factsOf(name).session) {
      case undefined:
        break;
      case "select":
        this.#selected = true;
        break;
      case "client":
        if (!HARMLESS_CLIENT.has(wordOf(args[0]))) this.#isDirty = true;
        break;
      case "script":
        if (wordOf(args[0]) === "debug") this.#isDirty = true;
        break;
      default:
        this.#isDirty = true;
    }
  }

  /** The connection is gone, and with it the guard. `told`: its owner has been refused already, at this loss. */
  connectionLost(told: boolean, now: number): void {
    const { guard } = this;
    this.clear();
    if (!told && guard !== undefined) this.#lose({ guard, at: now });
  }

  /** What a command counted on and lost; forgets the loss once the caller's transaction has come to its end. */
  check(name: string, now: number): Guard | undefined {
    const lost = this.#lost;
    if (lost === undefined) return undefined;
    const { guard } = lost;
    const { session } = factsOf(name);
    if (session === "unwatch" || session === "reset" || session === "discard") {
      this.#lose(undefined);
      return session === "discard" && guard === "MULTI" ? guard : undefined;
    }
    if (guard === "MULTI") {
      if (session === "exec" || now - lost.at >= REMEMBERED) this.#lose(undefined);
      return guard;
    }
    if (session !== "watch" && session !== "multi" && session !== "exec") return undefined;
    this.#lose(undefined);
    return guard;
  }

  /** The connection is as new. */
  clear(): void {
    this.#hold(NONE);
    this.#selected = this.#isDirty = false;
  }

  #hold(open: Open): void {
    this.#open = open;
    this.isHolding = open.kind !== "none";
  }

  #lose(lost: { readonly guard: Guard; readonly at: number } | undefined): void {
    this.#lost = lost;
    this.isLost = lost !== undefined;
  }
}
