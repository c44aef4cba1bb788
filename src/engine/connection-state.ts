/**
 * The state of a client's connection as commands see it, and the only place where it changes. What the states mean for a
 * command is `Admission`'s and `Release`'s business.
 */

/** Why a live connection sends nothing for the moment. */
export type PauseReason =
  /** A refused command waits for the end of its backoff, or for the answer to the one that was let go. */
  | "backoff"
  /** Commands were refused, and it is not decided yet which of them may go again. */
  | "refused"
  /** A blocking command has the connection to itself. */
  | "block"
  /** The process was suspended: the server is asked first. */
  | "suspended"
  /** Another database is being selected: what follows would run in the wrong one. */
  | "select"
  /** The server has ended its login, and it is being logged in anew. */
  | "login"
  /** Another server takes writes: the connection is dropped once nothing is in flight on it. */
  | "moving"
  /** A batch is judged when it is complete; nothing may come between its members. */
  | "batch"
  /** The socket takes no more bytes; it is about to close. */
  | "unwritable"
  /** It has owed a reply for long and says nothing. */
  | "silence"
  /** It was away or silent for long: whether it still serves what it served is found out first. */
  | "unsure"
  /** As much is in flight as may be. */
  | "full";

/** What waits for one of these waits for its turn on a connection that works, not for a connection. */
const TURNS: ReadonlySet<PauseReason> = new Set(["full", "silence", "unsure", "batch", "select", "login"]);

type Link =
  | { readonly kind: "down" }
  /** Connected; the open circuit is tested before anything goes. */
  | { readonly kind: "probing" }
  /** What waited is being sent; newcomers queue behind it. */
  | { readonly kind: "releasing" }
  | { readonly kind: "open" }
  | { readonly kind: "paused"; readonly reasons: ReadonlySet<PauseReason> };

type State =
  | Link
  /** Takes no new commands; those it has may still go. */
  | { readonly kind: "draining"; readonly link: Link }
  /** Ended. `revive` begins anew. */
  | { readonly kind: "closed" };

const DOWN: Link = { kind: "down" };
const PROBING: Link = { kind: "probing" };
const RELEASING: Link = { kind: "releasing" };
const OPEN: Link = { kind: "open" };

export class ConnectionState {
  #state: State = DOWN;
  /** Commands may go out at once. Read for every command. */
  isOpen = false;
  #arrival: object | undefined = undefined;

  /** Stands for the present connection, from when it is ready until it is lost. */
  get arrival(): object | undefined {
    return this.#arrival;
  }

  /** New commands are taken. */
  get accepts(): boolean {
    return this.#state.kind !== "draining" && this.#state.kind !== "closed";
  }

  get isClosed(): boolean {
    return this.#state.kind === "closed";
  }

  get isConnected(): boolean {
    return this.#link.kind !== "down";
  }

  get isProbing(): boolean {
    return this.#link.kind === "probing";
  }

  /** The connection works: what waits does so for its turn, or for a reply that is overdue. */
  get isServing(): boolean {
    const link = this.#link;
    if (link.kind === "paused") return [...link.reasons].every((reason) => TURNS.has(reason));
    return link.kind === "open" || link.kind === "releasing";
  }

  /** What waits may go. */
  get mayRelease(): boolean {
    return this.#link.kind === "open" || this.#link.kind === "releasing";
  }

  isPausedBy(reason: PauseReason): boolean {
    const link = this.#link;
    return link.kind === "paused" && link.reasons.has(reason);
  }

  /** It is paused for this reason and no other. */
  isPausedOnlyBy(reason: PauseReason): boolean {
    const link = this.#link;
    return link.kind === "paused" && link.reasons.has(reason) && link.reasons.size === 1;
  }

  /** There is a new connection. It is not used before `connected`; returns what stands for it. */
  arrived(): object {
    return (this.#arrival = {});
  }

  /** The connection is ready. With `mustProbe` nothing goes until `probed`. */
  connected(mustProbe: boolean): void {
    this.#setLink(mustProbe ? PROBING : RELEASING);
  }

  /** The circuit has closed. */
  probed(): void {
    if (this.isProbing) this.#setLink(RELEASING);
  }

  /** Nothing waits any more. */
  released(): void {
    if (this.#link.kind === "releasing") this.#setLink(OPEN);
  }

  pause(reason: PauseReason): void {
    const link = this.#link;
    if (link.kind === "down" || link.kind === "probing") return;
    this.#setLink({ kind: "paused", reasons: new Set(link.kind === "paused" ? [...link.reasons, reason] : [reason]) });
  }

  resume(reason: PauseReason): void {
    const link = this.#link;
    if (link.kind !== "paused") return;
    const reasons = new Set([...link.reasons].filter((other) => other !== reason));
    this.#setLink(reasons.size === 0 ? RELEASING : { kind: "paused", reasons });
  }

  lost(): void {
    this.#setLink(DOWN);
    this.#arrival = undefined;
  }

  /** Takes no new commands from here on. */
  drain(): void {
    if (this.accepts) this.#set({ kind: "draining", link: this.#link });
  }

  close(): void {
    this.#set({ kind: "closed" });
  }

  /** Takes commands again; the connection is still to be made. */
  revive(): void {
    if (this.#state.kind === "closed") this.#set(DOWN);
    else if (this.#state.kind === "draining") this.#set(this.#state.link);
  }

  get #link(): Link {
    const state = this.#state;
    if (state.kind === "draining") return state.link;
    return state.kind === "closed" ? DOWN : state;
  }

  #setLink(link: Link): void {
    if (this.#state.kind === "draining") this.#set({ kind: "draining", link });
    else if (this.#state.kind !== "closed") this.#set(link);
  }

  #set(state: State): void {
    this.#state = state;
    this.isOpen = state.kind === "open";
  }
}
