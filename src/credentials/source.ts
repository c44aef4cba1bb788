/** What connections and whoever hands out their logins know of each other. Types only. */
import type { Login } from "./login.js";

/** Where the connections of one client get their logins. */
export interface LoginSource {
  /** What the provider is called, for people. */
  readonly name: string;
  /** The login for a connection that is about to be made, or why there is none. Settles in bounded time, and when `signal` aborts. */
  take(signal: AbortSignal): Promise<Login | Error>;
  /** The server has taken it. */
  accepted(login: Login): void;
  /** The server refuses it in a handshake. Returns whether to dial again at once: there is, or may be, another one. */
  refused(login: Login): boolean;
  /** A connection is ready, with this login. */
  enter(connection: LiveConnection, login: Login): LoginSession;
}

/** A connection that is ready, as far as whoever gave its login goes on with it. */
export interface LoginSession {
  /**
   * The server has ended its login. `done` is called when it has answered another one, which may be the same, or nobody gives any; not
   * when the connection is gone first.
   */
  ended(done: () => void): void;
  /** The connection is gone. */
  leave(): void;
}

/** A connection that is ready, as far as logging it in anew goes. */
export interface LiveConnection {
  /** What an AUTH written now would disturb: a MULTI, a reply that has to come first. `never`: it is not ours to log in. */
  obstacle(): "none" | "reply" | "transaction" | "never";
  /** Writes AUTH. Rejects with the server's refusal; never settles when the connection is lost first. */
  logIn(login: Login): Promise<unknown>;
  /** Calls `run` once when it is worth another look whether there is still that obstacle. */
  whenPast(obstacle: "reply" | "transaction", run: () => void): void;
  /** Another connection is to take its place once nothing is in flight on it. */
  replace(): void;
}
