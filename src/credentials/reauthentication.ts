/**
 * Logs one live connection in anew, between two commands: not inside a MULTI, where AUTH would be queued, and not behind a command
 * that blocks, where it would wait for the end of the block. What comes before it runs under the old login, what follows under the new.
 */
import { classify } from "../failure/classify.js";
import type { Login } from "./login.js";
import type { LiveConnection } from "./source.js";

export interface ReauthenticationHooks {
  /** The server took it. */
  accepted(login: Login): void;
  /** The server refuses it; the connection keeps the login that it has. */
  refused(login: Login): void;
}

export class Reauthentication {
  readonly #connection: LiveConnection;
  readonly #hooks: ReauthenticationHooks;
  /** None once the server has ended it. */
  #has: Login | undefined;
  #wanted: Login | undefined = undefined;
  #isSending = false;
  #isWaiting = false;
  #isOver = false;
  /** Hear when the connection has a login again, or the server refuses it one. */
  #waiting: (() => void)[] = [];

  constructor(connection: LiveConnection, has: Login, hooks: ReauthenticationHooks) {
    this.#connection = connection;
    this.#has = has;
    this.#hooks = hooks;
  }

  /** The connection is to have this login, as soon as that disturbs nothing. */
  want(login: Login): void {
    this.#wanted = login;
    this.#step();
  }

  /** The server has ended the login that it has: it is to have this one, which may be the same. */
  again(login: Login, done: () => void): void {
    this.#has = undefined;
    this.#waiting.push(done);
    this.want(login);
  }

  /** The connection is gone. */
  end(): void {
    this.#isOver = true;
    this.#waiting = [];
  }

  #step(): void {
    const login = this.#wanted;
    if (this.#isOver || this.#isSending || login === undefined || login === this.#has) return;
    const obstacle = this.#connection.obstacle();
    if (obstacle === "never") {
      this.#tell();
      return;
    }
    if (obstacle === "none") void this.#send(login);
    else this.#later(obstacle);
  }

  #later(obstacle: "reply" | "transaction"): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#connection.whenPast(obstacle, () => {
      this.#isWaiting = false;
      this.#step();
    });
  }

  async #send(login: Login): Promise<void> {
    this.#isSending = true;
    let refusal: unknown;
    try {
      await this.#connection.logIn(login);
    } catch (error) {
      refusal = error;
    }
    this.#isSending = false;
    if (this.#isOver) return;
    if (refusal === undefined) {
      this.#has = login;
      this.#hooks.accepted(login);
    } else this.#refused(login, refusal);
    if (this.#wanted === login) this.#tell();
    else this.#step();
  }

  #tell(): void {
    for (const done of this.#waiting.splice(0)) done();
  }

  #refused(login: Login, error: unknown): void {
    switch (classify(error, { written: true }).code) {
      case "AUTH_WRONG":
      case "AUTH_REQUIRED":
        this.#hooks.refused(login);
        break;
      case "AUTH_NOT_CONFIGURED":
        // The server lets everybody in.
        this.#has = login;
        break;
      default:
        // AUTH is not possible here; it is on a new connection.
        this.#connection.replace();
    }
  }
}
