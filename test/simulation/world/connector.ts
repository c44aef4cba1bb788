/** ioredis's way to a socket: its `Connector` option, leading into the simulated network. */
import type { Network } from "./network.js";
import type { SimSocket } from "./socket.js";

interface ConnectorOptions {
  readonly host?: string;
  readonly port?: number;
  readonly disconnectTimeout?: number;
}

/** How long a socket that was told to end may stay, in milliseconds. As in ioredis. */
const DISCONNECT_TIMEOUT = 2_000;

/** The `Connector` option for clients of one network. */
export function connectorFor(network: Network): new (options: ConnectorOptions) => object {
  return class SimConnector {
    connecting = false;
    stream: SimSocket | undefined = undefined;
    firstError: Error | undefined = undefined;
    readonly #options: ConnectorOptions;

    constructor(options: ConnectorOptions) {
      this.#options = options;
    }

    check(): boolean {
      return true;
    }

    connect(): Promise<SimSocket> {
      this.connecting = true;
      return new Promise((resolve, reject) => {
        process.nextTick(() => {
          if (!this.connecting) {
            reject(new Error("Connection is closed."));
            return;
          }
          const { host = "localhost", port = 6379 } = this.#options;
          this.stream = network.dial(host, port);
          this.stream.once("error", (error: Error) => (this.firstError = error));
          resolve(this.stream);
        });
      });
    }

    disconnect(): void {
      this.connecting = false;
      const { stream } = this;
      if (stream === undefined) return;
      const timer = setTimeout(() => stream.destroy(), this.#options.disconnectTimeout ?? DISCONNECT_TIMEOUT);
      stream.on("close", () => clearTimeout(timer));
      stream.end();
    }
  };
}
