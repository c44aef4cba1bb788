/**
 * Options that both callers and ioredis read, and that mean something else to each. Callers, job queues among them, look whether
 * `enableReadyCheck` or `retryStrategy` is what they wrote, and copy the options for further clients; ioredis would act on them
 * where the engine does. So callers see what they wrote, and ioredis sees what it is to do, at the few moments when it looks.
 */
import type { Redis as IORedis, RedisOptions } from "ioredis";
import type { RetryStrategy } from "./reconnect.js";

export interface OptionsForIoredis {
  /** How a lost connection is opened again. */
  readonly retryStrategy: RetryStrategy;
  /** Callers assigned another strategy. */
  readonly retriesWith: (strategy: RetryStrategy | null | undefined) => void;
}

/** Options of a running client as they are shown, and ways to show ioredis others. */
export class ShownOptions {
  #isSending = false;

  constructor(client: IORedis, { retryStrategy, retriesWith }: OptionsForIoredis) {
    const { options } = client;
    const show = <K extends keyof RedisOptions>(key: K, forIoredis: () => boolean, theirs: RedisOptions[K]): void => {
      const isWritten = key in options;
      let written = options[key];
      Object.defineProperty(options, key, {
        get: () => (forIoredis() ? theirs : written),
        set: (value: RedisOptions[K]) => {
          written = value;
          if (key === "retryStrategy") retriesWith(value as RetryStrategy | null | undefined);
        },
        // What is not there must not appear in copies of the options.
        enumerable: isWritten,
        configurable: true,
      });
    };
    // It would arm a timer a command, and resolve what was not answered.
    show("commandTimeout", () => this.#isSending, undefined);
    show("blockingTimeout", () => this.#isSending, undefined);
    // It looks when the handshake is answered. Its own way past the check does not notice a handshake that failed.
    show("enableReadyCheck", () => client.status === "connect", true);
    show("retryStrategy", () => client.status === "close", retryStrategy as NonNullable<RedisOptions["retryStrategy"]>);
  }

  /** Runs what makes ioredis send a command. */
  sending<T>(send: () => T): T {
    this.#isSending = true;
    try {
      return send();
    } finally {
      this.#isSending = false;
    }
  }
}
