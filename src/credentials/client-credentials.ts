/**
 * The logins of one client's connections. Small, because every client loads it; the machinery behind it is loaded when a provider is asked
 * for the first time.
 */
import { IoredoubtError } from "../failure/errors.js";
import { formatDuration } from "../format.js";
import type { CredentialCache, CredentialsUser } from "./cache.js";
import type { Login } from "./login.js";
import type { CredentialsEndpoint, CredentialsProvider } from "./provider.js";
import type { Reauthentication } from "./reauthentication.js";
import type { LiveConnection, LoginSession, LoginSource } from "./source.js";

export interface CredentialsReport {
  /** There are no new credentials, and connections go on with those that they have. */
  failed(error: IoredoubtError): void;
  /** After `failed`: there are. */
  renewed(): void;
}

type Machinery = typeof import("./machinery.js");

export class ClientCredentials implements LoginSource, CredentialsUser {
  readonly name: string;
  readonly #provider: CredentialsProvider;
  readonly #endpoint: CredentialsEndpoint;
  readonly #label: string;
  readonly #report: CredentialsReport | undefined;
  #machinery: Machinery | undefined = undefined;
  #cache: CredentialCache | undefined = undefined;
  readonly #live = new Set<Reauthentication>();

  /** `label`: the endpoint's name, for people. `report` hears how live connections fare. */
  constructor(provider: CredentialsProvider, endpoint: CredentialsEndpoint, label: string, report?: CredentialsReport) {
    this.#provider = provider;
    this.#endpoint = endpoint;
    this.#label = label;
    this.#report = report;
    this.name = providerName(provider) + (endpoint.isSentinel ? " (for the Sentinels)" : "");
  }

  async take(signal: AbortSignal): Promise<Login | Error> {
    this.#machinery ??= await import("./machinery.js");
    this.#cache ??= this.#machinery.cacheOf(this.#provider, this.#endpoint);
    const given = await this.#cache.take(signal);
    return "what" in given ? this.#error(given.what) : given;
  }

  accepted(login: Login): void {
    this.#cache?.accepted(login);
  }

  refused(login: Login): boolean {
    return this.#cache?.refused(login) === true;
  }

  enter(connection: LiveConnection, login: Login): LoginSession {
    const cache = this.#cache;
    if (this.#machinery === undefined || cache === undefined) return NO_SESSION;
    const live = new this.#machinery.Reauthentication(connection, login, cache);
    this.#live.add(live);
    if (this.#live.size === 1) cache.join(this);
    cache.accepted(login);
    if (cache.current !== undefined) live.want(cache.current);
    const leaving = new AbortController();
    return {
      ended: (done) =>
        void cache.ended(leaving.signal).then((given) => {
          if (leaving.signal.aborted) return;
          if ("what" in given) done();
          else live.again(given, done);
        }),
      leave: () => {
        leaving.abort();
        live.end();
        if (this.#live.delete(live) && this.#live.size === 0) cache.leave(this);
      },
    };
  }

  // ---- what the cache tells

  changed(login: Login): void {
    for (const live of [...this.#live]) live.want(login);
  }

  failed(what: string, left: number): void {
    const until =
      left === Infinity ? "" : left > 0 ? `, which expires in ${formatDuration(left)}` : ", which has expired";
    this.#report?.failed(this.#error(`${what}; connections keep the login they have${until}`));
  }

  renewed(): void {
    this.#report?.renewed();
  }

  #error(what: string): IoredoubtError {
    return new IoredoubtError("CREDENTIALS_FAILED", `the credentials provider ${this.name} ${what}`, {
      endpoint: this.#label,
    });
  }
}

/** A function's name is what somebody wrote in code. Bounded all the same: it may have been computed. */
export function providerName({ name }: CredentialsProvider): string {
  return /^[\w$.# -]{1,60}$/.test(name) ? name : "(a function without a name)";
}

/** Of a connection that was never entered. */
const NO_SESSION: LoginSession = { ended: (done) => done(), leave: () => undefined };
