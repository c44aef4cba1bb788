/**
 * A TCP relay that keeps what clients say, connection by connection: MONITOR shows no password. It reads requests only, which are
 * arrays of bulk strings, and changes nothing.
 */
import { connect, createServer } from "node:net";
import { requestAt } from "./resp.mjs";

/** One connection, from its first command to its last. */
export class Recorded {
  /** The commands in their order: the name in lower case, then the arguments. @type {string[][]} */
  commands = [];
  isOpen = true;
  /** It was `cut`. */
  wasCut = false;
  #client;
  #rest = Buffer.alloc(0);

  /** @param {import("node:net").Socket} client */
  constructor(client) {
    this.#client = client;
  }

  /** Cuts it, as a network does. */
  cut() {
    this.wasCut = true;
    this.#client.resetAndDestroy();
  }

  /** Every password that it logged in with, in order, those of HELLO too. */
  get passwords() {
    return this.commands.flatMap(([name, ...args]) => {
      const at = args.findIndex((arg) => arg.toLowerCase() === "auth");
      if (name === "auth") return args.slice(-1);
      return name === "hello" && at >= 0 ? args.slice(at + 2, at + 3) : [];
    });
  }

  /** How many commands there were of a name. @param {string} wanted */
  count(wanted) {
    return this.commands.filter(([name]) => name === wanted).length;
  }

  /** Logins between a MULTI and its end. */
  get loginsInTransaction() {
    let isOpen = false;
    return this.commands.filter(([name]) => {
      if (name === "multi") isOpen = true;
      if (name === "exec" || name === "discard") isOpen = false;
      return isOpen && name === "auth";
    }).length;
  }

  /** @param {Buffer} chunk */
  read(chunk) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let next = requestAt(this.#rest); next !== undefined; next = requestAt(this.#rest)) {
      const [name = "", ...args] = next.parts;
      this.commands.push([name.toLowerCase(), ...args]);
      this.#rest = this.#rest.subarray(next.end);
    }
  }
}

/**
 * Starts one in front of a server.
 * @param {number} port the server's
 */
export async function startRecorder(port) {
  /** @type {Recorded[]} */
  const connections = [];
  const sockets = new Set();
  const listener = createServer((client) => {
    const recorded = new Recorded(client);
    connections.push(recorded);
    const server = connect({ host: "127.0.0.1", port, noDelay: true });
    client.setNoDelay(true);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      sockets.add(one);
      one?.on("error", () => other?.destroy());
      one?.on("close", () => {
        recorded.isOpen = false;
        sockets.delete(one);
        other?.destroy();
      });
    }
    client.on("data", (chunk) => {
      recorded.read(chunk);
      server.write(chunk);
    });
    server.on("data", (chunk) => client.write(chunk));
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = listener.address();
  return {
    /** Where clients connect. */
    port: address !== null && typeof address === "object" ? address.port : 0,
    /** All there have been, in their order. */
    connections,
    /** Those that are open. */
    get open() {
      return connections.filter(({ isOpen }) => isOpen);
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(() => resolve(undefined)));
    },
  };
}
