/**
 * What one provider has answered for one endpoint, shared by all connections of this process that it is for. Asks before it
 * expires, once more after the server has refused it, and again with growing pauses when neither helps. While what was given last
 * may still be used, nobody has to wait for a provider that fails.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { fullJitter } from "../endpoint/backoff.js";
import { ask, Failure } from "./asking.js";
import { Login } from "./login.js";
import type { CredentialsEndpoint, CredentialsProvider, CredentialsReason } from "./provider.js";

/** Somebody with live connections. */
export interface CredentialsUser {
  /** From now on this is the login; told again when it is worth another try. */
  changed(login: Login): void;
  /** There is no other login for the moment. `what`: words that follow the provider's name. `left`: milliseconds until the old one expires. */
  failed(what: string, left: number): void;
  /** After `failed`: all is well again. */
  renewed(): void;
}

/** A provider may take so long, in milliseconds; no longer than the old login lasts … */
const PATIENCE = 10_000;
/** … but never less than this. */
const LEAST_PATIENCE = 1_000;
/** A login is renewed after this share of its life … */
const RENEW_AT = 0.75;
/** … less up to this share of that, so that processes that were started together do not ask together. */
const SPREAD = 0.1;
/** Never sooner than this after it came, in milliseconds: a provider may keep handing out what is about to expire. */
const FLOOR = 1_000;
/** Pauses after failures and refusals, in milliseconds: anything up to the bound, but never less than the least. */
const PAUSES = { minTimeout: 1_000, maxTimeout: 30_000, factor: 2 };
const LEAST_PAUSE = 250;

/** Why a question was taken back. */
const UNWANTED = "nobody waits any more";

export class CredentialCache {
  readonly #provider: CredentialsProvider;
  readonly #endpoint: CredentialsEndpoint;
  readonly #users = new Set<CredentialsUser>();
  #login: Login | undefined = undefined;
  #pending: Promise<Login | Failure> | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  /** Dials that wait for an answer. */
  #waiting = 0;
  /** What the provider did instead of answering, until it answers. */
  #failure: Failure | undefined = undefined;
  #failures = 0;
  /** How often the server refused, since it last took a login. */
  #refusals = 0;
  /** Its users have been told that something is wrong. */
  #isTold = false;
  /** Until then the provider is not asked again. On the monotonic clock, as all times here. */
  #notBefore = -Infinity;
  /** Until then its last answer holds for connections whose login the server has ended. */
  #knownUntil = -Infinity;
  /** When it is asked without anybody waiting. */
  #dueAt = Infinity;
  #timer: Timer | undefined = undefined;
  #unwatch: (() => void) | undefined = undefined;

  constructor(provider: CredentialsProvider, endpoint: CredentialsEndpoint) {
    this.#provider = provider;
    this.#endpoint = endpoint;
  }

  /** What was given last; `undefined` before the first answer. */
  get current(): Login | undefined {
    return this.#login;
  }

  /**
   * The login for a connection that is about to be made, or why there is none. Settles in bounded time, and at once when
   * `signal` aborts.
   */
  async take(signal: AbortSignal): Promise<Login | Failure> {
    const login = this.#login;
    if (login !== undefined && !login.isRefused && login.isFresh) return login;
    // Asked a moment ago: what it says now is known.
    if (this.#pending === undefined && clock.now() < this.#notBefore) return this.#best();
    return this.#awaited(login?.isRefused === true ? "rejected" : "connect", signal);
  }

  /**
   * The server has ended the login of a live connection: what that is to be logged in with, or why there is nothing. Settles in bounded
   * time, and at once when `signal` aborts.
   */
  async ended(signal: AbortSignal): Promise<Login | Failure> {
    // Many connections end together, and a server that ends them again at once must not have the provider asked each time.
    const isKnown = clock.now() < Math.max(this.#notBefore, this.#knownUntil);
    if (this.#pending === undefined && isKnown) return this.#best();
    const given = await this.#awaited("rejected", signal);
    this.#knownUntil = clock.now() + FLOOR;
    return given;
  }

  /** The server has taken it. */
  accepted(login: Login): void {
    login.isRefused = false;
    if (login !== this.#login) return;
    this.#refusals = 0;
    this.#tellIfWell();
  }

  /**
   * The server refuses it. Another one is asked for, once at once, then with pauses.
   *
   * @returns whether the one who was refused should try again right away, with what `take` gives him then.
   */
  refused(login: Login): boolean {
    if (login !== this.#login) return true;
    if (login.isRefused) return login.mayAskAnew;
    login.isRefused = true;
    login.mayAskAnew = this.#refusals === 0;
    this.#refusals++;
    if (!login.mayAskAnew) {
      this.#pause();
      this.#tellRefused(login);
    } else {
      this.#notBefore = -Infinity;
      if (this.#users.size > 0) void this.#renew("rejected");
    }
    return login.mayAskAnew;
  }

  /** Somebody has live connections from now on, until `leave`. */
  join(user: CredentialsUser): void {
    this.#users.add(user);
    if (this.#users.size > 1) return;
    this.#unwatch = this.#watch();
    this.#arm();
  }

  leave(user: CredentialsUser): void {
    if (!this.#users.delete(user) || this.#users.size > 0) return;
    clock.clearTimeout(this.#timer);
    try {
      this.#unwatch?.();
    } catch {
      // Whatever it watched, nobody listens any more.
    }
    this.#unwatch = undefined;
    this.#dropIfUnwanted();
  }

  #watch(): (() => void) | undefined {
    try {
      return this.#provider.watch?.(() => {
        if (this.#users.size > 0) void this.#renewAfresh();
      });
    } catch {
      return undefined;
    }
  }

  /** It has changed while it was being asked, perhaps after it had looked. */
  async #renewAfresh(): Promise<void> {
    await this.#pending;
    await this.#renew("expiring");
  }

  /** What is better than nothing: the last login unless it is over; also one that was refused, in case the server takes it by now. */
  #best(failure: Failure | undefined = this.#failure): Login | Failure {
    const login = this.#login;
    if (login !== undefined && login.isUsable && (failure === undefined || !login.isRefused)) return login;
    return failure ?? new Failure("has given nothing that is still valid");
  }

  async #awaited(reason: CredentialsReason, signal: AbortSignal): Promise<Login | Failure> {
    this.#waiting++;
    const given = await orAborted(this.#renew(reason), signal);
    this.#waiting--;
    this.#dropIfUnwanted();
    return given instanceof Login ? given : this.#best(given);
  }

  #renew(reason: CredentialsReason): Promise<Login | Failure> {
    return (this.#pending ??= this.#ask(reason).finally(() => {
      this.#pending = this.#controller = undefined;
    }));
  }

  async #ask(reason: CredentialsReason): Promise<Login | Failure> {
    const controller = (this.#controller = new AbortController());
    const left = this.#login === undefined || this.#login.isRefused ? PATIENCE : this.#login.left;
    const limit = Math.min(PATIENCE, Math.max(LEAST_PATIENCE, left));
    const request = { reason, endpoint: this.#endpoint };
    // What waits for a dial is settled by it, even where nothing else is left to do.
    const given = await ask(this.#provider, request, limit, controller, this.#waiting > 0);
    if (given instanceof Login) return this.#took(given);
    if (controller.signal.reason === UNWANTED) return given;
    this.#failure = given;
    this.#failures++;
    this.#pause();
    this.#tellFailed(given.what);
    return given;
  }

  #took(given: Login): Login {
    this.#failure = undefined;
    this.#failures = 0;
    const before = this.#login;
    if (before?.equals(given) === true) {
      before.renewed(given);
      if (before.isRefused) {
        // Asked anew, it says the same: it knows no better.
        before.mayAskAnew = false;
        this.#pause();
        this.#tellRefused(before);
      } else {
        this.#plan(before);
        this.#tellIfWell();
      }
      return before;
    }
    this.#login = given;
    this.#notBefore = -Infinity;
    this.#plan(given);
    this.#tellIfWell();
    for (const user of [...this.#users]) user.changed(given);
    return given;
  }

  #tellRefused(login: Login): void {
    // Who is being connected hears it from the server.
    if (login.isRefused) this.#tellFailed("gives credentials that the server refuses");
  }

  #tellFailed(what: string): void {
    this.#isTold = this.#users.size > 0;
    for (const user of [...this.#users]) user.failed(what, this.#login?.left ?? 0);
  }

  #tellIfWell(): void {
    if (!this.#isTold || this.#failures > 0 || this.#refusals > 0) return;
    this.#isTold = false;
    for (const user of [...this.#users]) user.renewed();
  }

  #pause(): void {
    const pause = Math.max(LEAST_PAUSE, fullJitter(PAUSES, this.#failures + this.#refusals));
    this.#notBefore = this.#dueAt = clock.now() + pause;
    this.#arm();
  }

  #plan({ life }: Login): void {
    const spread = 1 - SPREAD * clock.random();
    this.#dueAt = life === undefined ? Infinity : clock.now() + Math.max(FLOOR, life * RENEW_AT * spread);
    this.#arm();
  }

  #arm(): void {
    clock.clearTimeout(this.#timer);
    if (this.#users.size === 0 || this.#dueAt === Infinity) return;
    this.#timer = setUnrefTimeout(() => void this.#due(), Math.max(0, this.#dueAt - clock.now()));
  }

  async #due(): Promise<void> {
    const login = this.#login;
    const wasRefused = login?.isRefused === true;
    await this.#renew(wasRefused ? "rejected" : "expiring");
    // The same again, and the server had time to learn of it: worth another try.
    if (!wasRefused || this.#login !== login) return;
    login.isRefused = false;
    for (const user of [...this.#users]) user.changed(login);
  }

  /** A question that nobody waits for is taken back. */
  #dropIfUnwanted(): void {
    if (this.#users.size === 0 && this.#waiting === 0) this.#controller?.abort(UNWANTED);
  }
}

/** Settles when the signal aborts, whatever the promise does. */
function orAborted(promise: Promise<Login | Failure>, signal: AbortSignal): Promise<Login | Failure> {
  return new Promise((resolve) => {
    const leave = (): void => resolve(new Failure("was not waited for"));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    void promise.then((given) => {
      signal.removeEventListener("abort", leave);
      resolve(given);
    });
  });
}
