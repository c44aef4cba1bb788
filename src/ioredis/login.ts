/**
 * Who a connection logs in as: the user that a caller chose with AUTH on a running connection, else what a provider gives, else what
 * the options say. ioredis knows the options only: after a reconnect, what follows would run as somebody else, with more rights
 * perhaps.
 */
import { Command, type RedisOptions } from "ioredis";
import { clock } from "../clock.js";
import { wordOf } from "../command/arguments.js";
import { classify } from "../failure/classify.js";
import type { Auth, Login } from "../credentials/login.js";
import type { LiveConnection, LoginSession, LoginSource } from "../credentials/source.js";
import type { RedisInternals } from "./internals.js";

/** A login of one's own, that a caller took with AUTH. Compared as an object: the same words again are another login. */
export interface TakenLogin {
  readonly auth: Auth;
}

/** The login of a connection beside the client's own. */
export interface SideLogin {
  /** In the place of what the caller's options say. */
  readonly options: RedisOptions;
  /** The server refuses it. */
  refused(): void;
}

export interface LoginParts {
  /** Hands out what the options do not hold. */
  readonly source: LoginSource | undefined;
  /** The login that a caller took on the client that this connection belongs to. */
  readonly inherited: (() => TakenLogin | undefined) | undefined;
}

export class ConnectionLogin {
  readonly #redis: RedisInternals;
  readonly #source: LoginSource | undefined;
  readonly #inherited: (() => TakenLogin | undefined) | undefined;
  /** The last one that the server took; none while the options' own or the provider's hold. */
  #taken: TakenLogin | undefined = undefined;
  /** What the provider gave for the present connection, or the one that is being made. */
  #given: Login | undefined = undefined;
  #session: LoginSession | undefined = undefined;
  /** Hear when the connection, whose login the server has ended, is logged in again. */
  #ended: (() => void)[] | undefined = undefined;
  /** Takes back the question to the provider that is under way. */
  #asking: AbortController | undefined = undefined;
  #askedAt = 0;
  /** AUTH of our own: it is no caller's. */
  readonly #ours = new WeakSet<Command>();

  constructor(redis: RedisInternals, { source, inherited }: LoginParts) {
    this.#redis = redis;
    this.#source = source;
    this.#inherited = inherited;
  }

  /** The login that a caller took; `undefined` while the options' or the provider's hold. */
  get taken(): TakenLogin | undefined {
    return this.#taken;
  }

  /** What the provider is called, if it is one that logs the connection in. */
  get provider(): string | undefined {
    return this.#taken === undefined ? this.#source?.name : undefined;
  }

  /** A login may have to be got before a connection is made. */
  get mustPrepare(): boolean {
    return this.#source !== undefined || this.#inherited !== undefined;
  }

  /** Milliseconds since the provider was asked for the connection that is about to be made; `undefined` when it has answered. */
  get askedFor(): number | undefined {
    return this.#asking === undefined ? undefined : clock.now() - this.#askedAt;
  }

  /** Before a connection is made: gets its login. `null`: nobody wants the connection any more; an error: why there is no login. */
  async prepare(): Promise<Error | null | undefined> {
    this.#given = undefined;
    this.#taken ??= this.#inherited?.();
    if (this.#source === undefined || this.#taken !== undefined) return undefined;
    const asking = (this.#asking = new AbortController());
    this.#askedAt = clock.now();
    const given = await this.#source.take(asking.signal);
    if (asking.signal.aborted) return null;
    this.#asking = undefined;
    if (given instanceof Error) return given;
    this.#given = given;
    return undefined;
  }

  /** Nobody wants the connection any more that is being made. */
  giveUp(): void {
    this.#asking?.abort();
    this.#asking = undefined;
  }

  /** A connection begins, and its handshake is about to log in. */
  connected(): void {
    const auth = this.#taken?.auth ?? this.#given?.auth;
    const { condition } = this.#redis;
    if (condition !== null && auth !== undefined) condition.auth = auth;
  }

  /** The server has let it in. */
  ready(connection: LiveConnection): void {
    if (this.#source !== undefined && this.#given !== undefined)
      this.#session = this.#source.enter(connection, this.#given);
  }

  closed(): void {
    this.#session?.leave();
    this.#session = this.#ended = undefined;
  }

  /**
   * The server has ended the login of the present connection. Returns whether it is logged in with what the provider gives now; `done`
   * is called when that is over, well or not.
   */
  again(done: () => void): boolean {
    const session = this.#session;
    if (session === undefined || this.#taken !== undefined) return false;
    if (this.#ended !== undefined) {
      this.#ended.push(done);
      return true;
    }
    const waiting = (this.#ended = [done]);
    session.ended(() => {
      if (this.#ended !== waiting) return;
      this.#ended = undefined;
      for (const one of waiting) one();
    });
    return true;
  }

  /**
   * What a connection beside this one logs in with, in the place of the options: nothing where those hold; an error: why there is no
   * login. Settles in bounded time, and when `signal` aborts.
   */
  async beside(signal: AbortSignal): Promise<SideLogin | Error | undefined> {
    const taken = this.#taken ?? this.#inherited?.();
    if (taken !== undefined) return { options: asOptions(taken.auth), refused: ignore };
    const source = this.#source;
    if (source === undefined) return undefined;
    const given = await source.take(signal);
    return given instanceof Error
      ? given
      : { options: asOptions(given.auth), refused: () => void source.refused(given) };
  }

  /** The server refuses it. Returns whether another attempt may have a better login. */
  refused(): boolean {
    return this.#taken === undefined && this.#given !== undefined && this.#source?.refused(this.#given) === true;
  }

  /** The present connection was logged in anew with what the provider gave. */
  renewed(login: Login): void {
    this.#given = login;
  }

  /** An AUTH of our own. */
  command(auth: Auth): Command {
    const command = new Command("auth", typeof auth === "string" ? [auth] : [...auth]);
    this.#ours.add(command);
    return command;
  }

  /** The connection was logged in as the user that a caller chose on another one of the same client. */
  took(login: TakenLogin): void {
    this.#taken = login;
  }

  /** A command is about to be written that may log in, or out. */
  sending(command: Command): void {
    if (this.#redis.status !== "ready" || this.#ours.has(command)) return;
    const name = command.name.toLowerCase();
    const auth = name === "reset" ? undefined : authOf(name, command.args);
    if (auth === undefined && name !== "reset") return;
    const { resolve } = command;
    command.resolve = (reply: unknown) => {
      // Inside a MULTI it is put off, and may never happen.
      if (String(reply) !== "QUEUED") this.#taken = auth === undefined ? undefined : { auth };
      resolve.call(command, reply);
    };
  }
}

function authOf(name: string, args: readonly unknown[]): Auth | undefined {
  const at = name === "auth" ? 0 : name === "hello" ? args.findIndex((arg) => wordOf(arg) === "auth") + 1 : -1;
  if (at < 0 || (name === "hello" && at === 0)) return undefined;
  const [first, second] = args.slice(at, at + 2).map(String);
  if (first === undefined) return undefined;
  return second === undefined ? first : [first, second];
}

/** As options of ioredis; without a user, so that none of the caller's options is taken for this login's. */
export function asOptions(auth: Auth): RedisOptions {
  const [username, password] = typeof auth === "string" ? [undefined, auth] : auth;
  return { username, password };
}

function ignore(): void {
  // Nobody else could be asked for another one.
}

/** The server does not know this login, or not any more. */
export function isLoginRefusal(error: Error): boolean {
  const { code } = classify(error, { written: true });
  return code === "AUTH_WRONG" || code === "AUTH_REQUIRED";
}
