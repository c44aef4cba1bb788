/**
 * Everything that hangs on a client. ioredis's constructor calls several overridden methods before a subclass's own fields
 * exist, so all of it hangs on one symbol that `parseOptions`, the first of them, sets.
 */
import type { Command } from "ioredis";
import type { ScriptEffects } from "../command/scripts.js";
import type { Options } from "../connection/explicit-options.js";
import type { Resubscription } from "../connection/resubscription.js";
import type { Wire } from "../connection/wire.js";
import type { Flow } from "../flow/flow.js";
import type { Policy } from "../policy/shape.js";
import type { Pool } from "../pool/pool.js";
import type { Redis } from "../redis.js";
import type { Given } from "./given.js";
import type { OwnTurn } from "./own-turn.js";

export const STATE: unique symbol = Symbol("ioredoubt.state");

export interface State {
  readonly flow: Flow;
  readonly wire: Wire;
  readonly policy: Policy;
  /** What the caller wrote, for `duplicate()`. */
  readonly explicit: Options;
  /** ioredis options that the policy set. */
  readonly brought: Options;
  readonly environment: Given["environment"];
  readonly scripts: ScriptEffects;
  /** Knows when ioredis sends on its own behalf. */
  readonly turn: OwnTurn;
  /** A CLIENT SETINFO of ioredis 5 that is not answered, or a caller's that looks the same. */
  versionTold: Command | undefined;
  /** ioredis is about to reconnect on its own account: unlike a caller's `disconnect(true)`, that concerns this connection only. */
  isReconnecting: boolean;
  /** `enableReadyCheck: false`. ioredis 5 guards against a lost handshake only on the way through the check, so it always goes there. */
  readonly skipsReadyCheck: boolean;
  /** The handshake's SELECT failed: serving would mean writing to database 0. */
  selectError: Error | undefined;
  /** The server has said how many clients it takes. */
  readonly serverAllows: (maxClients: number) => void;
  closing: Promise<void> | undefined;
  /** Its connections are made when they are needed. A client that is in a pool has none of its own. */
  pool: Pool | undefined;
  readonly resubscription: Resubscription;
  /** Takes it off the count of the process's clients. */
  ended: (() => void) | undefined;
}

export function stateOf(client: Redis): State {
  return client[STATE];
}

/** "monitoring" is a status of ioredis that its types do not know. */
export const SERVING: ReadonlySet<string> = new Set(["ready", "monitoring"]);
