/**
 * Connections beside the shared one, as routers and pools know them: each is a client with an engine of its own. The adapter
 * makes them, so that nobody else constructs ioredis clients.
 */
import type { Command, Redis as IORedis } from "ioredis";
import type { Policy } from "../policy/shape.js";
import type { Logger } from "../policy/shape.js";
import type { Engine } from "./engine.js";
import type { CallOptions, Dispatcher, Transport } from "./ports.js";

/** What a connection is made for. */
export type Role = "lease" | "blocking" | "lane";

/** A client of this package, as far as routers and pools use it. */
export interface OwnedClient extends IORedis {
  /** A view whose commands carry limits of their own. */
  with(options: CallOptions): this;
}

/** A client and what drives it. */
export interface OwnConnection {
  readonly client: OwnedClient;
  readonly engine: Engine;
  readonly transport: Transport;
  /** Numbers its connections to the server. */
  epoch(): number;
  /** Connected, and commands go out at once. */
  isLive(): boolean;
  /** Commands that were written and not answered, questions of our own included. */
  unanswered(): number;
  /** Stands for the login that a caller took with AUTH; `undefined` while the client's own holds. */
  login(): object | undefined;
  /** Logs it in like another connection of the same client. Rejects with the server's refusal. */
  logInAs(login: object): Promise<void>;
  /** Ends it and closes its socket at once. */
  destroy(): void;
}

/** Makes further connections to the same server, with the options of the client they belong to. */
export interface Connections {
  /** Not connected yet; it connects when it is first used. */
  open(role: Role): OwnConnection;
}

/** The client that routers and pools belong to. */
export interface ClientHost extends Connections {
  readonly policy: Policy;
  readonly logger: Logger;
  /** Its own connection. */
  readonly own: OwnConnection;
  /** Where a command goes that a caller of the client issues now. */
  readonly dispatcher: () => Dispatcher;
  /** Its own connection cannot run a blocking command for others: it is subscribed (RESP2) or monitors. */
  isDedicated(): boolean;
  /** Makes a command that nobody has sent yet. */
  command(name: string, args: readonly (string | Buffer | number)[], replyEncoding?: BufferEncoding): Command;
}
