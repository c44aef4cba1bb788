/** The client that a pool belongs to, as the pool sees it. `redis.ts` implements it; nothing here reaches further. */
import type { Command } from "ioredis";
import type { CallOptions } from "../command/call.js";
import type { Flow } from "../flow/flow.js";
import type { Logger } from "../observe/logger.js";
import type { Policy } from "../policy/shape.js";
import type { Redis } from "../redis.js";

/** What a pooled connection is made for. */
export type Purpose = "lease" | "blocking" | "lane";

export interface Host {
  readonly policy: Policy;
  readonly logger: Logger;
  readonly flow: Flow;
  /** A client with the same options for the pool's own use: not connected yet, without a pool of its own. */
  create(purpose: Purpose): Redis;
  flowOf(client: Redis): Flow;
  /** Sends a command as if a caller of the client had issued it now. */
  send(command: Command, options: CallOptions | undefined): void;
  /** Resolves when everything that is in flight on the client's own connection has settled. */
  whenAnswered(): Promise<void> | undefined;
  /** Changes with every connection of the client itself. */
  epoch(): number;
  /** The connection cannot run a blocking command for others: it is subscribed (RESP2) or monitors. */
  isDedicated(): boolean;
}
