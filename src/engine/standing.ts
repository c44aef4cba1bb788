/** How a client's connection stands, and since when: for people and probes, never for decisions about commands. */
import { clock } from "../clock.js";

/**
 * `idle`: nothing has asked for a connection yet. `connecting`: the first attempt is under way and nothing has failed.
 * `down`: a connection was lost, or an attempt failed. `closed`: ended.
 */
export type StandingKind = "idle" | "connecting" | "connected" | "down" | "closed";

export class Standing {
  #kind: StandingKind = "idle";
  #since = clock.now();
  /** When the last connection was lost; `undefined` if there was none. */
  #lostAt: number | undefined = undefined;

  get kind(): StandingKind {
    return this.#kind;
  }

  /** On the monotonic clock. */
  get since(): number {
    return this.#since;
  }

  /** It is connected, or was before. */
  get wasConnected(): boolean {
    return this.#kind === "connected" || this.#lostAt !== undefined;
  }

  /** Somebody asked for a connection, and there is none. */
  get wantsConnection(): boolean {
    return this.#kind === "connecting" || this.#kind === "down";
  }

  /** An attempt begins. */
  connecting(): void {
    if (this.#kind === "idle" || this.#kind === "closed") this.#set("connecting");
  }

  /** Something went wrong with the connection or the attempt. */
  failed(): void {
    if (this.#kind === "connecting") this.#set("down");
  }

  lost(): void {
    if (this.#kind !== "connected") return;
    this.#set("down");
    this.#lostAt = this.#since;
  }

  /** Returns for how many milliseconds there was no connection; `undefined` for the first. */
  connected(): number | undefined {
    this.#set("connected");
    return this.#lostAt === undefined ? undefined : this.#since - this.#lostAt;
  }

  ended(): void {
    this.#set("closed");
    this.#lostAt = undefined;
  }

  #set(kind: StandingKind): void {
    if (this.#kind === kind) return;
    this.#kind = kind;
    this.#since = clock.now();
  }
}
