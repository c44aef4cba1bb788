/**
 * Interactive MULTIs as their callers issue them, from MULTI to EXEC, whether or not they are sent yet. The server
 * executes what it was sent; a transaction of which this client refused a member must not be executed without it.
 */
import type { Call } from "./call.js";

interface Issued {
  readonly multi: Call;
  readonly members: Set<Call>;
  /** A member was refused before it was sent. */
  isIncomplete: boolean;
  /** So was its EXEC or DISCARD: all that was issued for it is known. */
  isUnended: boolean;
}

export class IssuedTransactions {
  /** What is issued now belongs to a MULTI. Read for every command. */
  isOpen = false;
  #open: Issued | undefined = undefined;
  readonly #memberships = new WeakMap<Call, Issued>();

  /** A command was issued that may begin or end a MULTI, or belongs to one. */
  note(call: Call): void {
    const session = call.stream === undefined ? call.facts.session : undefined;
    if (session === "multi" && this.#open === undefined)
      this.#set({ multi: call, members: new Set(), isIncomplete: false, isUnended: false });
    if (this.#open === undefined) return;
    this.#memberships.set(call, this.#open);
    this.#open.members.add(call);
    if (session === "exec" || session === "discard" || session === "reset" || session === "quit") this.#set(undefined);
  }

  /** The call was refused and never sent. */
  dropped(call: Call): void {
    const issued = this.#memberships.get(call);
    if (issued === undefined) return;
    issued.isIncomplete = true;
    // What its caller issues from now on is issued in the knowledge of it.
    if (issued.multi === call && this.#open === issued) this.#set(undefined);
  }

  /** The server refused the call. If it is a MULTI that does not go again, none is open. */
  refused(call: Call): void {
    if (this.#open?.multi === call && call.state === "settled") this.#set(undefined);
  }

  /** The EXEC or DISCARD will not be sent. Returns what was issued for its MULTI and waits still, the MULTI included. */
  unended(end: Call): Call[] {
    const issued = this.#memberships.get(end);
    if (issued === undefined) return [];
    issued.isUnended = true;
    return [...issued.members].filter(({ state }) => state === "waiting");
  }

  /** The MULTI goes because its end was refused, and takes nothing along but its own members. */
  isUnended(multi: Call): boolean {
    return this.#memberships.get(multi)?.isUnended === true;
  }

  /** It is an EXEC, and what it would execute is not all that its caller asked for. */
  isIncomplete(call: Call): boolean {
    return call.facts.session === "exec" && this.#memberships.get(call)?.isIncomplete === true;
  }

  /** The connection is gone, and with it a MULTI that it had been sent. */
  connectionLost(): void {
    if (this.#open !== undefined && this.#open.multi.state !== "waiting") this.#set(undefined);
  }

  #set(open: Issued | undefined): void {
    this.#open = open;
    this.isOpen = open !== undefined;
  }
}
