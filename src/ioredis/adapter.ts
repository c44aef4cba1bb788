/**
 * What this package keeps of an ioredis client whose private methods it overrides. ioredis's constructor calls several of
 * them before a subclass's own fields exist, so it hangs on a symbol that the first of them sets.
 */
import type { Command, Redis as IORedis } from "ioredis";
import type { Dispatcher, TransportEvents } from "../engine/ports.js";
import type { Options } from "./explicit-options.js";
import type { HelloRefusal } from "./hello-refused.js";
import type { OwnTurn } from "./own-turn.js";
import type { Resubscription } from "./resubscription.js";
import type { IORedisTransport } from "./transport.js";

export interface Adapter {
  readonly transport: IORedisTransport;
  readonly events: TransportEvents;
  /** Where a command goes that turns out to be the caller's. */
  readonly dispatcher: Dispatcher;
  readonly resubscription: Resubscription;
  /** Knows when ioredis sends on its own behalf. */
  readonly turn: OwnTurn;
  /** What the caller wrote. */
  readonly explicit: Options;
  /** `enableReadyCheck: false`. ioredis 5 guards against a lost handshake only on the way through the check, so it always goes there. */
  readonly skipsReadyCheck: boolean;
  readonly helloRefusal: HelloRefusal;
  /** The server has said how many clients it takes. */
  readonly serverAllows: (maxClients: number) => void;
  /** The client has ended for good. */
  readonly onEnd: () => void;
  /** A CLIENT SETINFO of ioredis 5 that is not answered, or a caller's that looks the same. */
  versionTold: Command | undefined;
  /** ioredis is about to reconnect on its own account: unlike a caller's `disconnect(true)`, that concerns this connection only. */
  isReconnecting: boolean;
  /** The handshake's SELECT failed: serving would mean writing to database 0. */
  selectError: Error | undefined;
}

export const ADAPTER: unique symbol = Symbol("ioredoubt.adapter");

/** An ioredis client of this package. */
export type Adapted = IORedis & { readonly [ADAPTER]: Adapter };

/** "monitoring" is a status of ioredis that its types do not know. */
export const SERVING: ReadonlySet<string> = new Set(["ready", "monitoring"]);
