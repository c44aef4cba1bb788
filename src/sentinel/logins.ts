/** Who the Sentinels of one set are asked as: what the options say or, where there is a provider, what that gives for all of them. */
import { ClientCredentials, type CredentialsReport } from "../credentials/client-credentials.js";
import type { CredentialsProvider } from "../credentials/provider.js";
import { Entry } from "./entry.js";

export interface LoginOptions {
  /** ioredis's `sentinelUsername` and `sentinelPassword`. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Gives both in their place. */
  readonly provider: CredentialsProvider | undefined;
}

export class SentinelLogins {
  readonly #options: LoginOptions;
  readonly #source: ClientCredentials | undefined;

  /** `report` hears how live connections fare. */
  constructor(setName: string, options: LoginOptions, report: CredentialsReport) {
    this.#options = options;
    const { provider } = options;
    const endpoint = { sentinelName: setName, isSentinel: true };
    this.#source =
      provider === undefined ? undefined : new ClientCredentials(provider, endpoint, `sentinel ${setName}`, report);
  }

  /**
   * How the next connection logs in. Settles in bounded time, and when `signal` aborts.
   *
   * @throws {IoredoubtError} `CREDENTIALS_FAILED`: the provider gave nothing.
   */
  async next(signal: AbortSignal): Promise<Entry> {
    const { username, password } = this.#options;
    if (this.#source === undefined) return Entry.withOptions(username, password);
    const login = await this.#source.take(signal);
    if (login instanceof Error) throw login;
    return Entry.withLogin(this.#source, login);
  }
}
