/** What is needed of a client to find its server through Sentinels, and how the search is loaded: few processes have any. */
import type { Socket } from "node:net";
import type { RedisOptions } from "ioredis";
import type { CredentialsReport } from "../credentials/client-credentials.js";
import type { Connector } from "./internals.js";

/** ioredis's way to tell events of a connector. */
export type Emit = (type: string, error: Error) => void;

export interface SentinelClient {
  readonly label: string;
  readonly options: RedisOptions;
  /** The caller's own `sentinelRetryStrategy`; `undefined` if there is none. */
  readonly retryStrategy: unknown;
  /** The delay of a dial as the endpoint allows it: its clients share a rate. Milliseconds. */
  spaced(delay: number): number;
  /** It dials now, by name or by address. */
  dialling(isNamed: boolean): void;
  /** The connection that is about to be closed is left for this reason. */
  failed(error: Error): void;
  /** Failovers are heard of, not only asked for. */
  readonly listens: boolean;
  /** Another server serves in the place of the one at `from`, to which this client is or was connected. */
  replaced(from: string, to: string): void;
  /** Something that a person may want to know. */
  notice(says: string): void;
  /** Hears how connections to the Sentinels fare whose credentials change. */
  readonly credentials: CredentialsReport;
  /** What went wrong with the connection last. */
  lastError(): Error | undefined;
}

/** The connector behind the door. */
export interface Searching extends Connector {
  readonly isPaced: boolean;
  /**
   * Asks where the server is now. Whoever is connected elsewhere moves there by itself; resolves to whether the same name may
   * lead to another server as well.
   */
  look(): Promise<boolean>;
  heard(): void;
  leave(): void;
}

/** Stands where ioredis keeps its connector; what is behind is loaded with the first connection. */
export class SentinelDoor implements Connector {
  readonly #load: () => Promise<Searching>;
  #inner: Searching | undefined = undefined;
  #loading: Promise<Searching> | undefined = undefined;
  /** Why a connection was not even searched for. */
  #unborn: Error | undefined = undefined;
  /** Told to disconnect before there was anything behind. */
  #life = 0;
  /** The attempt under way, until ioredis knows its outcome. */
  #attempt: Promise<unknown> | undefined = undefined;

  constructor(load: () => Promise<Searching>) {
    this.#load = load;
  }

  get firstError(): Error | undefined {
    return this.#unborn ?? this.#inner?.firstError;
  }

  set firstError(reason: Error | undefined) {
    this.#unborn = reason;
  }

  get isPaced(): boolean {
    // What was not searched for has waited for nobody's turn.
    return this.#unborn === undefined && this.#inner?.isPaced === true;
  }

  /** An attempt that was ended, as long as ioredis does not know: it would take its outcome for that of the next. */
  get ending(): Promise<unknown> | undefined {
    return this.#attempt;
  }

  connect(emit: Emit): Promise<Socket> {
    const attempt = this.#connect(emit);
    const known = attempt.then(ignore, ignore).then(() => {
      if (this.#attempt === known) this.#attempt = undefined;
    });
    this.#attempt = known;
    return attempt;
  }

  async #connect(emit: Emit): Promise<Socket> {
    const life = ++this.#life;
    this.#unborn = undefined;
    const inner = (this.#inner ??= await (this.#loading ??= this.#load()));
    if (life !== this.#life) throw new Error("Connection is closed.");
    return inner.connect(emit);
  }

  check(info: Record<string, string>): boolean {
    return this.#inner?.check(info) ?? true;
  }

  disconnect(): void {
    this.#life++;
    this.#inner?.disconnect();
  }

  async look(): Promise<boolean> {
    return (await this.#inner?.look()) ?? false;
  }

  heard(): void {
    this.#inner?.heard();
  }

  leave(): void {
    this.#life++;
    this.#inner?.leave();
  }
}

function ignore(): void {
  // ioredis has it.
}
