/** Who start nodes are asked as: what the options say of each or, where there is a provider, what that gives for it. */
import type { RedisOptions } from "ioredis";
import { ClientCredentials } from "../credentials/client-credentials.js";
import type { CredentialsProvider } from "../credentials/provider.js";
import { asOptions, isLoginRefusal } from "../ioredis/login.js";

/** The options of one start node. */
export type SeedOptions = RedisOptions & { readonly host: string; readonly port: number };

/** Asks one start node. */
type AskSeed = (options: RedisOptions) => Promise<unknown>;

export class SeedLogins {
  readonly #provider: CredentialsProvider | undefined;
  readonly #label: string;
  #ending = new AbortController();

  /** `label`: the cluster's name, for people. */
  constructor(provider: CredentialsProvider | undefined, label: string) {
    this.#provider = provider;
    this.#label = label;
  }

  /** The client begins, or begins again. */
  begin(): void {
    if (this.#ending.signal.aborted) this.#ending = new AbortController();
  }

  /** Nobody waits any more. */
  end(): void {
    this.#ending.abort();
  }

  /** Asks for the login of the node that is asked first, so that a slow provider is not waited for on the node's time. */
  async prepare(first: SeedOptions | undefined): Promise<void> {
    if (first !== undefined) await this.#sourceFor(first)?.take(this.#ending.signal);
  }

  /** What the node answers. It is asked once more if it refuses the login and there is, or may be, another one. */
  async ask(options: SeedOptions, ask: AskSeed): Promise<unknown> {
    const source = this.#sourceFor(options);
    if (source === undefined) return ask(options);
    for (;;) {
      const login = await source.take(this.#ending.signal);
      if (login instanceof Error) throw login;
      try {
        const answer = await ask({ ...options, ...asOptions(login.auth) });
        source.accepted(login);
        return answer;
      } catch (error) {
        if (!(error instanceof Error && isLoginRefusal(error) && source.refused(login))) throw error;
      }
    }
  }

  #sourceFor({ host, port }: SeedOptions): ClientCredentials | undefined {
    if (this.#provider === undefined) return undefined;
    return new ClientCredentials(this.#provider, { host, port, isSentinel: false }, this.#label);
  }
}
