/**
 * How one connection to a Sentinel logs in: with what the options say or, where there is a provider, with what that gives, and then again
 * whenever it gives something else. Replies to a login come before all others, or are the only ones that are no list.
 */
import { classify } from "../failure/classify.js";
import { ErrorReply, type Reply } from "../resp.js";
import type { Auth, Login } from "../credentials/login.js";
import type { LiveConnection, LoginSession, LoginSource } from "../credentials/source.js";

/** The connection, as far as logging it in anew goes. */
export interface Line {
  /** Something must come before anything else may be written. */
  isBusy(): boolean;
  /** Calls `run` once when it is worth another look whether it is busy. */
  whenIdle(run: () => void): void;
  /** Writes AUTH, with what has to stand around it. */
  logIn(auth: readonly string[]): void;
  end(): void;
}

interface Pending {
  accepted(): void;
  refused(reply: ErrorReply): void;
}

export class Entry implements LiveConnection {
  readonly #source: LoginSource | undefined;
  readonly #given: Login | undefined;
  readonly #auth: Auth | undefined;
  readonly #pending: Pending[] = [];
  #line: Line | undefined = undefined;
  #session: LoginSession | undefined = undefined;
  #refusal: ErrorReply | undefined = undefined;
  #mayTryAnew = false;

  private constructor(auth: Auth | undefined, source?: LoginSource, given?: Login) {
    this.#auth = auth;
    this.#source = source;
    this.#given = given;
  }

  /** With what the options say; an empty password is none. */
  static withOptions(username: string | undefined, password: string | undefined): Entry {
    if (password === undefined || password === "") return new Entry(undefined);
    return new Entry(username === undefined || username === "" ? password : [username, password]);
  }

  /** With what a provider gave. */
  static withLogin(source: LoginSource, login: Login): Entry {
    return new Entry(login.auth, source, login);
  }

  /** The Sentinel's own words, if it refused the login that the connection began with. */
  get refusal(): ErrorReply | undefined {
    return this.#refusal;
  }

  /** It refused what a provider gave: whoever asks that again may have another one, now or later. */
  get isRefused(): boolean {
    return this.#refusal !== undefined && this.#source !== undefined;
  }

  /** It did, and there is, or may be, another one at once. */
  get mayTryAnew(): boolean {
    return this.#mayTryAnew;
  }

  /** The commands that a new connection begins with. */
  begin(line: Line): readonly (readonly string[])[] {
    this.#line = line;
    if (this.#auth === undefined) return [];
    this.#pending.push({ accepted: () => this.#entered(), refused: (reply) => this.#turnedAway(reply) });
    return [commandOf(this.#auth)];
  }

  /** Whether the reply that has come is that to a login. */
  takes(reply: Reply): boolean {
    const pending = this.#pending[0];
    // Whoever has left its channels for a moment hears of that in lists.
    if (pending === undefined || Array.isArray(reply)) return false;
    this.#pending.shift();
    if (reply instanceof ErrorReply) pending.refused(reply);
    else pending.accepted();
    return true;
  }

  /** The connection is gone. */
  end(): void {
    this.#session?.leave();
    this.#session = this.#line = undefined;
  }

  // ---- as whoever hands out logins sees it

  obstacle(): "none" | "reply" | "never" {
    if (this.#line === undefined) return "never";
    return this.#line.isBusy() ? "reply" : "none";
  }

  logIn(login: Login): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ accepted: resolve, refused: ({ message }) => reject(new Error(message)) });
      this.#line?.logIn(commandOf(login.auth));
    });
  }

  whenPast(_obstacle: "reply" | "transaction", run: () => void): void {
    this.#line?.whenIdle(run);
  }

  replace(): void {
    this.#line?.end();
  }

  #entered(): void {
    if (this.#source !== undefined && this.#given !== undefined) this.#session = this.#source.enter(this, this.#given);
  }

  #turnedAway(reply: ErrorReply): void {
    // It lets everybody in.
    if (classify(new Error(reply.message), { written: true }).code === "AUTH_NOT_CONFIGURED") this.#entered();
    else {
      this.#refusal = reply;
      if (this.#given !== undefined) this.#mayTryAnew = this.#source?.refused(this.#given) === true;
    }
  }
}

function commandOf(auth: Auth): readonly string[] {
  return typeof auth === "string" ? ["AUTH", auth] : ["AUTH", ...auth];
}
