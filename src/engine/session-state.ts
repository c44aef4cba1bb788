/**
 * What the server keeps for one connection, as far as what was sent tells: the guard of a WATCH, the queue of an
 * interactive MULTI, the database, and whether only a new connection would be free of the rest. A pure state machine, used
 * for the shared connection and for leased ones alike. It belongs to an epoch: a guard that ended with its connection, or
 * was ended by the caller, is never taken for one that holds.
 */
import { wordOf } from "../command/arguments.js";
import { factsOf } from "../command/facts.js";
import type { Session } from "../command/row.js";

/** What a caller may count on of its connection. */
export type Guard = "WATCH" | "MULTI";

/** What it counted on in vain: a guard that went with its connection, or a MULTI that was refused before it was sent. */
export type LostGuard = Guard | "refused MULTI";

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

/** CLIENT subcommands that answer with the id of their connection. */
const IDENTIFYING_CLIENT: ReadonlySet<string> = new Set(["id", "info"]);

/**
 * How long a lost MULTI is remembered for an owner who has not come back to it. Then the owner is taken to have given up
 * at the first refusal: on a client that others use too, they would be refused for ever. Milliseconds.
 */
const REMEMBERED = 30_000;

type Open =
  | { readonly kind: "none" }
  /** `opener`: the only WATCH so far. */
  | { readonly kind: "watching"; readonly opener: SessionCommand | undefined }
  | {
      readonly kind: "multi";
      readonly context: TransactionContext;
      readonly opener: SessionCommand;
      /** It came in a batch, which is expected to bring its own EXEC. */
      readonly batch: object | undefined;
      /** Something was watched before. */
      readonly watched: boolean;
    };

/** What was lost, until its owner has been told. What follows a refused MULTI up to its EXEC was issued for it. */
interface Lost {
  readonly guard: LostGuard;
  readonly at: number;
}

const NONE: Open = { kind: "none" };

export class SessionState {
  /** A guard was lost with its connection and its owner has not been told yet. Read for every command. */
  isLost = false;
  /** The connection holds state that a resend on another one would miss. Read for every command. */
  isHolding = false;
  /** The batch whose own MULTI is open: its members count on nothing else. Read for every command. */
  openBatch: object | undefined = undefined;
  #open: Open = NONE;
  #lost: Lost | undefined = undefined;
  #guards = 0;
  #endedByConnection = false;
  #selected = false;
  #isDirty = false;
  #isIdentified = false;
  #onOutOfMulti: (() => void) | undefined = undefined;

  /** A MULTI was refused, and its caller has not heard of it yet. */
  get isInRefusedMulti(): boolean {
    return this.#lost?.guard === "refused MULTI";
  }

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

  /** The last guard that ended went with its connection: its owner did not end it. */
  get wasCut(): boolean {
    return this.#endedByConnection;
  }

  /** An interactive MULTI is open: what is sent now belongs to it. */
  get isInMulti(): boolean {
    return this.#open.kind === "multi";
  }

  /** A question of our own has an answer of its own: in an open MULTI it would be queued, and executed with it. */
  get mayAsk(): boolean {
    return !this.isInMulti;
  }

  /** A SELECT was sent, whatever became of it: inside a MULTI that is discarded it does not happen. */
  get selected(): boolean {
    return this.#selected;
  }

  /** Only a new connection is free of what was done. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Its caller has asked which connection this is for the server. */
  get isIdentified(): boolean {
    return this.#isIdentified;
  }

  /** The command that ends what is open. DISCARD also forgets the watched keys. */
  get undo(): "discard" | "unwatch" | undefined {
    if (this.#open.kind === "none") return undefined;
    return this.#open.kind === "multi" ? "discard" : "unwatch";
  }

  /**
   * A command is about to be sent. Called for all that may change this state, and while a guard is held for every command but the members of `openBatch`.
   *
   * @param batch - what identifies the batch that it is a member of.
   * @returns the transaction that the command counts on, unless it is its own batch's.
   */
  sent(command: SessionCommand, batch: object | undefined): TransactionContext | undefined {
    const open = this.#open;
    const isOwn = open.kind === "multi" && open.batch !== undefined && open.batch === batch;
    const context = open.kind === "multi" && !isOwn ? open.context : undefined;
    switch (factsOf(command.name).session) {
      case "watch":
        // Refused inside a MULTI.
        if (open.kind === "multi") return context;
        if (open.kind === "none") this.#guards++;
        this.#hold({ kind: "watching", opener: open.kind === "none" ? command : undefined });
        return undefined;
      case "unwatch":
        if (open.kind === "watching") this.#end();
        return context;
      case "multi":
        if (open.kind !== "multi") return this.#begin(command, batch, open.kind === "watching");
        return context;
      case "exec":
        // The server refuses it, and keeps what is watched.
        if (open.kind !== "multi") return undefined;
        this.#end();
        if (isOwn) return open.watched ? { guard: "WATCH", executed: true } : undefined;
        open.context.executed = true;
        return context;
      case "discard":
        if (open.kind === "multi") this.#end();
        return undefined;
      case "reset":
        this.#end();
        this.#isDirty = true;
        return undefined;
      default:
        this.#note(command);
        return context;
    }
  }

  #begin(opener: SessionCommand, batch: object | undefined, watched: boolean): TransactionContext | undefined {
    const context: TransactionContext = { guard: "MULTI", executed: false };
    this.#hold({ kind: "multi", context, opener, batch, watched });
    return batch === undefined ? context : undefined;
  }

  #end(): void {
    this.#hold(NONE);
    this.#endedByConnection = false;
  }

  /** The server refused this command: if it was to begin a guard, there is none. */
  refused(command: SessionCommand): void {
    const open = this.#open;
    if (open.kind === "none" || open.opener !== command) return;
    this.#hold(open.kind === "multi" && open.watched ? { kind: "watching", opener: undefined } : NONE);
  }

  /** The MULTI that was open has been discarded. */
  discarded(): void {
    this.#end();
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
        if (IDENTIFYING_CLIENT.has(wordOf(args[0]))) this.#isIdentified = true;
        break;
      case "login":
        this.#isDirty = true;
        if (factsOf(name).name === "hello") this.#isIdentified = true;
        break;
      case "script":
        if (wordOf(args[0]) === "debug") this.#isDirty = true;
        break;
      default:
        this.#isDirty = true;
    }
  }

  /** The connection is gone, and with it the guard. */
  connectionLost(now: number): void {
    const { guard } = this;
    this.clear();
    if (guard === undefined) return;
    this.#endedByConnection = true;
    this.#lose({ guard, at: now });
  }

  /** What a command that comes alone counted on and lost; forgets the loss once the caller's transaction has come to its end. */
  check(name: string, now: number): LostGuard | undefined {
    const lost = this.#lost;
    const { session } = factsOf(name);
    if (lost === undefined || session === "quit") return undefined;
    if (lost.guard !== "WATCH") return this.#checkMember(lost, session, now);
    switch (session) {
      case "unwatch":
      case "reset":
      case "discard":
        this.#lose(undefined);
        return undefined;
      case "multi":
        this.multiRefused(now);
        return lost.guard;
      case "watch":
      case "exec":
        // Its EXEC would be taken for one that both guard.
        this.#lose(undefined);
        return lost.guard;
      default:
        return undefined;
    }
  }

  /** A command that belongs, or may belong, to a MULTI that is lost or was refused. */
  #checkMember({ guard, at }: Lost, session: Session | undefined, now: number): LostGuard | undefined {
    // No MULTI holds a WATCH, and the owner of this one has been told: a new attempt begins.
    const isOver = session === "reset" || (guard === "refused MULTI" && session === "watch");
    if (isOver || session === "exec" || session === "discard" || now - at >= REMEMBERED) this.#lose(undefined);
    return isOver ? undefined : guard;
  }

  /** The same for the members of a whole batch, which share one fate. */
  checkBatch(names: readonly string[], now: number): LostGuard | undefined {
    const lost = this.#lost;
    if (lost === undefined) return undefined;
    const changes = names.map((name) => factsOf(name).session);
    if (lost.guard !== "WATCH") {
      if (endsForeign(changes) || now - lost.at >= REMEMBERED) this.#lose(undefined);
      return lost.guard;
    }
    const first = changes.find((change) => change !== undefined && CONCERNED.has(change));
    if (first !== undefined) this.#lose(undefined);
    return first === "multi" || first === "exec" || first === "watch" ? lost.guard : undefined;
  }

  /** An interactive MULTI was refused before it was sent: what follows was issued for it, until its caller has `heard`. */
  multiRefused(now: number): void {
    this.#lose({ guard: "refused MULTI", at: now });
  }

  /** The caller of a refused MULTI has heard of it: what comes now was issued in full knowledge. */
  heard(): void {
    if (this.isInRefusedMulti) this.#lose(undefined);
  }

  /** The owner knows that the connection was lost. */
  forgetLoss(): void {
    this.#lose(undefined);
  }

  /** The connection is as new. */
  clear(): void {
    this.#hold(NONE);
    this.#selected = this.#isDirty = this.#isIdentified = false;
  }

  /** Calls `run` once when no MULTI is open any more, after the command that ends it was written; now if none is. */
  whenOutOfMulti(run: () => void): void {
    if (this.isInMulti) this.#onOutOfMulti = run;
    else run();
  }

  #hold(open: Open): void {
    const run = open.kind === "multi" ? undefined : this.#onOutOfMulti;
    if (run !== undefined) {
      this.#onOutOfMulti = undefined;
      queueMicrotask(run);
    }
    this.#open = open;
    this.isHolding = open.kind !== "none";
    this.openBatch = open.kind === "multi" ? open.batch : undefined;
  }

  #lose(lost: Lost | undefined): void {
    this.#lost = lost;
    this.isLost = lost !== undefined;
  }
}

/** What ends, uses or renews a lost WATCH. */
const CONCERNED: ReadonlySet<Session> = new Set(["watch", "unwatch", "multi", "exec", "discard", "reset"]);

/** Whether there is an EXEC or DISCARD for a MULTI that is not among these. */
function endsForeign(changes: readonly (Session | undefined)[]): boolean {
  let isOpen = false;
  for (const change of changes) {
    if (change === "multi") isOpen = true;
    else if (change === "exec" || change === "discard") {
      if (!isOpen) return true;
      isOpen = false;
    }
  }
  return false;
}
